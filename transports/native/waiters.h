/* Waiters: counted wake-ups of the kernel and of the C library, for rings and for signals. */
#ifndef IPCBENCH_WAITERS_H
#define IPCBENCH_WAITERS_H

#include <errno.h>
#include <semaphore.h>

#include "capsule.h"
#include "wait_policy.h"

#define IPCBENCH_WAITER "ipcbench.waiter"

/* `wait` takes one, `notify` adds one: 0 or -errno. Both order memory: stores before a notify are
 * visible after the wait that it ends (POSIX, XBD 4.12, for semaphores; the others are system
 * calls that take one lock in the kernel). NULL stands for sem_wait(3) and for sem_post(3): see
 * ipcbench_wait. */
struct waiter {
    ssize_t (*wait)(const struct waiter *self);
    ssize_t (*notify)(const struct waiter *self);
    sem_t *semaphore; /* sem_open(3) */
    int id;           /* a set of System V, or a descriptor */
    short flags;      /* semop(2): SEM_UNDO, IPC_NOWAIT */
    struct wait_policy policy; /* of an eventfd */
};

/* Take one, add one. The calls of a POSIX semaphore are short, and an indirect call after a switch
 * of processes is expensive: eight of them were 2 % of a round trip on one core. So sem_wait(3)
 * and sem_post(3) are called directly. */

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

/* The waiter of a capsule made in waiters.c; NULL with an error set for any other object. The
 * pointer is valid as long as the capsule is referenced. */
static inline const struct waiter *
ipcbench_waiter_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, IPCBENCH_WAITER);
}

#endif
