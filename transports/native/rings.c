/* Shared memory: rings of messages in a segment, over every way of waiting. */
#include "capsule.h"

PyMethodDef ipcbench_rings[] = {
    {NULL, NULL, 0, NULL},
};
