/* Messages whose pages are spliced into a pipe: vmsplice.py explains them. */
#include "capsule.h" /* first: Python.h asks for the extensions of GNU */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "spinning.h"

#define PIECE 65536 /* bytes of a message that is dropped, read at a time */

struct splicer {
    int out, answers, in, answered; /* Python owns them */
    struct wait_policy policy;
    size_t size; /* of the largest message */
    uint64_t header; /* its page is in the pipe until the receiver has answered */
};

/* A call over a descriptor, which is non-blocking where the end spins. */
struct attempt {
    int fd;
    struct iovec parts[2];
    unsigned flags; /* of vmsplice(2), on which O_NONBLOCK has no effect */
};

static ssize_t
try_splicing(void *argument)
{
    const struct attempt *made = argument;
    ssize_t moved;
    do
        moved = vmsplice(made->fd, made->parts, 2, made->flags);
    while (moved < 0 && errno == EINTR);
    return moved < 0 ? -errno : moved;
}

/* Read what there is: how many bytes, -EPIPE at the end, or -errno. */
static ssize_t
try_reading(void *argument)
{
    const struct attempt *made = argument;
    ssize_t moved;
    do
        moved = readv(made->fd, made->parts, 2);
    while (moved < 0 && errno == EINTR);
    if (moved < 0)
        return -errno;
    return moved == 0 ? -EPIPE : moved;
}

static ssize_t
splice_some(const struct splicer *self, struct attempt *made)
{
    if (!ipcbench_spins(&self->policy))
        return try_splicing(made);
    made->flags = SPLICE_F_NONBLOCK;
    return ipcbench_spin_at(&self->policy, made->fd, POLLOUT, try_splicing, made);
}

static ssize_t
read_both(const struct splicer *self, struct attempt *made)
{
    if (!ipcbench_spins(&self->policy))
        return try_reading(made);
    return ipcbench_spin_at(&self->policy, made->fd, POLLIN, try_reading, made);
}

/* Read up to `size` bytes, 1 at least: how many, -EPIPE at the end, or -errno. */
static ssize_t
read_some(const struct splicer *self, int fd, void *buffer, size_t size)
{
    struct attempt made = {.fd = fd, .parts = {{buffer, size}}};
    return read_both(self, &made);
}

static ssize_t
splice_send(void *ctx, const void *data, size_t size)
{
    struct splicer *self = ctx;
    if (size > self->size)
        return -EMSGSIZE;
    self->header = size;
    struct attempt made = {
        .fd = self->out, .parts = {{&self->header, sizeof self->header}, {(void *)data, size}}};
    size_t left = sizeof self->header + size;
    while (left > 0) {
        ssize_t moved = splice_some(self, &made);
        if (moved < 0)
            return moved;
        left -= moved;
        for (int i = 0; i < 2; i++) {
            struct iovec *part = &made.parts[i];
            size_t of_it = (size_t)moved < part->iov_len ? (size_t)moved : part->iov_len;
            part->iov_base = (char *)part->iov_base + of_it;
            part->iov_len -= of_it;
            moved -= of_it;
        }
    }
    char answer;
    ssize_t failed = read_some(self, self->answers, &answer, 1);
    return failed < 0 ? failed : 0;
}

static ssize_t
read_rest(const struct splicer *self, char *buffer, size_t size, size_t received)
{
    while (received < size) {
        ssize_t moved = read_some(self, self->in, buffer + received, size - received);
        if (moved < 0)
            return moved;
        received += moved;
    }
    return size;
}

/* Read so many bytes, and forget them. */
static ssize_t
drop(const struct splicer *self, uint64_t left)
{
    char piece[PIECE];
    while (left > 0) {
        ssize_t moved = read_some(self, self->in, piece, left < sizeof piece ? left : sizeof piece);
        if (moved < 0)
            return moved;
        left -= moved;
    }
    return 0;
}

/* Receive a header, and the bytes of the message that are in the pipe: how many, or -errno. */
static ssize_t
begin(const struct splicer *self, uint64_t *header, void *buffer, size_t size)
{
    struct attempt made = {.fd = self->in, .parts = {{header, sizeof *header}, {buffer, size}}};
    ssize_t moved = read_both(self, &made);
    if (moved < 0)
        return moved;
    if ((size_t)moved >= sizeof *header)
        return moved - sizeof *header;
    ssize_t failed = read_rest(self, (char *)header, sizeof *header, moved);
    return failed < 0 ? failed : 0;
}

static ssize_t
splice_recv(void *ctx, void *buffer, size_t size)
{
    struct splicer *self = ctx;
    int failed = self->policy.poll ? ipcbench_wait_readable(self->in, &self->policy) : 0;
    if (failed < 0)
        return failed;
    uint64_t length;
    ssize_t found = begin(self, &length, buffer, size);
    if (found < 0)
        return found;
    if (length > size)
        found = drop(self, length - found);
    else
        found = read_rest(self, buffer, length, found);
    if (found < 0)
        return found;
    ssize_t answered;
    do
        answered = write(self->answered, "", 1);
    while (answered < 0 && errno == EINTR); /* the sender may be gone: the message has arrived */
    return length > size ? -EMSGSIZE : (ssize_t)length;
}

static PyObject *
splicer(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    Py_ssize_t size;
    struct splicer given = {0};
    if (!PyArg_ParseTuple(arguments, "OiiiinO&:vmsplice", &owner, &given.out, &given.answers,
                          &given.in, &given.answered, &size, ipcbench_wait_policy,
                          &given.policy))
        return NULL;
    if (given.out < 0 || given.answers < 0 || given.in < 0 || given.answered < 0 || size < 0)
        return PyErr_Format(PyExc_ValueError, "no pipes of messages of %zd bytes over these "
                            "descriptors", size);
    struct splicer *self = PyMem_RawMalloc(sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    *self = given;
    self->size = size;
    struct ipcbench_ops ops = {.ctx = self, .send = splice_send, .recv = splice_recv};
    return ipcbench_capsule(ops, owner, NULL);
}

PyMethodDef ipcbench_vmsplice[] = {
    {"vmsplice", splicer, METH_VARARGS,
     "Messages spliced into a pipe: owner, pipes to send to, of answers to that, to receive from, "
     "to answer, size, how it waits."},
    {NULL, NULL, 0, NULL},
};
