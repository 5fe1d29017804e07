/* Two POSIX message queues, by calls that do not block. */
#define SPINS 1
#include "posix_queue.h"
