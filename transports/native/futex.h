/* Waiting for what other processes write into shared memory: looking, yielding, sleeping.
 *
 * Header-only, and free of Python, so that it can be tried between threads (tests/native). */
#ifndef IPCBENCH_WORDS_H
#define IPCBENCH_WORDS_H

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What one side writes and the other one reads has two cache lines to itself: x86 fetches
 * them in pairs (Intel's optimisation manual, "spatial prefetcher"). */
#define IPCBENCH_APART 128

/* Looks at a word before each further one is a `pause`, which takes tens of nanoseconds: an
 * answer from another core is there before, and whoever waits longer saves the core's power. */
#define IPCBENCH_EAGER 2000

/* Looks after which a restless end comes up for air: some tens of milliseconds. One that yields
 * loses a slice of time by each look where others want the CPU, so it comes up after fewer. */
#define IPCBENCH_RESTLESS (1u << 20)
#define IPCBENCH_RESTLESS_YIELDS 256

/* How an end waits; the same all its life. */
struct patience {
    int nowait;     /* not at all: -EAGAIN */
    int alone;      /* no other process uses our CPUs: it need not yield while it spins */
    int sleeps;     /* by futex(2), after so many */
    unsigned looks;
    int restless;   /* now and then -EINTR, so that an interpreter can run its handlers */
};

static inline void
ipcbench_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

static inline void
ipcbench_pass_time(const struct patience *how, unsigned looked)
{
    if (!how->alone)
        sched_yield();
    else if (looked >= IPCBENCH_EAGER)
        ipcbench_pause();
}

static inline unsigned
ipcbench_breath(const struct patience *how)
{
    return how->alone ? IPCBENCH_RESTLESS : IPCBENCH_RESTLESS_YIELDS;
}

/* Stores before it are seen by all before anything after it is loaded. */
static inline void
ipcbench_fence(uint32_t *bell)
{
#ifdef __SANITIZE_THREAD__ /* which knows no fences: an exchange that changes nothing is one */
    __atomic_fetch_add(bell, 0, __ATOMIC_SEQ_CST);
#else
    (void)bell;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* A *bell*: a word that one process sleeps by, and that any number ring.
 *
 * Bit 0 says that somebody means to sleep; the rest counts how often it was rung.
 *
 *   who waits:   set bit 0; FENCE; look again; futex(2) FUTEX_WAIT while the bell is as it was set
 *   who brings:  bring; FENCE; where bit 0 is set: add 1, which clears it; FUTEX_WAKE
 *
 * Invariant: whoever sleeps finds nothing brought that no ring follows. For of two fences one is
 * first in their order, which is total (C11, 7.17.3 and 7.17.4; tests/native/ring.pml and
 * tests/native/interleavings.py try all orders that x86 has):
 *   - the waiter's: the bringer then sees bit 0 and rings. The ring changes the word, so a
 *     FUTEX_WAIT that comes after it does not sleep (futex(2): EAGAIN), and one that came before
 *     it is woken;
 *   - the bringer's: then the waiter's second look sees what was brought.
 * Without the fences each may miss the other's store, on x86 too, where a load may pass an
 * earlier store (Intel SDM 3A, 8.2.3.4).
 *
 * Of several bringers who see bit 0 at once, one succeeds in the exchange and rings. */
static inline void
ipcbench_ring(uint32_t *bell)
{
    ipcbench_fence(bell);
    uint32_t seen = __atomic_load_n(bell, __ATOMIC_RELAXED);
    if ((seen & 1) &&
        __atomic_compare_exchange_n(bell, &seen, seen + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

typedef int (*ipcbench_there)(void *what);

/* Sleep until the bell is rung, unless it is `there` already. Returns early where a signal's
 * handler ran: 0, or -EINTR. */
static inline int
ipcbench_sleep(uint32_t *bell, ipcbench_there there, void *what)
{
    uint32_t set = __atomic_fetch_or(bell, 1, __ATOMIC_SEQ_CST) | 1;
    ipcbench_fence(bell);
    if (there(what)) {
        __atomic_fetch_and(bell, ~1u, __ATOMIC_RELAXED); /* rung or not: nobody sleeps */
        return 0;
    }
    long woken = syscall(SYS_futex, bell, FUTEX_WAIT, set, NULL, NULL, 0);
    return woken < 0 && errno == EINTR ? -EINTR : 0;
}

/* Wait until it is there: 0, -EAGAIN or -EINTR, as `how` says. Inlined, with `there` in it. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_await(const struct patience *how, uint32_t *bell, ipcbench_there there, void *what)
{
    for (unsigned looked = 0; !there(what); looked++) {
        if (how->nowait)
            return -EAGAIN;
        if (how->sleeps && looked >= how->looks) {
            if (ipcbench_sleep(bell, there, what) < 0 && how->restless)
                return -EINTR;
            looked = 0;
        } else if (how->restless && looked == ipcbench_breath(how)) {
            return -EINTR;
        } else {
            ipcbench_pass_time(how, looked);
        }
    }
    return 0;
}

#endif
