/* Two System V message queues, by calls that block. */
#define SPINS 0
#include "sysv_queue.h"
