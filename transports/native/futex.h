/* Waiting for words in shared memory: between two looks, and in futex(2).
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
