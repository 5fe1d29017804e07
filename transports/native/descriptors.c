/* Byte streams and messages over file descriptors: pipes, FIFOs, sockets. */
#include "capsule.h"

PyMethodDef ipcbench_descriptors[] = {
    {NULL, NULL, 0, NULL},
};
