/* One seat's ends: one descriptor each way, or several that are waited for with epoll(7). */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "fd_seat.h"

int
ipcbench_poll(int fd, short event, int timeout)
{
    struct pollfd asked = {.fd = fd, .events = event};
    int found;
    do
        found = poll(&asked, 1, timeout);
    while (found < 0 && errno == EINTR);
    return found < 0 ? -errno : found;
}

/* One descriptor each way. */

static ssize_t
send_one(void *ctx, const void *data, size_t size)
{
    struct ends *self = ctx;
    return self->give(self, self->out, data, size);
}

static ssize_t
recv_one(void *ctx, void *buffer, size_t size)
{
    struct ends *self = ctx;
    return self->take(self, self->in, buffer, size);
}

static ssize_t
recv_polled(void *ctx, void *buffer, size_t size)
{
    struct ends *self = ctx;
    int found = ipcbench_poll(self->in, POLLIN, self->nowait ? 0 : -1);
    if (found < 0)
        return found;
    return self->take(self, self->in, buffer, size); /* says itself that nothing is there */
}

/* Several. Whoever is found ready is served once before anybody is asked again, so that one
 * who sends without pause keeps no other waiting: as in transports/base/multiplexing.py. */

static int
look(struct ends *self)
{
    int found;
    do
        found = epoll_wait(self->epoll, self->events, self->reading, self->nowait ? 0 : -1);
    while (found < 0 && errno == EINTR);
    if (found < 0)
        return -errno;
    self->ready = found;
    return found == 0 ? -EAGAIN : 0;
}

/* A message of whoever has one; `from` is its descriptor. */
static ssize_t
gather(struct ends *self, void *buffer, size_t size, int *from)
{
    for (;;) {
        int failed = self->ready == 0 ? look(self) : 0;
        if (failed)
            return failed;
        *from = self->events[--self->ready].data.fd;
        ssize_t found = self->take(self, *from, buffer, size);
        /* One that has left is no end while others stay; the last one's is told each time. */
        if (found != -EPIPE || self->left == 1)
            return found;
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, *from, NULL);
        self->left--;
    }
}

static ssize_t
recv_any(void *ctx, void *buffer, size_t size)
{
    int from;
    return gather(ctx, buffer, size, &from);
}

static ssize_t
recv_from_any(void *ctx, void *buffer, size_t size)
{
    struct ends *self = ctx;
    int from;
    ssize_t found = gather(self, buffer, size, &from);
    return found < 0 ? found : self->index_of[from];
}

static ssize_t
send_to_one(void *ctx, size_t index, const void *data, size_t size)
{
    struct ends *self = ctx;
    if (index >= (size_t)self->writing)
        return -EINVAL;
    return self->give(self, self->outs[index], data, size);
}

/* Making them. */

void
ipcbench_end(void *ends)
{
    struct ends *self = ends;
    PyMem_RawFree(self->scratch);
    PyMem_RawFree(self->outs);
    PyMem_RawFree(self->index_of);
    PyMem_RawFree(self->events);
}

/* Whether they are descriptors, each of them: else an error is set. */
static int
are_descriptors(PyObject *fds)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fds); i++) {
        PyObject *fd = PyTuple_GET_ITEM(fds, i);
        int beyond = 0;
        long number = PyLong_Check(fd) ? PyLong_AsLongAndOverflow(fd, &beyond) : -1;
        if (beyond || number < 0 || number > INT_MAX) {
            PyErr_Format(PyExc_ValueError, "%R is no descriptor", fd);
            return 0;
        }
    }
    return 1;
}

static int
descriptor(PyObject *fds, Py_ssize_t place)
{
    return (int)PyLong_AsLong(PyTuple_GET_ITEM(fds, place));
}

/* Which index each descriptor has. */
static int
number(struct ends *self, PyObject *reading)
{
    int most = 0;
    for (int i = 0; i < self->reading; i++)
        most = Py_MAX(most, descriptor(reading, i));
    self->index_of = PyMem_RawCalloc((size_t)most + 1, sizeof *self->index_of);
    self->events = PyMem_RawCalloc(self->reading, sizeof *self->events);
    if (self->index_of == NULL || self->events == NULL)
        return -1;
    for (int i = 0; i < self->reading; i++)
        self->index_of[descriptor(reading, i)] = i;
    return 0;
}

static int
fill(struct ends *self, const struct wanted *wanted)
{
    self->reading = self->left = (int)PyTuple_GET_SIZE(wanted->reading);
    self->writing = (int)PyTuple_GET_SIZE(wanted->writing);
    self->in = self->reading ? descriptor(wanted->reading, 0) : -1;
    self->out = self->writing ? descriptor(wanted->writing, 0) : -1;
    self->outs = PyMem_RawCalloc(self->writing + 1, sizeof *self->outs);
    if (self->outs == NULL)
        return -1;
    for (int i = 0; i < self->writing; i++)
        self->outs[i] = descriptor(wanted->writing, i);
    return self->epoll < 0 ? 0 : number(self, wanted->reading);
}

struct ends *
ipcbench_ends(const struct wanted *wanted)
{
    if (!are_descriptors(wanted->reading) || !are_descriptors(wanted->writing))
        return NULL;
    if (wanted->size < 0) {
        PyErr_SetString(PyExc_ValueError, "a message has no negative size");
        return NULL;
    }
    struct ends *self = PyMem_RawCalloc(1, sizeof *self);
    if (self != NULL) {
        self->nowait = wanted->nowait;
        self->size = wanted->size;
        self->epoll = wanted->epoll;
    }
    if (self == NULL || fill(self, wanted) < 0) {
        if (self != NULL)
            ipcbench_end(self);
        PyMem_RawFree(self);
        PyErr_NoMemory();
        return NULL;
    }
    return self;
}

PyObject *
ipcbench_seat(struct ends *self, const struct wanted *wanted)
{
    struct ipcbench_ops ops = {.ctx = self};
    if (self->epoll >= 0) {
        ops.recv = recv_any;
        if (self->writing) { /* a hub's server: it says to whom */
            ops.recv_from = recv_from_any;
            ops.send_to = send_to_one;
        }
        return ipcbench_capsule(ops, wanted->owner, ipcbench_end);
    }
    if (self->writing)
        ops.send = send_one;
    if (self->reading)
        ops.recv = wanted->poll ? recv_polled : recv_one;
    return ipcbench_capsule(ops, wanted->owner, ipcbench_end);
}
