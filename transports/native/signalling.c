/* Signals and guards, which transfer no data: waiters, futex words, process signals, file locks. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "doorbell.h"
#include "ring_seat.h"
#include "waiters.h"

/* A capsule over a copy of `state`; NULL with an error set, and `state` disposed of. */
static PyObject *
enclosed(struct ipcbench_ops ops, void *state, size_t size, PyObject *owner,
         void (*dispose)(void *ctx))
{
    ops.ctx = PyMem_RawMalloc(size);
    if (ops.ctx == NULL) {
        if (dispose != NULL)
            dispose(state);
        return PyErr_NoMemory();
    }
    memcpy(ops.ctx, state, size);
    return ipcbench_capsule(ops, owner, dispose);
}

/* Waiters as a signal and as a guard. */

struct pair {
    const struct waiter *mine, *theirs;
    PyObject *kept[2];
};

static ssize_t
pair_wait(void *ctx)
{
    struct pair *pair = ctx;
    return ipcbench_wait(pair->mine);
}

static ssize_t
pair_notify(void *ctx)
{
    struct pair *pair = ctx;
    return ipcbench_notify(pair->theirs);
}

static void
pair_dispose(void *ctx)
{
    struct pair *pair = ctx;
    Py_CLEAR(pair->kept[0]);
    Py_CLEAR(pair->kept[1]);
}

static PyObject *
paired(PyObject *owner, PyObject *mine, PyObject *theirs, struct ipcbench_ops ops)
{
    struct pair pair = {ipcbench_waiter_of(mine), ipcbench_waiter_of(theirs), {mine, theirs}};
    if (pair.mine == NULL || pair.theirs == NULL)
        return NULL;
    Py_INCREF(mine);
    Py_INCREF(theirs);
    return enclosed(ops, &pair, sizeof pair, owner, pair_dispose);
}

static PyObject *
signal_of(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *mine, *theirs;
    if (!PyArg_ParseTuple(arguments, "OOO:signal", &owner, &mine, &theirs))
        return NULL;
    return paired(owner, mine, theirs,
                  (struct ipcbench_ops){.wait = pair_wait, .notify = pair_notify});
}

static PyObject *
guard_of(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *waiter;
    if (!PyArg_ParseTuple(arguments, "OO:guard", &owner, &waiter))
        return NULL;
    return paired(owner, waiter, waiter,
                  (struct ipcbench_ops){.acquire = pair_wait, .leave = pair_notify});
}

/* Futex words: each has a count of its notifications, and a doorbell (doorbell.h). A word has a pair
 * of cache lines: the other word is written by the other process. */

struct futex_word {
    uint64_t count;
    uint32_t doorbell;
};

struct futex_signal {
    struct futex_word *mine, *theirs;
    struct doorbell own, other;
    uint64_t taken, given;
    struct wait_policy policy;
    Py_buffer memory;
};

static int
is_notified(void *argument)
{
    struct futex_signal *signal = argument;
    return __atomic_load_n(&signal->mine->count, __ATOMIC_ACQUIRE) != signal->taken;
}

static ssize_t
futex_wait(void *ctx)
{
    struct futex_signal *signal = ctx;
    ssize_t found = ipcbench_await(&signal->policy, &signal->own, is_notified, signal);
    if (found == 0)
        signal->taken++;
    return found;
}

static ssize_t
futex_notify(void *ctx)
{
    struct futex_signal *signal = ctx;
    __atomic_store_n(&signal->theirs->count, ++signal->given, __ATOMIC_RELEASE);
    return signal->policy.sleeps ? ipcbench_wake(&signal->other) : 0;
}

static void
futex_dispose(void *ctx)
{
    PyBuffer_Release(&((struct futex_signal *)ctx)->memory);
}

static PyObject *
word_signal(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *memory;
    Py_ssize_t mine, theirs;
    struct futex_signal signal = {0};
    if (!PyArg_ParseTuple(arguments, "OOnnO&:word_signal", &owner, &memory, &mine, &theirs,
                          ipcbench_wait_policy, &signal.policy))
        return NULL;
    if (PyObject_GetBuffer(memory, &signal.memory, PyBUF_WRITABLE) < 0)
        return NULL;
    Py_ssize_t most = signal.memory.len - (Py_ssize_t)sizeof(struct futex_word);
    if (mine < 0 || mine > most || theirs < 0 || theirs > most || mine % 8 || theirs % 8) {
        PyBuffer_Release(&signal.memory);
        PyErr_SetString(PyExc_ValueError, "the words are outside the memory, or not aligned");
        return NULL;
    }
    signal.mine = (struct futex_word *)((char *)signal.memory.buf + mine);
    signal.theirs = (struct futex_word *)((char *)signal.memory.buf + theirs);
    signal.own.word = &signal.mine->doorbell;
    signal.other.word = &signal.theirs->doorbell;
    return enclosed((struct ipcbench_ops){.wait = futex_wait, .notify = futex_notify}, &signal,
                    sizeof signal, owner, futex_dispose);
}

