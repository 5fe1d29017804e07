/* Message queues: System V's (msgop(2)) and POSIX's (mq_overview(7)). */
#include <errno.h>
#include <limits.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "fd_seat.h"

/* A message that came into scratch room, because the caller's buffer might be too small. */
static ssize_t
fitted(const char *scratch, ssize_t received, void *buffer, size_t size)
{
    if (received > (ssize_t)size)
        return -EMSGSIZE;
    if (received > 0)
        memcpy(buffer, scratch, received);
    return received;
}

/* POSIX: a queue is a descriptor here (mq_overview(7)), and so is waited for like one. */

static ssize_t
mq_give(const struct ends *self, int queue, const char *data, size_t size)
{
    int failed;
    do
        failed = mq_send(queue, data, size, self->priority);
    while (failed && errno == EINTR);
    return failed ? -errno : 0;
}

static ssize_t
mq_take(const struct ends *self, int queue, char *buffer, size_t size)
{
    ssize_t received;
    /* Less room than the queue's longest message needs is refused, and the message stays:
     * mq_receive(3). Ours is to be lost. */
    int direct = size >= self->size;
    char *room = direct ? buffer : self->scratch;
    do
        received = mq_receive(queue, room, direct ? size : self->size, NULL);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return -errno;
    return direct ? received : fitted(room, received, buffer, size);
}

static PyObject *
posix_queues(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct wanted wanted;
    unsigned priority;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_WANTED "I:posix_queues",
                          IPCBENCH_WANTED_TO(&wanted), &priority))
        return NULL;
    struct ends *ends = ipcbench_ends(&wanted);
    if (ends == NULL)
        return NULL;
    ends->give = mq_give;
    ends->take = mq_take;
    ends->priority = priority;
    ends->scratch = PyMem_RawMalloc(ends->size);
    if (ends->scratch == NULL) {
        ipcbench_end(ends);
        PyMem_RawFree(ends);
        return PyErr_NoMemory();
    }
    return ipcbench_seat(ends, &wanted);
}

/* System V: a message's type stands right before its bytes, in the headroom. */

struct sysv {
    int into, out; /* queues */
    long given;    /* the type of what is sent */
    long wanted;   /* the type that is asked for; 0: any, the oldest first */
    int flags;     /* IPC_NOWAIT, or 0 */
    size_t size;   /* the largest message */
    char *scratch; /* headroom, and that many bytes */
};

struct letter { /* msgop(2): its struct msgbuf */
    long type;
    char text[];
};

/* The letter whose text is there. */
static struct letter *
around(const char *text)
{
    return (struct letter *)(text - offsetof(struct letter, text));
}

/* A removed queue is EIDRM for who waited, EINVAL for who comes later: msgop(2). */
static ssize_t
sysv_refused(void)
{
    if (errno == EIDRM || errno == EINVAL)
        return -EPIPE;
    return errno == ENOMSG ? -EAGAIN : -errno;
}

static ssize_t
put(const struct sysv *self, long type, const char *data, size_t size)
{
    int failed;
    if (size > self->size) /* msgsnd(2) would say EINVAL of one beyond kernel.msgmax */
        return -EMSGSIZE;
    around(data)->type = type;
    do
        failed = msgsnd(self->out, around(data), size, self->flags);
    while (failed && errno == EINTR);
    return failed ? sysv_refused() : 0;
}

/* A message of the wanted type, and whose it is. */
static ssize_t
take(const struct sysv *self, char *buffer, size_t size, long *type)
{
    ssize_t received;
    /* One that is longer than the room stays in the queue (E2BIG): ours is to be lost. */
    int direct = size >= self->size;
    char *room = direct ? buffer : self->scratch + IPCBENCH_HEADROOM;
    do
        received = msgrcv(self->into, around(room), direct ? size : self->size, self->wanted,
                          self->flags);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return sysv_refused();
    *type = around(room)->type;
    return direct ? received : fitted(room, received, buffer, size);
}

static ssize_t
sysv_send(void *ctx, const void *data, size_t size)
{
    const struct sysv *self = ctx;
    return put(self, self->given, data, size);
}

static ssize_t
sysv_recv(void *ctx, void *buffer, size_t size)
{
    long type;
    return take(ctx, buffer, size, &type);
}

/* A hub's: client 0 has type 1, for types are never 0. */

static ssize_t
sysv_recv_from(void *ctx, void *buffer, size_t size)
{
    long type;
    ssize_t received = take(ctx, buffer, size, &type);
    return received < 0 ? received : type - 1;
}

static ssize_t
sysv_send_to(void *ctx, size_t index, const void *data, size_t size)
{
    if (index >= LONG_MAX) /* a type is 1 or more; msgsnd(2) says EINVAL of a removed queue too */
        return -EINVAL;
    return put(ctx, (long)index + 1, data, size);
}

static void
dispose(void *ctx)
{
    PyMem_RawFree(((struct sysv *)ctx)->scratch);
}

static PyObject *
sysv_queue(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    struct sysv made = {0};
    Py_ssize_t size;
    int nowait, hub;
    if (!PyArg_ParseTuple(arguments, "Oiinllpp:sysv_queue", &owner, &made.into, &made.out, &size,
                          &made.given, &made.wanted, &nowait, &hub))
        return NULL;
    if (size < 0)
        return PyErr_Format(PyExc_ValueError, "a message has no negative size");
    made.size = size;
    made.flags = nowait ? IPC_NOWAIT : 0;
    made.scratch = PyMem_RawMalloc(IPCBENCH_HEADROOM + made.size + 1);
    struct sysv *self = PyMem_RawMalloc(sizeof *self);
    if (self == NULL || made.scratch == NULL) {
        PyMem_RawFree(made.scratch);
        PyMem_RawFree(self);
        return PyErr_NoMemory();
    }
    *self = made;
    struct ipcbench_ops ops = {.ctx = self};
    if (made.into >= 0)
        ops.recv = sysv_recv;
    if (hub) {
        ops.recv_from = sysv_recv_from;
        ops.send_to = sysv_send_to;
    } else if (made.out >= 0) {
        ops.send = sysv_send;
    }
    return ipcbench_capsule(ops, owner, dispose);
}

PyMethodDef ipcbench_queues[] = {
    {"posix_queues", posix_queues, METH_VARARGS, "Messages by mq_send(3) and mq_receive(3)."},
    {"sysv_queue", sysv_queue, METH_VARARGS, "Messages by msgsnd(2) and msgrcv(2)."},
    {NULL, NULL, 0, NULL},
};
