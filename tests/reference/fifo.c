/* Two FIFOs, one in each direction: fifo(7). */
#include "fifo.h"
