/* Two POSIX message queues, by calls that block. */
#define SPINS 0
#include "posix_queue.h"
