/* Waiters, each in a capsule of its own: rings and signals use them. */
#include "waiters.h"

#include <errno.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include "spinning.h"

/* POSIX semaphores: no system call unless a process has to wait (sem_overview(7)). Their other
 * calls are in waiter.h. */

static ssize_t
posix_try(const struct waiter *self)
{
    while (sem_trywait(self->semaphore) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static ssize_t
posix_look(void *waiter)
{
    return posix_try(waiter);
}

static ssize_t
posix_block(void *waiter)
{
    return ipcbench_wait_semaphore(waiter);
}

static ssize_t
posix_spin(const struct waiter *self)
{
    return ipcbench_spin(&self->policy, posix_look, posix_block, (void *)self);
}

/* System V semaphores, semop(2). A removed set means that the peer is gone. */

static ssize_t
sysv_change(const struct waiter *self, short by, short flags)
{
    struct sembuf change = {.sem_num = 0, .sem_op = by, .sem_flg = flags};
    while (semop(self->id, &change, 1) < 0)
        if (!ipcbench_continues(self))
            return errno == EIDRM || errno == EINVAL ? -EPIPE : -errno;
    return 0;
}

static ssize_t
sysv_wait(const struct waiter *self)
{
    return sysv_change(self, -1, self->flags);
}

static ssize_t
sysv_try(const struct waiter *self)
{
    return sysv_change(self, -1, self->flags | IPC_NOWAIT);
}

static ssize_t
sysv_look(void *waiter)
{
    return sysv_try(waiter);
}

static ssize_t
sysv_block(void *waiter)
{
    return sysv_wait(waiter);
}

static ssize_t
sysv_spin(const struct waiter *self)
{
    return ipcbench_spin(&self->policy, sysv_look, sysv_block, (void *)self);
}

static ssize_t
sysv_notify(const struct waiter *self)
{
    return sysv_change(self, 1, self->flags);
}

/* eventfd(2) with EFD_SEMAPHORE: each read(2) takes one. */

static ssize_t
event_wait(const struct waiter *self)
{
    uint64_t one;
    while (read(self->id, &one, sizeof one) < 0)
        if (!ipcbench_continues(self))
            return -errno;
    return 0;
}

/* With poll(2), also where it must not wait: O_NONBLOCK would hold for all processes that share
 * the counter. */
static ssize_t
event_wait_polled(const struct waiter *self)
{
    int found = ipcbench_wait_readable(self->id, &self->policy);
    return found < 0 ? found : event_wait(self);
}

/* It spins: the descriptor is non-blocking, for all processes that share the counter. */
static ssize_t
try_event(void *argument)
{
    return event_wait(argument);
}

static ssize_t
event_wait_spinning(const struct waiter *self)
{
    return ipcbench_spin_at(&self->policy, self->id, POLLIN, try_event, (void *)self);
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
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "sO&:posix_semaphore", &name, ipcbench_wait_policy, &policy))
        return NULL;
    sem_t *semaphore = sem_open(name, 0);
    if (semaphore == SEM_FAILED)
        return PyErr_SetFromErrnoWithFilename(PyExc_OSError, name);
    return enclosed((struct waiter){
        .wait = policy.nowait             ? posix_try
                : ipcbench_spins(&policy) ? posix_spin
                                          : NULL,
        .semaphore = semaphore,
        .policy = policy,
    });
}

static PyObject *
sysv_semaphore(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int id, undo;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "ipO&:sysv_semaphore", &id, &undo, ipcbench_wait_policy,
                          &policy))
        return NULL;
    return enclosed((struct waiter){
        .wait = policy.nowait             ? sysv_try
                : ipcbench_spins(&policy) ? sysv_spin
                                          : sysv_wait,
        .notify = sysv_notify,
        .id = id,
        .flags = undo ? SEM_UNDO : 0,
        .policy = policy,
    });
}

static PyObject *
eventfd_of(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int fd;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "iO&:eventfd", &fd, ipcbench_wait_policy, &policy))
        return NULL;
    int polls = policy.nowait || policy.poll;
    return enclosed((struct waiter){
        .wait = polls                   ? event_wait_polled
                : ipcbench_spins(&policy) ? event_wait_spinning
                                          : event_wait,
        .notify = event_notify,
        .id = fd,
        .policy = policy,
    });
}

PyMethodDef ipcbench_waiters[] = {
    {"posix_semaphore", posix_semaphore, METH_VARARGS, "A waiter: its name, how it waits."},
    {"sysv_semaphore", sysv_semaphore, METH_VARARGS, "A waiter: its number, SEM_UNDO, how."},
    {"eventfd", eventfd_of, METH_VARARGS, "A waiter: a descriptor, which is not closed, how."},
    {NULL, NULL, 0, NULL},
};
