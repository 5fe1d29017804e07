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
 * Of several notifiers that see bit 0 at a time, the exchange succeeds for one, which wakes. In
 * Python, which has no exchange, each of them may add a token (sync/doorbell.py).
 *
 * A token may be *stale*: the second look found work, and a notifier has added the token for that
 * announcement, or will. So the announcement is kept in mind: before the next one, a token that
 * is due is taken, and a process that took one looks again, and announces anew. A notifier adds a
 * token only after it has cleared an announcement, so with one notifier in C one token is
 * outstanding at most.
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native). */
#ifndef IPCBENCH_DOORBELL_H
#define IPCBENCH_DOORBELL_H

#include "futex.h"
#include "waiter.h"

struct doorbell {
    uint32_t *word;
    const struct waiter *counter; /* NULL: it sleeps at the word */
    int announced;                /* the sleeper's own: a token is due, or will be */
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

static inline ssize_t
ipcbench_sleep_at_word(uint32_t *word, ipcbench_condition condition, void *argument)
{
    uint32_t set = __atomic_fetch_or(word, 1, __ATOMIC_SEQ_CST) | 1;
    ipcbench_fence(word);
    if (condition(argument)) {
        __atomic_fetch_and(word, ~1u, __ATOMIC_RELAXED); /* woken or not: no process sleeps */
        return 0;
    }
    return ipcbench_futex_wait(word, set);
}

/* Take the token of an announcement. */
static inline ssize_t
ipcbench_take_token(struct doorbell *bell)
{
    ssize_t failed = ipcbench_wait(bell->counter);
    if (failed == 0)
        bell->announced = 0;
    return failed;
}

static inline ssize_t
ipcbench_sleep_by_counter(struct doorbell *bell, ipcbench_condition condition, void *argument)
{
    if (bell->announced && !(__atomic_load_n(bell->word, __ATOMIC_ACQUIRE) & 1)) {
        ssize_t failed = ipcbench_take_token(bell); /* it was added, or is about to be */
        if (failed < 0)
            return failed;
    }
    __atomic_fetch_or(bell->word, 1, __ATOMIC_SEQ_CST);
    bell->announced = 1;
    ipcbench_fence(bell->word);
    return condition(argument) ? 0 : ipcbench_take_token(bell);
}

/* Sleep until the next wake-up, unless the condition holds already: 0, or -errno. May return
 * early. */
static inline ssize_t
ipcbench_sleep(struct doorbell *bell, ipcbench_condition condition, void *argument)
{
    if (bell->counter == NULL)
        return ipcbench_sleep_at_word(bell->word, condition, argument);
    return ipcbench_sleep_by_counter(bell, condition, argument);
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
            ssize_t failed = ipcbench_sleep(bell, condition, argument);
            if (failed < 0 && (failed != -EINTR || policy->interruptible))
                return failed;
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
