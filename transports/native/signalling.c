/* What carries nothing: semaphores, eventfd, futex and signals to wake with, guards to exclude with. */
#include "capsule.h"

PyMethodDef ipcbench_signalling[] = {
    {NULL, NULL, 0, NULL},
};
