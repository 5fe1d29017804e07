/* Message queues of System V (msgop(2)) and of POSIX (mq_overview(7)). */
#include <errno.h>
#include <limits.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "fd_seat.h"
#include "spinning.h"

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
    size_t size;   /* the largest message */
    char *scratch; /* headroom, and `size` bytes */
    struct wait_policy policy;
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

/* A message that is sent, or received: its bytes, and its type. */
struct transfer {
    const struct sysv *self;
    char *bytes;
    size_t size;
    long type;
};

/* A removed queue: EIDRM for a call that waits, EINVAL for a later one (msgop(2)). */
static ssize_t
sysv_error(void)
{
    if (errno == EIDRM || errno == EINVAL)
        return -EPIPE;
    return errno == ENOMSG ? -EAGAIN : -errno;
}

static inline ssize_t
put(const struct transfer *made, int flags)
{
    int failed;
    if (made->size > made->self->size) /* beyond kernel.msgmax, msgsnd(2) fails with EINVAL */
        return -EMSGSIZE;
    around(made->bytes)->type = made->type;
    do
        failed = msgsnd(made->self->out, around(made->bytes), made->size, flags);
    while (failed && errno == EINTR);
    return failed ? sysv_error() : 0;
}

/* Receive a message of the wanted type; set `type` to its own. */
static inline ssize_t
take(struct transfer *made, int flags)
{
    const struct sysv *self = made->self;
    ssize_t received;
    /* A message longer than the buffer stays in the queue (E2BIG). By ops.h it must be lost. */
    int direct = made->size >= self->size;
    char *place = direct ? made->bytes : self->scratch + IPCBENCH_HEADROOM;
    do
        received = msgrcv(self->in, around(place), direct ? made->size : self->size, self->wanted,
                          flags);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return sysv_error();
    made->type = around(place)->type;
    return direct ? received : fitted(place, received, made->bytes, made->size);
}

static inline ssize_t
put_waiting(void *made)
{
    return put(made, 0);
}

static inline ssize_t
put_now(void *made)
{
    return put(made, IPC_NOWAIT);
}

static ssize_t
put_spinning(void *argument)
{
    const struct transfer *made = argument;
    return ipcbench_spin(&made->self->policy, put_now, put_waiting, argument);
}

static inline ssize_t
take_waiting(void *made)
{
    return take(made, 0);
}

static inline ssize_t
take_now(void *made)
{
    return take(made, IPC_NOWAIT);
}

static ssize_t
take_spinning(void *argument)
{
    const struct transfer *made = argument;
    return ipcbench_spin(&made->self->policy, take_now, take_waiting, argument);
}

/* The operations for each way of waiting. Client 0 of a hub has type 1, since a type is never 0. */
#define OPERATIONS(way)                                                                            \
    static ssize_t sysv_send_##way(void *ctx, const void *data, size_t size)                       \
    {                                                                                              \
        const struct sysv *self = ctx;                                                             \
        return put_##way(&(struct transfer){self, (char *)data, size, self->sent});                \
    }                                                                                              \
                                                                                                   \
    static ssize_t sysv_recv_##way(void *ctx, void *buffer, size_t size)                           \
    {                                                                                              \
        return take_##way(&(struct transfer){ctx, buffer, size, 0});                               \
    }                                                                                              \
                                                                                                   \
    static ssize_t sysv_recv_from_##way(void *ctx, void *buffer, size_t size)                      \
    {                                                                                              \
        struct transfer made = {ctx, buffer, size, 0};                                             \
        ssize_t received = take_##way(&made);                                                      \
        return received < 0 ? received : made.type - 1;                                            \
    }                                                                                              \
                                                                                                   \
    static ssize_t sysv_send_to_##way(void *ctx, size_t index, const void *data, size_t size)      \
    {                                                                                              \
        if (index >= LONG_MAX) /* EINVAL of msgsnd(2) also means a removed queue */                \
            return -EINVAL;                                                                        \
        return put_##way(&(struct transfer){ctx, (char *)data, size, (long)index + 1});            \
    }                                                                                              \
                                                                                                   \
    static const struct ipcbench_ops way = {                                                       \
        .send = sysv_send_##way,                                                                   \
        .recv = sysv_recv_##way,                                                                   \
        .recv_from = sysv_recv_from_##way,                                                         \
        .send_to = sysv_send_to_##way,                                                             \
    };

OPERATIONS(waiting)
OPERATIONS(now)
OPERATIONS(spinning)

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
    int hub;
    if (!PyArg_ParseTuple(arguments, "OiinllO&p:sysv_queue", &owner, &made.in, &made.out, &size,
                          &made.sent, &made.wanted, ipcbench_wait_policy, &made.policy, &hub))
        return NULL;
    if (size < 0)
        return PyErr_Format(PyExc_ValueError, "the size of a message is not negative");
    made.size = size;
    made.scratch = PyMem_RawMalloc(IPCBENCH_HEADROOM + made.size + 1);
    struct sysv *self = PyMem_RawMalloc(sizeof *self);
    if (self == NULL || made.scratch == NULL) {
        PyMem_RawFree(made.scratch);
        PyMem_RawFree(self);
        return PyErr_NoMemory();
    }
    *self = made;
    const struct ipcbench_ops *way = made.policy.nowait              ? &now
                                     : ipcbench_spins(&made.policy) ? &spinning
                                                                    : &waiting;
    struct ipcbench_ops ops = {.ctx = self};
    if (made.in >= 0)
        ops.recv = way->recv;
    if (hub) {
        ops.recv_from = way->recv_from;
        ops.send_to = way->send_to;
    } else if (made.out >= 0) {
        ops.send = way->send;
    }
    return ipcbench_capsule(ops, owner, dispose);
}

PyMethodDef ipcbench_queues[] = {
    {"posix_queues", posix_queues, METH_VARARGS, "Messages by mq_send(3) and mq_receive(3)."},
    {"sysv_queue", sysv_queue, METH_VARARGS, "Messages by msgsnd(2) and msgrcv(2)."},
    {NULL, NULL, 0, NULL},
};
