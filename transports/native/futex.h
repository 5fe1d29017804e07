/* Waiting for words in shared memory, in futex(2).
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_FUTEX_H
#define IPCBENCH_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "spinning.h"

/* Data that one side writes and the other one reads has two cache lines to itself: x86 fetches
 * lines in pairs (Intel's optimisation manual, "spatial prefetcher"). */
#define IPCBENCH_LINE_PAIR 128

/* Full fence: other processes see the stores before it earlier than this one loads after it. */
static inline void
ipcbench_fence(uint32_t *doorbell)
{
#ifdef __SANITIZE_THREAD__ /* it does not know fences: use an exchange that changes nothing */
    __atomic_fetch_add(doorbell, 0, __ATOMIC_SEQ_CST);
#else
    (void)doorbell;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Wake the process that sleeps at a word. */
static inline void
ipcbench_futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Sleep while the word has this value. Returns early after a signal's handler: 0, or -EINTR. */
static inline int
ipcbench_futex_wait(uint32_t *word, uint32_t value)
{
    long woken = syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
    return woken < 0 && errno == EINTR ? -EINTR : 0;
}

#endif
