/* Spinning: looks again and again instead of sleep, and what an end does between two looks.
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_SPINNING_H
#define IPCBENCH_SPINNING_H

#include <errno.h>
#include <sched.h>
#include <sys/types.h>

#include "wait_policy.h"

/* Looks before `pause` is executed between two looks. Without it, a process that spins takes execution
 * slots from the other thread of its core: a virtual machine may show the two threads of a core as
 * two cores, and there a round trip over a ring took 121 ns with a `pause` after 2,000 looks, 97 ns
 * after 4 (Intel's Optimization Reference Manual, "PAUSE in a spin-wait loop"). The first looks are
 * without one, for what is there at once. */
#define IPCBENCH_POLL_BUDGET 4

/* Looks after which an interruptible end returns: some tens of milliseconds. An end that yields
 * may lose a slice of time with each look, so it returns after fewer. */
#define IPCBENCH_INTERRUPT_INTERVAL (1u << 20)
#define IPCBENCH_INTERRUPT_INTERVAL_YIELDING 256
#define IPCBENCH_INTERRUPT_INTERVAL_CALLING (1u << 17) /* of looks by system calls */

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
ipcbench_interrupt_interval(const struct wait_policy *policy, int calling)
{
    if (!policy->exclusive_cpu)
        return IPCBENCH_INTERRUPT_INTERVAL_YIELDING;
    return calling ? IPCBENCH_INTERRUPT_INTERVAL_CALLING : IPCBENCH_INTERRUPT_INTERVAL;
}

/* After a look in vain: 1, after some time, to look again; 0 to sleep; or -EINTR. `looked` counts the
 * looks before this one. */
static inline int
ipcbench_after_look(const struct wait_policy *policy, unsigned looked, int calling)
{
    if (policy->sleeps && looked >= policy->looks)
        return 0;
    if (policy->interruptible && looked >= ipcbench_interrupt_interval(policy, calling))
        return -EINTR;
    ipcbench_pass_time(policy, looked);
    return 1;
}

/* A call of a facility: its result, or -errno. */
typedef ssize_t (*ipcbench_attempt)(void *argument);

/* Repeat `look`, a call that does not block, while it returns -EAGAIN; after the looks that the policy
 * allows, make the call that blocks. Inlined, together with both calls. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_spin(const struct wait_policy *policy, ipcbench_attempt look, ipcbench_attempt block,
              void *argument)
{
    for (unsigned looked = 0;; looked++) {
        ssize_t found = look(argument);
        if (found != -EAGAIN || policy->nowait)
            return found;
        int again = ipcbench_after_look(policy, looked, 1);
        if (again <= 0)
            return again == 0 ? block(argument) : again;
    }
}

/* The same for a call over a descriptor that is non-blocking: it sleeps in poll(2) for `event`. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_spin_at(const struct wait_policy *policy, int fd, short event, ipcbench_attempt look,
                 void *argument)
{
    for (unsigned looked = 0;; looked++) {
        ssize_t found = look(argument);
        if (found != -EAGAIN || policy->nowait)
            return found;
        int again = ipcbench_after_look(policy, looked, 1);
        if (again == 0)
            again = ipcbench_poll(fd, event, -1);
        if (again < 0)
            return again;
    }
}

#endif
