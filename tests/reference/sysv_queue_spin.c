/* Two System V message queues, by calls that do not block. */
#define SPINS 1
#include "sysv_queue.h"