/* Process signals, signal(7): sent through a pidfd, received by sigwaitinfo(2). */

struct signals {
    int pidfd, number;
    struct wait_policy policy;
    sigset_t awaited;
};

static ssize_t
signals_notify(void *ctx)
{
    struct signals *signals = ctx;
    if (syscall(SYS_pidfd_send_signal, signals->pidfd, signals->number, NULL, 0) < 0)
        return errno == ESRCH ? -EPIPE : -errno;
    return 0;
}

static ssize_t
signals_wait(void *ctx)
{
    struct signals *signals = ctx;
    int found;
    do
        found = sigwaitinfo(&signals->awaited, NULL);
    while (found < 0 && errno == EINTR);
    return found < 0 ? -errno : 0;
}

static ssize_t
signals_try(void *ctx)
{
    struct signals *signals = ctx;
    const struct timespec now = {0};
    int found;
    do
        found = sigtimedwait(&signals->awaited, NULL, &now);
    while (found < 0 && errno == EINTR);
    return found < 0 ? -errno : 0;
}

static ssize_t
signals_spin(void *ctx)
{
    struct signals *signals = ctx;
    return ipcbench_spin(&signals->policy, signals_try, signals_wait, ctx);
}

static PyObject *
process_signal(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    struct signals signals;
    if (!PyArg_ParseTuple(arguments, "OiiO&:process_signal", &owner, &signals.pidfd,
                          &signals.number, ipcbench_wait_policy, &signals.policy))
        return NULL;
    sigemptyset(&signals.awaited);
    if (sigaddset(&signals.awaited, signals.number) < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    struct ipcbench_ops ops = {
        .wait = signals.policy.nowait             ? signals_try
                : ipcbench_spins(&signals.policy) ? signals_spin
                                                  : signals_wait,
        .notify = signals_notify,
    };
    return enclosed(ops, &signals, sizeof signals, owner, NULL);
}

/* File locks. */

static ssize_t
flock_to(void *ctx, int operation)
{
    while (flock(*(int *)ctx, operation) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static ssize_t
flock_acquire(void *ctx)
{
    return flock_to(ctx, LOCK_EX);
}

static ssize_t
flock_leave(void *ctx)
{
    return flock_to(ctx, LOCK_UN);
}

/* Like fcntl.lockf: the whole file, and wait (fcntl(2), F_SETLKW). */
static ssize_t
record_to(void *ctx, short type)
{
    struct flock record = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl(*(int *)ctx, F_SETLKW, &record) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static ssize_t
record_acquire(void *ctx)
{
    return record_to(ctx, F_WRLCK);
}

static ssize_t
record_leave(void *ctx)
{
    return record_to(ctx, F_UNLCK);
}

static PyObject *
file_lock(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    int fd, records;
    if (!PyArg_ParseTuple(arguments, "Oip:file_lock", &owner, &fd, &records))
        return NULL;
    struct ipcbench_ops ops = {
        .acquire = records ? record_acquire : flock_acquire,
        .leave = records ? record_leave : flock_leave,
    };
    return enclosed(ops, &fd, sizeof fd, owner, NULL);
}

/* No guard: it does not exclude. */

static ssize_t
do_nothing(void *Py_UNUSED(ctx))
{
    return 0;
}

static PyObject *
unguarded(PyObject *Py_UNUSED(module), PyObject *owner)
{
    return ipcbench_capsule(
        (struct ipcbench_ops){.acquire = do_nothing, .leave = do_nothing}, owner, NULL);
}

PyMethodDef ipcbench_signalling[] = {
    {"signal", signal_of, METH_VARARGS, "An end of two waiters: owner, mine, theirs."},
    {"guard", guard_of, METH_VARARGS,
     "A member's end of a guard, over a waiter that holds one: owner, waiter."},
    {"word_signal", word_signal, METH_VARARGS,
     "An end of a signal over two words: owner, memory, offset of mine, of theirs, how it waits."},
    {"process_signal", process_signal, METH_VARARGS,
     "An end of a signal between processes: owner, pidfd, signal number, how it waits."},
    {"file_lock", file_lock, METH_VARARGS,
     "A member's end of a file lock: owner, descriptor, True: fcntl(2), False: flock(2)."},
    {"unguarded", unguarded, METH_O, "A guard that does not exclude: owner."},
    {NULL, NULL, 0, NULL},
};
