/* Two pipes, by calls that do not block. */
#define SPINS 1
#include "pipe.h"
