/* Waiters in capsules: see waiter.h. */
#ifndef IPCBENCH_WAITERS_H
#define IPCBENCH_WAITERS_H

#include "capsule.h"
#include "waiter.h"

#define IPCBENCH_WAITER "ipcbench.waiter"

/* The waiter of a capsule made in waiters.c; NULL with an error set for any other object. The
 * pointer is valid as long as the capsule is referenced. */
static inline const struct waiter *
ipcbench_waiter_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, IPCBENCH_WAITER);
}

#endif
