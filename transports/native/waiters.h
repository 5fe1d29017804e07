/* Counted wake-ups of the kernel and of the C library: what a ring waits with, and a signal is. */
#ifndef IPCBENCH_WAITERS_H
#define IPCBENCH_WAITERS_H

#include <semaphore.h>

#include "capsule.h"

#define IPCBENCH_WAITER "ipcbench.waiter"

/* How a waiter waits: transports/waiters.py has the same numbers. */
enum ipcbench_how { IPCBENCH_BLOCK, IPCBENCH_TRY, IPCBENCH_POLL };

/* `wait` takes one, `notify` adds one: 0 or -errno. Both order memory: what was written before
 * a notify is read after the wait that it ends (POSIX, XBD 4.12, for semaphores; the others
 * are system calls that take one lock in the kernel). */
struct waiter {
    ssize_t (*wait)(const struct waiter *self);
    ssize_t (*notify)(const struct waiter *self);
    sem_t *semaphore; /* sem_open(3) */
    int id;           /* a set of System V, or a descriptor */
    short flags;      /* semop(2): SEM_UNDO, IPC_NOWAIT */
};

/* The waiter in a capsule that one of `ipcbench_signalling`'s functions made; NULL with an
 * error set where it is none. Who keeps the pointer keeps the capsule. */
static inline const struct waiter *
ipcbench_waiter_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, IPCBENCH_WAITER);
}

#endif
