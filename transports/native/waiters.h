/* Counted wake-ups of the kernel and of the C library: what a ring waits with, and a signal is. */
#ifndef IPCBENCH_WAITERS_H
#define IPCBENCH_WAITERS_H

#include <errno.h>
#include <semaphore.h>

#include "capsule.h"

#define IPCBENCH_WAITER "ipcbench.waiter"

/* How a waiter waits: transports/sync/waiter.py has the same numbers. */
enum ipcbench_how { IPCBENCH_BLOCK, IPCBENCH_TRY, IPCBENCH_POLL };

/* `wait` takes one, `notify` adds one: 0 or -errno. Both order memory: what was written before
 * a notify is read after the wait that it ends (POSIX, XBD 4.12, for semaphores; the others
 * are system calls that take one lock in the kernel). NULL stands for sem_wait(3) and for
 * sem_post(3): see ipcbench_wait. */
struct waiter {
    ssize_t (*wait)(const struct waiter *self);
    ssize_t (*notify)(const struct waiter *self);
    sem_t *semaphore; /* sem_open(3) */
    int id;           /* a set of System V, or a descriptor */
    short flags;      /* semop(2): SEM_UNDO, IPC_NOWAIT */
};

/* Take one, add one. The calls of a POSIX semaphore are short, and after a switch of processes
 * every call by a pointer is dear: eight of them were 2 % of a round trip on one core. So these
 * are called by name. */

static inline ssize_t
ipcbench_wait(const struct waiter *waiter)
{
    if (waiter->wait != NULL)
        return waiter->wait(waiter);
    while (sem_wait(waiter->semaphore) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static inline ssize_t
ipcbench_notify(const struct waiter *waiter)
{
    if (waiter->notify != NULL)
        return waiter->notify(waiter);
    return sem_post(waiter->semaphore) < 0 ? -errno : 0;
}

/* The waiter in a capsule that one of `ipcbench_waiters`'s functions made; NULL with an
 * error set where it is none. Who keeps the pointer keeps the capsule. */
static inline const struct waiter *
ipcbench_waiter_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, IPCBENCH_WAITER);
}

#endif
