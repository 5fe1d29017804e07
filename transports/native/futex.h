/* Waiting for words in shared memory: looking at them, yielding the CPU, sleeping in futex(2).
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_FUTEX_H
#define IPCBENCH_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "wait_policy.h"

/* Data that one side writes and the other one reads has two cache lines to itself: x86 fetches
 * lines in pairs (Intel's optimisation manual, "spatial prefetcher"). */
#define IPCBENCH_LINE_PAIR 128

/* Looks at a word before `pause` is executed between two looks. A `pause` takes tens of
 * nanoseconds. An answer from another core arrives earlier; a longer wait saves power. */
#define IPCBENCH_POLL_BUDGET 2000

/* Looks after which an interruptible end returns: some tens of milliseconds. An end that yields
 * may lose a slice of time with each look, so it returns after fewer. */
#define IPCBENCH_INTERRUPT_INTERVAL (1u << 20)
#define IPCBENCH_INTERRUPT_INTERVAL_YIELDING 256

/* Wait for some cycles, and leave the core's resources to others meanwhile. On ARM, `yield` does
 * nothing on cores with one thread, which nearly all are; `isb` empties the pipeline and takes about
 * as long as x86's `pause`: so does Rust's core::hint::spin_loop. The others are those of Linux's
 * cpu_relax(), arch/{riscv,powerpc}/include/asm/vdso/processor.h: RISC-V's `pause` is a hint, which
 * older cores ignore and older assemblers do not know; POWER lowers and restores its priority. */
static inline void
ipcbench_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
    __asm__ __volatile__("isb" ::: "memory");
#elif defined(__riscv)
    __asm__ __volatile__(".4byte 0x100000f" ::: "memory"); /* pause, of Zihintpause */
#elif defined(__powerpc__)
    __asm__ __volatile__("or 1,1,1; or 2,2,2" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

static inline void
ipcbench_pass_time(const struct wait_policy *policy, unsigned looked)
{
    if (!policy->exclusive_cpu)
        sched_yield();
    else if (looked >= IPCBENCH_POLL_BUDGET)
        ipcbench_pause();
}

static inline unsigned
ipcbench_interrupt_interval(const struct wait_policy *policy)
{
    return policy->exclusive_cpu ? IPCBENCH_INTERRUPT_INTERVAL
                                 : IPCBENCH_INTERRUPT_INTERVAL_YIELDING;
}

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

/* A *doorbell*: a futex word on which one process sleeps, and which any number of processes ring.
 *
 * Bit 0 is set by a process that is about to sleep; the other bits count the wake-ups.
 *
 *   receiver:  set bit 0; FENCE; look again; futex(2) FUTEX_WAIT while the word has the value set
 *   sender:    store; FENCE; if bit 0 is set: add 1, which clears it; FUTEX_WAKE
 *
 * Invariant: a process that sleeps has missed no store, or a wake-up follows. For the fences have
 * a total order (C11, 7.17.3 and 7.17.4; tests/native/ring.pml and tests/native/interleavings.py
 * try all orders that x86 allows), so one of the two is first:
 *   - the receiver's: then the sender sees bit 0 and wakes. The wake-up changes the word, so a
 *     FUTEX_WAIT after it does not sleep (futex(2): EAGAIN), and one before it is woken;
 *   - the sender's: then the receiver's second look sees the store.
 * Without the fences each side may miss the other's store, on x86 too, where a load may be
 * executed before an earlier store (Intel SDM 3A, 8.2.3.4).
 *
 * Of several senders that see bit 0 at a time, the exchange succeeds for one, which wakes. */
static inline void
ipcbench_wake(uint32_t *doorbell)
{
    ipcbench_fence(doorbell);
    uint32_t seen = __atomic_load_n(doorbell, __ATOMIC_RELAXED);
    if ((seen & 1) && __atomic_compare_exchange_n(doorbell, &seen, seen + 1, 0, __ATOMIC_SEQ_CST,
                                                  __ATOMIC_RELAXED))
        syscall(SYS_futex, doorbell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

typedef int (*ipcbench_condition)(void *argument);

/* Sleep until the next wake-up, unless the condition holds already. Returns early after a signal's
 * handler: 0, or -EINTR. */
static inline int
ipcbench_sleep(uint32_t *doorbell, ipcbench_condition condition, void *argument)
{
    uint32_t set = __atomic_fetch_or(doorbell, 1, __ATOMIC_SEQ_CST) | 1;
    ipcbench_fence(doorbell);
    if (condition(argument)) {
        __atomic_fetch_and(doorbell, ~1u, __ATOMIC_RELAXED); /* woken or not: no process sleeps */
        return 0;
    }
    long woken = syscall(SYS_futex, doorbell, FUTEX_WAIT, set, NULL, NULL, 0);
    return woken < 0 && errno == EINTR ? -EINTR : 0;
}

/* Wait until the condition holds: 0, or -EAGAIN or -EINTR as the policy says. Inlined, together
 * with the condition. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_await(const struct wait_policy *policy, uint32_t *doorbell, ipcbench_condition condition,
               void *argument)
{
    for (unsigned looked = 0; !condition(argument); looked++) {
        if (policy->nowait)
            return -EAGAIN;
        if (policy->sleeps && looked >= policy->looks) {
            if (ipcbench_sleep(doorbell, condition, argument) < 0 && policy->interruptible)
                return -EINTR;
            looked = 0;
        } else if (policy->interruptible && looked == ipcbench_interrupt_interval(policy)) {
            return -EINTR;
        } else {
            ipcbench_pass_time(policy, looked);
        }
    }
    return 0;
}

#endif
