/* Kinds of waiters in shared memory: a counter by a condition variable, and mutexes. */
#include "memory_kinds.h"

#include "cond_counter.h"

/* A counter by a mutex and a condition variable. */

static ssize_t
counter_init(void *place, unsigned long held)
{
    return ipcbench_counter_init(place, held);
}

static ssize_t
counter_try(void *place)
{
    return ipcbench_counter_try(place);
}

static ssize_t
counter_take_until(void *place, const struct wait_policy *Py_UNUSED(policy))
{
    return ipcbench_counter_take_until(place);
}

static ssize_t
counter_give(void *place)
{
    return ipcbench_counter_add(place);
}

static ssize_t
counter_block(void *counter)
{
    return ipcbench_counter_take(counter);
}

static ssize_t
counter_wait(const struct waiter *self)
{
    struct cond_counter *counter = ((const struct memory_user *)self)->place;
    if (self->policy.nowait)
        return ipcbench_counter_try(counter);
    if (ipcbench_spins(&self->policy))
        return ipcbench_spin(&self->policy, counter_try, counter_block, counter);
    return self->policy.interruptible ? ipcbench_counter_take_until(counter)
                                      : ipcbench_counter_take(counter);
}

static ssize_t
counter_notify(const struct waiter *self)
{
    return ipcbench_counter_add(((const struct memory_user *)self)->place);
}

/* A robust mutex is in a list of this thread's as long as it is inside: a mapping must not go before,
 * or the next lock of any robust mutex would write to it. Unlocking fails where it is not inside. */
static void
counter_leave(void *place)
{
    ipcbench_mutex_unlock(&((struct cond_counter *)place)->mutex);
}

/* Mutexes of POSIX. */

static ssize_t
plain_init(void *place, unsigned long Py_UNUSED(held))
{
    return ipcbench_mutex_init(place, 0);
}

static ssize_t
robust_init(void *place, unsigned long Py_UNUSED(held))
{
    return ipcbench_mutex_init(place, 1);
}

static ssize_t
mutex_try(void *place)
{
    return ipcbench_mutex_try(place);
}

static ssize_t
mutex_take_until(void *place, const struct wait_policy *Py_UNUSED(policy))
{
    return ipcbench_mutex_lock_until(place);
}

static ssize_t
mutex_give(void *place)
{
    return ipcbench_mutex_unlock(place);
}

static void
robust_leave(void *place)
{
    ipcbench_mutex_unlock(place);
}

static ssize_t
mutex_acquire(void *ctx)
{
    return ipcbench_mutex_lock(((struct memory_user *)ctx)->place);
}

static ssize_t
mutex_release(void *ctx)
{
    return ipcbench_mutex_unlock(((struct memory_user *)ctx)->place);
}

/* A mutex over a futex word. */

static ssize_t
word_init(void *place, unsigned long Py_UNUSED(held))
{
    __atomic_store_n((uint32_t *)place, 0, __ATOMIC_RELEASE);
    return 0;
}

static ssize_t
futex_try(void *place)
{
    return ipcbench_futex_mutex_try(place);
}

static ssize_t
futex_take_until(void *place, const struct wait_policy *Py_UNUSED(policy))
{
    return ipcbench_futex_mutex_sleep(place);
}

static ssize_t
futex_give(void *place)
{
    ipcbench_futex_mutex_unlock(place);
    return 0;
}

static ssize_t
futex_acquire(void *ctx)
{
    return ipcbench_futex_mutex_lock(((struct memory_user *)ctx)->place);
}

static ssize_t
futex_release(void *ctx)
{
    return futex_give(((struct memory_user *)ctx)->place);
}

/* A spin lock. */

static ssize_t
spin_try(void *place)
{
    return ipcbench_spin_try(place);
}

static ssize_t
spin_take_until(void *place, const struct wait_policy *policy)
{
    return ipcbench_spin_lock(place, policy);
}

static ssize_t
spin_give(void *place)
{
    ipcbench_spin_unlock(place);
    return 0;
}

static ssize_t
spin_acquire(void *ctx)
{
    struct memory_user *user = ctx;
    return ipcbench_spin_lock(user->place, &user->waiter.policy);
}

static ssize_t
spin_release(void *ctx)
{
    return spin_give(((struct memory_user *)ctx)->place);
}

static const struct memory_kind kinds[] = {
    {"pthread-cond", sizeof(struct cond_counter), counter_init, counter_try, counter_take_until,
     counter_give, counter_leave, .waiter = {.wait = counter_wait, .notify = counter_notify}},
    {"pthread-mutex", sizeof(pthread_mutex_t), plain_init, mutex_try, mutex_take_until, mutex_give,
     NULL, .ops = {.acquire = mutex_acquire, .leave = mutex_release}, .sleeps = 1},
    {"robust-mutex", sizeof(pthread_mutex_t), robust_init, mutex_try, mutex_take_until, mutex_give,
     robust_leave, .ops = {.acquire = mutex_acquire, .leave = mutex_release}, .sleeps = 1},
    {"futex-mutex", sizeof(uint32_t), word_init, futex_try, futex_take_until, futex_give, NULL,
     .ops = {.acquire = futex_acquire, .leave = futex_release}, .sleeps = 1},
    {"spin-lock", sizeof(uint32_t), word_init, spin_try, spin_take_until, spin_give, NULL,
     .ops = {.acquire = spin_acquire, .leave = spin_release}},
};

const struct memory_kind *
ipcbench_memory_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    PyErr_Format(PyExc_ValueError, "there is no waiter in memory called \"%s\"", name);
    return NULL;
}
