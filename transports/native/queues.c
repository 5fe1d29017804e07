/* Message queues: System V's (msgop(2)) and POSIX's (mq_overview(7)). */
#include "capsule.h"

PyMethodDef ipcbench_queues[] = {
    {NULL, NULL, 0, NULL},
};
