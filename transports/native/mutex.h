/* Mutexes in shared memory: those of POSIX, one over a futex word, and a spin lock.
 *
 * Each `lock` has three forms, which return 0 or -errno: one that waits, `try` (-EAGAIN where it is
 * taken), and `lock_until`, which returns -EINTR from time to time, so that an interpreter can run
 * signal handlers.
 *
 * Header-only and free of Python, so that tests can run them between threads (tests/native). */
#ifndef IPCBENCH_MUTEX_H
#define IPCBENCH_MUTEX_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "futex.h"

/* The C library repeats a sleep after a signal's handler, so such a sleep has a time-out. */
#define IPCBENCH_INTERRUPT_NANOSECONDS 50000000L

static inline struct timespec
ipcbench_interrupt_time(clockid_t clock)
{
    struct timespec until;
    clock_gettime(clock, &until);
    until.tv_nsec += IPCBENCH_INTERRUPT_NANOSECONDS;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    return until;
}

/* pthread_mutex_lock(3), shared by processes: pthread_mutexattr_setpshared(3). Where the holder of
 * one that is `robust` dies, the kernel marks it (set_robust_list(2)), and the next lock returns
 * EOWNERDEAD: pthread_mutexattr_setrobust(3). Any other one stays locked. */

static inline ssize_t
ipcbench_mutex_init(pthread_mutex_t *mutex, int robust)
{
    pthread_mutexattr_t how;
    int failed = pthread_mutexattr_init(&how);
    if (failed)
        return -failed;
    failed = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    if (!failed && robust)
        failed = pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    if (!failed)
        failed = pthread_mutex_init(mutex, &how);
    pthread_mutexattr_destroy(&how);
    return -failed;
}

/* The result of a lock. After EOWNERDEAD this process is inside, and the next unlock would make the
 * mutex unusable for ever: pthread_mutex_consistent(3). */
static inline ssize_t
ipcbench_mutex_entered(pthread_mutex_t *mutex, int found)
{
    if (found == EOWNERDEAD)
        found = pthread_mutex_consistent(mutex);
    return -found;
}

static inline ssize_t
ipcbench_mutex_lock(pthread_mutex_t *mutex)
{
    return ipcbench_mutex_entered(mutex, pthread_mutex_lock(mutex));
}

static inline ssize_t
ipcbench_mutex_try(pthread_mutex_t *mutex)
{
    int found = pthread_mutex_trylock(mutex);
    return found == EBUSY ? -EAGAIN : ipcbench_mutex_entered(mutex, found);
}

static inline ssize_t
ipcbench_mutex_lock_until(pthread_mutex_t *mutex)
{
    struct timespec until = ipcbench_interrupt_time(CLOCK_REALTIME);
    int found = pthread_mutex_timedlock(mutex, &until);
    return found == ETIMEDOUT ? -EINTR : ipcbench_mutex_entered(mutex, found);
}

static inline ssize_t
ipcbench_mutex_unlock(pthread_mutex_t *mutex)
{
    return -pthread_mutex_unlock(mutex);
}

/* A word of three states: 0 free, 1 locked, 2 locked and a process may sleep. It is "Mutex, Take 2"
 * of Ulrich Drepper, "Futexes Are Tricky" (2011). Without contention it makes no system call. A word
 * that its holder leaves by death stays locked. */

static inline ssize_t
ipcbench_futex_mutex_try(uint32_t *word)
{
    uint32_t seen = 0;
    return __atomic_compare_exchange_n(word, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
               ? 0
               : -EAGAIN;
}

/* The lock where it is not free: 0, or -EINTR after a signal's handler. */
static inline ssize_t
ipcbench_futex_mutex_sleep(uint32_t *word)
{
    uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    do {
        /* Announce the sleep, unless that is done or the word was freed meanwhile. */
        if (seen == 2 || (seen == 1 && __atomic_compare_exchange_n(
                                           word, &seen, 2, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))) {
            int failed = ipcbench_futex_wait(word, 2);
            if (failed < 0)
                return failed;
        }
        seen = 0; /* lock it as 2: another process may sleep still */
    } while (!__atomic_compare_exchange_n(word, &seen, 2, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return 0;
}

static inline ssize_t
ipcbench_futex_mutex_lock(uint32_t *word)
{
    ssize_t found = ipcbench_futex_mutex_try(word);
    while (found < 0)
        found = ipcbench_futex_mutex_sleep(word);
    return 0;
}

static inline void
ipcbench_futex_mutex_unlock(uint32_t *word)
{
    if (__atomic_fetch_sub(word, 1, __ATOMIC_RELEASE) != 1) {
        __atomic_store_n(word, 0, __ATOMIC_RELEASE);
        ipcbench_futex_wake(word);
    }
}

/* Test and test-and-set: only loads while it is locked, so that the line stays shared. It pauses
 * between two looks, or yields a CPU that others use. It stays locked after its holder's death. */

static inline ssize_t
ipcbench_spin_try(uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED) == 0 &&
                   __atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) == 0
               ? 0
               : -EAGAIN;
}

static inline ssize_t
ipcbench_spin_lock(uint32_t *word, const struct wait_policy *policy)
{
    for (unsigned looked = 0; ipcbench_spin_try(word) < 0; looked++) {
        if (policy->interruptible && looked == ipcbench_interrupt_interval(policy, 0))
            return -EINTR;
        if (policy->exclusive_cpu)
            ipcbench_pause();
        else
            sched_yield();
    }
    return 0;
}

static inline void
ipcbench_spin_unlock(uint32_t *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

#endif
