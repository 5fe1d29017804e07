/* Waiters, each in a capsule of its own: rings and signals are made over those. */
#include "waiters.h"

#include <errno.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

/* POSIX semaphores: no system call while nobody has to wait (sem_overview(7)). The rest of them
 * is in waiters.h. */

static ssize_t
posix_try(const struct waiter *self)
{
    while (sem_trywait(self->semaphore) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* System V's, semop(2). Who is removed has taken the peer along. */

static ssize_t
sysv_change(const struct waiter *self, short by, short flags)
{
    struct sembuf change = {.sem_num = 0, .sem_op = by, .sem_flg = flags};
    while (semop(self->id, &change, 1) < 0)
        if (errno != EINTR)
            return errno == EIDRM || errno == EINVAL ? -EPIPE : -errno;
    return 0;
}

static ssize_t
sysv_wait(const struct waiter *self)
{
    return sysv_change(self, -1, self->flags);
}

static ssize_t
sysv_notify(const struct waiter *self)
{
    return sysv_change(self, 1, self->flags & ~IPC_NOWAIT);
}

/* eventfd(2) with EFD_SEMAPHORE: each read takes one. */

static ssize_t
event_wait(const struct waiter *self)
{
    uint64_t one;
    while (read(self->id, &one, sizeof one) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static ssize_t
event_polled(const struct waiter *self, int timeout)
{
    struct pollfd event = {.fd = self->id, .events = POLLIN};
    int found;
    while ((found = poll(&event, 1, timeout)) < 0)
        if (errno != EINTR)
            return -errno;
    return found == 0 ? -EAGAIN : event_wait(self);
}

/* Not by O_NONBLOCK, which everybody who has this counter would share. */
static ssize_t
event_try(const struct waiter *self)
{
    return event_polled(self, 0);
}

static ssize_t
event_poll(const struct waiter *self)
{
    return event_polled(self, -1);
}

static ssize_t
event_notify(const struct waiter *self)
{
    const uint64_t one = 1;
    while (write(self->id, &one, sizeof one) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* In capsules. */

static void
destroy(PyObject *capsule)
{
    struct waiter *waiter = PyCapsule_GetPointer(capsule, IPCBENCH_WAITER);
    if (waiter->semaphore != NULL)
        sem_close(waiter->semaphore);
    PyMem_RawFree(waiter);
}

static PyObject *
enclosed(struct waiter waiter)
{
    struct waiter *kept = PyMem_RawMalloc(sizeof *kept);
    PyObject *capsule = NULL;
    if (kept == NULL) {
        PyErr_NoMemory();
    } else {
        *kept = waiter;
        capsule = PyCapsule_New(kept, IPCBENCH_WAITER, destroy);
    }
    if (capsule == NULL) {
        PyMem_RawFree(kept);
        if (waiter.semaphore != NULL)
            sem_close(waiter.semaphore);
    }
    return capsule;
}

static PyObject *
posix_semaphore(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const char *name;
    int how;
    if (!PyArg_ParseTuple(arguments, "si:posix_semaphore", &name, &how))
        return NULL;
    sem_t *semaphore = sem_open(name, 0);
    if (semaphore == SEM_FAILED)
        return PyErr_SetFromErrnoWithFilename(PyExc_OSError, name);
    return enclosed((struct waiter){
        .wait = how == IPCBENCH_TRY ? posix_try : NULL,
        .semaphore = semaphore,
    });
}

static PyObject *
sysv_semaphore(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int id, undo, how;
    if (!PyArg_ParseTuple(arguments, "ipi:sysv_semaphore", &id, &undo, &how))
        return NULL;
    return enclosed((struct waiter){
        .wait = sysv_wait,
        .notify = sysv_notify,
        .id = id,
        .flags = (undo ? SEM_UNDO : 0) | (how == IPCBENCH_TRY ? IPC_NOWAIT : 0),
    });
}

static PyObject *
eventfd_of(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int fd, how;
    if (!PyArg_ParseTuple(arguments, "ii:eventfd", &fd, &how))
        return NULL;
    ssize_t (*const ways[])(const struct waiter *) = {
        [IPCBENCH_BLOCK] = event_wait, [IPCBENCH_TRY] = event_try, [IPCBENCH_POLL] = event_poll};
    if (how < IPCBENCH_BLOCK || how > IPCBENCH_POLL)
        return PyErr_Format(PyExc_ValueError, "there is no way %d of waiting", how);
    return enclosed((struct waiter){.wait = ways[how], .notify = event_notify, .id = fd});
}

PyMethodDef ipcbench_waiters[] = {
    {"posix_semaphore", posix_semaphore, METH_VARARGS, "A waiter: its name, how it waits."},
    {"sysv_semaphore", sysv_semaphore, METH_VARARGS, "A waiter: its number, SEM_UNDO, how."},
    {"eventfd", eventfd_of, METH_VARARGS, "A waiter: a descriptor, which stays the caller's, how."},
    {NULL, NULL, 0, NULL},
};
