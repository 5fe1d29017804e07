/* Two FIFOs, by calls that do not block. */
#define SPINS 1
#include "fifo.h"
