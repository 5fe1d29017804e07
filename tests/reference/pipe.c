/* Two pipes, one in each direction: pipe(2). */
#include "pipe.h"
