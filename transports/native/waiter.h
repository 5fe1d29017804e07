/* Waiters: counted wake-ups of the kernel and of the C library, for rings and for signals.
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_WAITER_H
#define IPCBENCH_WAITER_H

#include <errno.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/types.h>

#include "wait_policy.h"

/* `wait` takes one, `notify` adds one: 0 or -errno. Both order memory: stores before a notify are
 * visible after the wait that it ends (POSIX, XBD 4.12, for semaphores; the others are system
 * calls that take one lock in the kernel). NULL stands for sem_wait(3) and for sem_post(3): see
 * ipcbench_wait. */
struct waiter {
    ssize_t (*wait)(const struct waiter *self);
    ssize_t (*notify)(const struct waiter *self);
    sem_t *semaphore; /* sem_open(3) */
    int id;           /* a set of System V, or a descriptor */
    short flags;      /* semop(2): SEM_UNDO */
    struct wait_policy policy;
};

/* After a signal's handler: an interruptible end returns, any other one continues to wait. */
static inline int
ipcbench_continues(const struct waiter *waiter)
{
    return errno == EINTR && !waiter->policy.interruptible;
}

/* Take one, add one. The calls of a POSIX semaphore are short, and an indirect call after a switch
 * of processes is expensive: eight of them were 2 % of a round trip on one core. So sem_wait(3)
 * and sem_post(3) are called directly. */

static inline ssize_t
ipcbench_wait_semaphore(const struct waiter *waiter)
{
    while (sem_wait(waiter->semaphore) < 0)
        if (!ipcbench_continues(waiter))
            return -errno;
    return 0;
}

static inline ssize_t
ipcbench_wait(const struct waiter *waiter)
{
    return waiter->wait != NULL ? waiter->wait(waiter) : ipcbench_wait_semaphore(waiter);
}

static inline ssize_t
ipcbench_notify(const struct waiter *waiter)
{
    if (waiter->notify != NULL)
        return waiter->notify(waiter);
    return sem_post(waiter->semaphore) < 0 ? -errno : 0;
}

#endif
