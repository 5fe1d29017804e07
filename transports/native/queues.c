/* Message queues of System V (msgop(2)) and of POSIX (mq_overview(7)). */
#include <errno.h>
#include <limits.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "fd_seat.h"

/* Copy a message from the scratch buffer, which is used where the caller's may be too small. */
static ssize_t
fitted(const char *scratch, ssize_t received, void *buffer, size_t size)
{
    if (received > (ssize_t)size)
        return -EMSGSIZE;
    if (received > 0)
        memcpy(buffer, scratch, received);
    return received;
}

/* POSIX. On Linux a queue is a file descriptor, also for poll(2) (mq_overview(7)). */

static ssize_t
mq_give(const struct fd_seat *self, int queue, const char *data, size_t size)
{
    int failed;
    do
        failed = mq_send(queue, data, size, self->priority);
    while (failed && errno == EINTR);
    return failed ? -errno : 0;
}

static ssize_t
mq_take(const struct fd_seat *self, int queue, char *buffer, size_t size)
{
    ssize_t received;
    /* mq_receive(3) fails for a buffer smaller than the queue's largest message, and the message
     * stays in the queue. By ops.h it must be lost. */
    int direct = size >= self->size;
    char *place = direct ? buffer : self->scratch;
    do
        received = mq_receive(queue, place, direct ? size : self->size, NULL);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return -errno;
    return direct ? received : fitted(place, received, buffer, size);
}

static PyObject *
posix_queues(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    unsigned priority;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT "I:posix_queues",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given), &priority))
        return NULL;
    struct fd_seat *seat = ipcbench_fd_seat_new(&given);
    if (seat == NULL)
        return NULL;
    seat->give = mq_give;
    seat->take = mq_take;
    seat->priority = priority;
    seat->scratch = PyMem_RawMalloc(seat->size);
    if (seat->scratch == NULL) {
        ipcbench_fd_seat_dispose(seat);
        PyMem_RawFree(seat);
        return PyErr_NoMemory();
    }
    return ipcbench_fd_seat_capsule(seat, &given);
}

/* System V. A message's type stands right before its bytes, in the headroom. */

struct sysv {
    int in, out;   /* queues */
    long sent;     /* the type of messages sent */
    long wanted;   /* the type of messages received; 0: any, the oldest first */
    int flags;     /* IPC_NOWAIT, or 0 */
    size_t size;   /* the largest message */
    char *scratch; /* headroom, and `size` bytes */
};

struct message { /* msgop(2): its struct msgbuf */
    long type;
    char text[];
};

/* The message with this text. */
static struct message *
around(const char *text)
{
    return (struct message *)(text - offsetof(struct message, text));
}

/* A removed queue: EIDRM for a call that waits, EINVAL for a later one (msgop(2)). */
static ssize_t
sysv_error(void)
{
    if (errno == EIDRM || errno == EINVAL)
        return -EPIPE;
    return errno == ENOMSG ? -EAGAIN : -errno;
}

static ssize_t
put(const struct sysv *self, long type, const char *data, size_t size)
{
    int failed;
    if (size > self->size) /* for one beyond kernel.msgmax, msgsnd(2) fails with EINVAL */
        return -EMSGSIZE;
    around(data)->type = type;
    do
        failed = msgsnd(self->out, around(data), size, self->flags);
    while (failed && errno == EINTR);
    return failed ? sysv_error() : 0;
}

/* Receive a message of the wanted type; set `type` to its own. */
static ssize_t
take(const struct sysv *self, char *buffer, size_t size, long *type)
{
    ssize_t received;
    /* A message longer than the buffer stays in the queue (E2BIG). By ops.h it must be lost. */
    int direct = size >= self->size;
    char *place = direct ? buffer : self->scratch + IPCBENCH_HEADROOM;
    do
        received = msgrcv(self->in, around(place), direct ? size : self->size, self->wanted,
                          self->flags);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return sysv_error();
    *type = around(place)->type;
    return direct ? received : fitted(place, received, buffer, size);
}

static ssize_t
sysv_send(void *ctx, const void *data, size_t size)
{
    const struct sysv *self = ctx;
    return put(self, self->sent, data, size);
}

static ssize_t
sysv_recv(void *ctx, void *buffer, size_t size)
{
    long type;
    return take(ctx, buffer, size, &type);
}

/* A hub. Client 0 has type 1, since a type is never 0. */

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
    if (index >= LONG_MAX) /* a type is 1 or more; EINVAL of msgsnd(2) also means a removed queue */
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
    struct wait_policy policy;
    int hub;
    if (!PyArg_ParseTuple(arguments, "OiinllO&p:sysv_queue", &owner, &made.in, &made.out, &size,
                          &made.sent, &made.wanted, ipcbench_wait_policy, &policy, &hub))
        return NULL;
    if (size < 0)
        return PyErr_Format(PyExc_ValueError, "the size of a message is not negative");
    made.size = size;
    made.flags = policy.nowait ? IPC_NOWAIT : 0;
    made.scratch = PyMem_RawMalloc(IPCBENCH_HEADROOM + made.size + 1);
    struct sysv *self = PyMem_RawMalloc(sizeof *self);
    if (self == NULL || made.scratch == NULL) {
        PyMem_RawFree(made.scratch);
        PyMem_RawFree(self);
        return PyErr_NoMemory();
    }
    *self = made;
    struct ipcbench_ops ops = {.ctx = self};
    if (made.in >= 0)
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
