/* Messages whose pages are spliced into a pipe: vmsplice.py explains them. */
#include "capsule.h" /* first: Python.h asks for the extensions of GNU */

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wait_policy.h"

#define PIECE 65536 /* bytes of a message that is dropped, read at a time */

struct splicer {
    int out, answers, in, answered; /* Python owns them */
    struct wait_policy policy;
    uint64_t header; /* its page is in the pipe until the receiver has answered */
};

static ssize_t
last_error(void)
{
    return -errno;
}

/* Read up to `size` bytes: how many, -EPIPE at the end, or -errno. */
static ssize_t
read_some(int fd, void *buffer, size_t size)
{
    ssize_t moved;
    do
        moved = read(fd, buffer, size);
    while (moved < 0 && errno == EINTR);
    return moved < 0 ? last_error() : moved == 0 ? -EPIPE : moved;
}

static ssize_t
splice_send(void *ctx, const void *data, size_t size)
{
    struct splicer *self = ctx;
    self->header = size;
    struct iovec parts[2] = {{&self->header, sizeof self->header}, {(void *)data, size}};
    size_t left = sizeof self->header + size;
    while (left > 0) {
        ssize_t moved = vmsplice(self->out, parts, 2, 0);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0)
            return last_error();
        left -= moved;
        for (int i = 0; i < 2; i++) {
            size_t of_it = (size_t)moved < parts[i].iov_len ? (size_t)moved : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + of_it;
            parts[i].iov_len -= of_it;
            moved -= of_it;
        }
    }
    char answer;
    ssize_t failed = read_some(self->answers, &answer, 1);
    return failed < 0 ? failed : 0;
}

static ssize_t
read_rest(int fd, char *buffer, size_t size, size_t received)
{
    while (received < size) {
        ssize_t moved = read_some(fd, buffer + received, size - received);
        if (moved < 0)
            return moved;
        received += moved;
    }
    return size;
}

/* Read so many bytes, and forget them. */
static ssize_t
drop(int fd, uint64_t left)
{
    char piece[PIECE];
    while (left > 0) {
        ssize_t moved = read_some(fd, piece, left < sizeof piece ? left : sizeof piece);
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
    struct iovec parts[2] = {{header, sizeof *header}, {buffer, size}};
    ssize_t moved;
    do
        moved = readv(self->in, parts, 2);
    while (moved < 0 && errno == EINTR);
    if (moved <= 0)
        return moved < 0 ? last_error() : -EPIPE;
    if ((size_t)moved >= sizeof *header)
        return moved - sizeof *header;
    ssize_t failed = read_rest(self->in, (char *)header, sizeof *header, moved);
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
        found = drop(self->in, length - found);
    else
        found = read_rest(self->in, buffer, length, found);
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
    struct ipcbench_ops ops = {.ctx = self, .send = splice_send, .recv = splice_recv};
    return ipcbench_capsule(ops, owner, NULL);
}

PyMethodDef ipcbench_vmsplice[] = {
    {"vmsplice", splicer, METH_VARARGS,
     "Messages spliced into a pipe: owner, pipes to send to, of answers to that, to receive from, "
     "to answer, size, how it waits."},
    {NULL, NULL, 0, NULL},
};
