/* What carries nothing: waiters, words and signals to wake with, locks to exclude with. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ring_seat.h"
#include "waiters.h"

/* A capsule over a copy of `what`; NULL with an error set, and `what` disposed of. */
static PyObject *
enclosed(struct ipcbench_ops ops, void *what, size_t size, PyObject *owner,
         void (*dispose)(void *ctx))
{
    ops.ctx = PyMem_RawMalloc(size);
    if (ops.ctx == NULL) {
        if (dispose != NULL)
            dispose(what);
        return PyErr_NoMemory();
    }
    memcpy(ops.ctx, what, size);
    return ipcbench_capsule(ops, owner, dispose);
}

/* Waiters, as a signal and as a guard. */

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

/* Words: each counts how often it was notified, and has a bell (futex.h) beside the count. */

struct word {
    uint64_t count;
    uint32_t bell;
};

struct words {
    struct word *mine, *theirs;
    uint64_t taken, given;
    struct patience how;
    Py_buffer memory;
};

static int
word_counts(void *what)
{
    struct words *words = what;
    return __atomic_load_n(&words->mine->count, __ATOMIC_ACQUIRE) != words->taken;
}

static ssize_t
words_wait(void *ctx)
{
    struct words *words = ctx;
    ssize_t found = ipcbench_await(&words->how, &words->mine->bell, word_counts, words);
    if (found == 0)
        words->taken++;
    return found;
}

static ssize_t
words_notify(void *ctx)
{
    struct words *words = ctx;
    __atomic_store_n(&words->theirs->count, ++words->given, __ATOMIC_RELEASE);
    if (words->how.sleeps)
        ipcbench_ring(&words->theirs->bell);
    return 0;
}

static void
words_dispose(void *ctx)
{
    PyBuffer_Release(&((struct words *)ctx)->memory);
}

static PyObject *
word_signal(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *memory;
    PyObject *told;
    Py_ssize_t mine, theirs;
    struct words words = {0};
    if (!PyArg_ParseTuple(arguments, "OOnnO!:word_signal", &owner, &memory, &mine, &theirs,
                          &PyTuple_Type, &told))
        return NULL;
    if (ipcbench_patience(&words.how, told) < 0)
        return NULL;
    if (PyObject_GetBuffer(memory, &words.memory, PyBUF_WRITABLE) < 0)
        return NULL;
    Py_ssize_t most = words.memory.len - (Py_ssize_t)sizeof(struct word);
    if (mine < 0 || mine > most || theirs < 0 || theirs > most || mine % 8 || theirs % 8) {
        PyBuffer_Release(&words.memory);
        PyErr_SetString(PyExc_ValueError, "the words are not in the memory, or not aligned");
        return NULL;
    }
    words.mine = (struct word *)((char *)words.memory.buf + mine);
    words.theirs = (struct word *)((char *)words.memory.buf + theirs);
    return enclosed((struct ipcbench_ops){.wait = words_wait, .notify = words_notify}, &words,
                    sizeof words, owner, words_dispose);
}

/* signal(7): sent through a pidfd, which stays with its process; taken by sigwaitinfo(2). */

struct signals {
    int pidfd, number, nowait;
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
    const struct timespec now = {0};
    int found;
    do
        found = signals->nowait ? sigtimedwait(&signals->awaited, NULL, &now)
                                : sigwaitinfo(&signals->awaited, NULL);
    while (found < 0 && errno == EINTR);
    return found < 0 ? -errno : 0;
}

static PyObject *
process_signal(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    struct signals signals;
    if (!PyArg_ParseTuple(arguments, "Oiip:process_signal", &owner, &signals.pidfd,
                          &signals.number, &signals.nowait))
        return NULL;
    sigemptyset(&signals.awaited);
    if (sigaddset(&signals.awaited, signals.number) < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    return enclosed((struct ipcbench_ops){.wait = signals_wait, .notify = signals_notify},
                    &signals, sizeof signals, owner, NULL);
}

/* Locks on a file. */

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

/* As fcntl.lockf does it: the whole file, waiting (fcntl(2), F_SETLKW). */
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

/* No guard: lets everybody in. */

static ssize_t
nothing_done(void *Py_UNUSED(ctx))
{
    return 0;
}

static PyObject *
unguarded(PyObject *Py_UNUSED(module), PyObject *owner)
{
    return ipcbench_capsule(
        (struct ipcbench_ops){.acquire = nothing_done, .leave = nothing_done}, owner, NULL);
}

PyMethodDef ipcbench_signalling[] = {
    {"signal", signal_of, METH_VARARGS, "An end of two waiters: owner, mine, theirs."},
    {"guard", guard_of, METH_VARARGS, "A member's end of a waiter that holds one: owner, waiter."},
    {"word_signal", word_signal, METH_VARARGS,
     "An end of two words: owner, memory, where mine is, where theirs, how it waits."},
    {"process_signal", process_signal, METH_VARARGS,
     "An end of a signal between processes: owner, pidfd, its number, nowait."},
    {"file_lock", file_lock, METH_VARARGS,
     "A member's end of a file's lock: owner, descriptor, whether by fcntl(2) or flock(2)."},
    {"unguarded", unguarded, METH_O, "A guard that lets everybody in."},
    {NULL, NULL, 0, NULL},
};
