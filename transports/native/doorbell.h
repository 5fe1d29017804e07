/* Doorbells: how a process that waits for a ring sleeps, and how the others wake it.
 *
 * A doorbell is a word in shared memory. Bit 0 is set by the process, one for each doorbell, that
 * is about to sleep: it *announces* that it sleeps. The other bits count the wake-ups. Any number
 * of processes ring it. The process sleeps at the word itself, by futex(2), or by a *counter* of
 * the kernel or of the C library (waiter.h), which holds one token for each wake-up.
 *
 *   sleeper:   set bit 0; FENCE; look again; sleep: FUTEX_WAIT while the word has the value set,
 *              or take one token
 *   notifier:  store; FENCE; if bit 0 is set: add 1, which clears it; FUTEX_WAKE, or add one token
 *
 * Invariant: a process that sleeps has missed no store, or a wake-up follows. For the fences have
 * a total order (C11, 7.17.3 and 7.17.4; tests/native/ring.pml and tests/native/interleavings.py
 * try all orders that x86 allows), so one of the two is first:
 *   - the sleeper's: then the notifier sees bit 0 and wakes. A FUTEX_WAIT after that finds another
 *     value and does not sleep (futex(2): EAGAIN), one before it is woken; a token stays until it
 *     is taken;
 *   - the notifier's: then the sleeper's second look sees the store.
 * Without the fences each side may miss the other's store, on x86 too, where a load may be
 * executed before an earlier store (Intel SDM 3A, 8.2.3.4).
 *
 * A second look that finds work leaves the announcement standing. The next wait then sleeps after
 * its first look, which is later than that fence. A notifier may have cleared the announcement by
 * then: the sleep ends at once, by a token that is *stale*. So a process that was woken looks again,
 * and announces anew where there is nothing.
 *
 * Only an announcement is answered by a token. Of several notifiers that see bit 0 at a time, the
 * exchange succeeds for one, which wakes, and the next announcement follows the taking of its token:
 * so with notifiers in C one token is outstanding at most. Python has no exchange: each of several
 * notifiers may add a token for one announcement (sync/doorbell.py). Other processes with access to
 * the counter may add any number. A counter that is full has tokens, so that is no error.
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_DOORBELL_H
#define IPCBENCH_DOORBELL_H

#include "futex.h"
#include "waiter.h"

struct doorbell {
    uint32_t *word;
    const struct waiter *counter; /* NULL: it sleeps at the word */
    /* The sleeper's own. */
    int announced;
    uint32_t set; /* the word's value that announced it */
};

/* Wake the process that sleeps by this doorbell, if there is one: 0, or -errno. A counter that is
 * full already has tokens: sem_post(3) EOVERFLOW, semop(2) ERANGE. */
static inline ssize_t
ipcbench_wake(const struct doorbell *bell)
{
    ipcbench_fence(bell->word);
    uint32_t seen = __atomic_load_n(bell->word, __ATOMIC_RELAXED);
    if (!(seen & 1) || !__atomic_compare_exchange_n(bell->word, &seen, seen + 1, 0,
                                                    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return 0;
    if (bell->counter == NULL) {
        ipcbench_futex_wake(bell->word);
        return 0;
    }
    ssize_t failed = ipcbench_notify(bell->counter);
    return failed == -EOVERFLOW || failed == -ERANGE ? 0 : failed;
}

typedef int (*ipcbench_condition)(void *argument);

/* Announce that this process sleeps, or sleep if that is announced: 0, or -errno. Between the two
 * the caller looks again. It may return early. */
static inline ssize_t
ipcbench_sleep(struct doorbell *bell)
{
    if (!bell->announced) {
        bell->set = __atomic_fetch_or(bell->word, 1, __ATOMIC_SEQ_CST) | 1;
        bell->announced = 1;
        ipcbench_fence(bell->word);
        return 0;
    }
    ssize_t failed = bell->counter != NULL ? ipcbench_wait(bell->counter)
                                           : ipcbench_futex_wait(bell->word, bell->set);
    if (failed == 0)
        bell->announced = 0;
    return failed;
}

/* Wait until the condition holds: 0, -EAGAIN or -EINTR as the policy says, or an error of the
 * counter. Inlined, together with the condition. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_await(const struct wait_policy *policy, struct doorbell *bell,
               ipcbench_condition condition, void *argument)
{
    for (unsigned looked = 0; !condition(argument); looked++) {
        if (policy->nowait)
            return -EAGAIN;
        if (policy->sleeps && looked >= policy->looks) {
            ssize_t failed = ipcbench_sleep(bell);
            if (failed < 0 && (failed != -EINTR || policy->interruptible))
                return failed;
            if (!bell->announced)
                looked = 0;
        } else if (policy->interruptible && looked == ipcbench_interrupt_interval(policy, 0)) {
            return -EINTR;
        } else {
            ipcbench_pass_time(policy, looked);
        }
    }
    return 0;
}

#endif
