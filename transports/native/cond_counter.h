/* A counter by a mutex and a condition variable, shared by processes: pthread_cond_init(3).
 *
 * Code in C++ waits in this way, Boost.Interprocess for one. The count is the predicate. A wake-up
 * without a token may happen (POSIX, pthread_cond_wait), so a waiting process looks again. A token
 * is added before the signal, under the mutex: a process that has found none sleeps before that,
 * and is woken, or looks later, and finds it.
 *
 * The mutex is robust: of a process that is killed inside, nothing is left but the count, which one
 * store changes, so that it is right at any time. Condition variables are not robust. A process
 * that is killed asleep in one stays among its waiters (glibc, nptl/pthread_cond_wait.c, the groups
 * G1 and G2). Tokens are still added. But of another process that waits in its place, a later sleep
 * may last in spite of a token, since the signal went to the dead one; or the signal does not return,
 * since it waits until the dead one has left its group (__condvar_quiesce_and_switch_g1). glibc 2.36
 * does both at the second or third sleep. Here each has one waiting process, which nothing replaces,
 * and the process that wakes it never waits for it.
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_COND_COUNTER_H
#define IPCBENCH_COND_COUNTER_H

#include "mutex.h"

struct cond_counter {
    pthread_mutex_t mutex;
    pthread_cond_t added;
    uint64_t tokens;
};

static inline ssize_t
ipcbench_counter_init(struct cond_counter *counter, uint64_t tokens)
{
    pthread_condattr_t how;
    int failed = pthread_condattr_init(&how);
    if (failed)
        return -failed;
    failed = pthread_condattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    if (!failed)
        failed = pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    if (!failed)
        failed = pthread_cond_init(&counter->added, &how);
    pthread_condattr_destroy(&how);
    counter->tokens = tokens;
    return failed ? -failed : ipcbench_mutex_init(&counter->mutex, 1);
}

/* Take one where there is one, and leave the mutex: `found`, or 0. */
static inline ssize_t
ipcbench_counter_taken(struct cond_counter *counter, ssize_t found)
{
    if (counter->tokens > 0) {
        counter->tokens--;
        found = 0;
    }
    ssize_t failed = ipcbench_mutex_unlock(&counter->mutex);
    return failed < 0 ? failed : found;
}

static inline ssize_t
ipcbench_counter_take(struct cond_counter *counter)
{
    ssize_t failed = ipcbench_mutex_lock(&counter->mutex);
    while (failed == 0 && counter->tokens == 0)
        failed = ipcbench_mutex_entered(
            &counter->mutex, pthread_cond_wait(&counter->added, &counter->mutex));
    return failed < 0 ? failed : ipcbench_counter_taken(counter, 0);
}

static inline ssize_t
ipcbench_counter_try(struct cond_counter *counter)
{
    ssize_t failed = ipcbench_mutex_lock(&counter->mutex);
    return failed < 0 ? failed : ipcbench_counter_taken(counter, -EAGAIN);
}

/* Take one, or return -EINTR after a while. */
static inline ssize_t
ipcbench_counter_take_until(struct cond_counter *counter)
{
    struct timespec until = ipcbench_interrupt_time(CLOCK_MONOTONIC);
    ssize_t failed = ipcbench_mutex_lock(&counter->mutex);
    while (failed == 0 && counter->tokens == 0)
        failed = ipcbench_mutex_entered(
            &counter->mutex, pthread_cond_timedwait(&counter->added, &counter->mutex, &until));
    return failed < 0 && failed != -ETIMEDOUT ? failed : ipcbench_counter_taken(counter, -EINTR);
}

/* Add one. The signal follows the unlock: else the process that it wakes on another CPU would wait
 * for the mutex. */
static inline ssize_t
ipcbench_counter_add(struct cond_counter *counter)
{
    ssize_t failed = ipcbench_mutex_lock(&counter->mutex);
    if (failed < 0)
        return failed;
    counter->tokens++;
    failed = ipcbench_mutex_unlock(&counter->mutex);
    return failed < 0 ? failed : -pthread_cond_signal(&counter->added);
}

#endif
