/* Seats over file descriptors: one descriptor each way, or several, with epoll(7). */
#include <errno.h>
#include <limits.h>

#include "fd_seat.h"

/* One descriptor each way. */

static ssize_t
send_one(void *ctx, const void *data, size_t size)
{
    struct fd_seat *self = ctx;
    return self->give(self, self->out, data, size);
}

static ssize_t
recv_one(void *ctx, void *buffer, size_t size)
{
    struct fd_seat *self = ctx;
    return self->take(self, self->in, buffer, size);
}

static ssize_t
recv_polled(void *ctx, void *buffer, size_t size)
{
    struct fd_seat *self = ctx;
    int found = ipcbench_wait_readable(self->in, &self->policy);
    return found < 0 ? found : self->take(self, self->in, buffer, size);
}

/* Several descriptors. Each that is ready is served once before the next epoll_wait(2), so that
 * one busy sender does not block the others: as in transports/base/multiplexing.py. */

static int
wait_ready(struct fd_seat *self)
{
    int found;
    do
        found = epoll_wait(self->epoll, self->events, self->reading,
                           ipcbench_timeout(&self->policy));
    while (found < 0 && errno == EINTR);
    if (found < 0)
        return -errno;
    self->ready = found;
    return found == 0 ? -EAGAIN : 0;
}

/* Receive from any descriptor, `*from`: a message, or up to `count` of them where that is not 0.
 * Inlined, so that one message costs no look at `count`. */
static inline __attribute__((always_inline)) ssize_t
gather(struct fd_seat *self, void *buffer, size_t size, size_t count, int *from)
{
    for (;;) {
        int failed = self->ready == 0 ? wait_ready(self) : 0;
        if (failed)
            return failed;
        *from = self->events[--self->ready].data.fd;
        ssize_t found = count ? self->take_many(self, *from, buffer, size, count)
                              : self->take(self, *from, buffer, size);
        /* A peer's end of file ends the seat only with the last peer; then each call returns it. */
        if (found != -EPIPE || self->open == 1)
            return found;
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, *from, NULL);
        self->open--;
    }
}

static ssize_t
recv_any(void *ctx, void *buffer, size_t size)
{
    int from;
    return gather(ctx, buffer, size, 0, &from);
}

static ssize_t
recv_many_any(void *ctx, void *buffer, size_t size, size_t count)
{
    int from;
    return gather(ctx, buffer, size, count, &from);
}

static ssize_t
recv_from_any(void *ctx, void *buffer, size_t size)
{
    struct fd_seat *self = ctx;
    int from = 0; /* compilers do not see that a failure is negative */
    ssize_t found = gather(self, buffer, size, 0, &from);
    return found < 0 ? found : self->index_of[from];
}

static ssize_t
send_to_one(void *ctx, size_t index, const void *data, size_t size)
{
    struct fd_seat *self = ctx;
    if (index >= (size_t)self->writing)
        return -EINVAL;
    return self->give(self, self->outs[index], data, size);
}

/* Construction. */

void
ipcbench_fd_seat_dispose(void *seat)
{
    struct fd_seat *self = seat;
    PyMem_RawFree(self->scratch);
    PyMem_RawFree(self->outs);
    PyMem_RawFree(self->index_of);
    PyMem_RawFree(self->events);
    PyMem_RawFree(self->looked_at);
    ipcbench_batch_dispose(self->batch);
}

/* True if all are descriptors; else an error is set. */
static int
are_descriptors(PyObject *fds)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fds); i++) {
        PyObject *fd = PyTuple_GET_ITEM(fds, i);
        int beyond = 0;
        long number = PyLong_Check(fd) ? PyLong_AsLongAndOverflow(fd, &beyond) : -1;
        if (beyond || number < 0 || number > INT_MAX) {
            PyErr_Format(PyExc_ValueError, "%R is not a descriptor", fd);
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

/* Map each descriptor to its index. */
static int
map_indices(struct fd_seat *self, PyObject *reading)
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
list_looked_at(struct fd_seat *self, PyObject *reading)
{
    self->looked_at = PyMem_RawCalloc(self->reading, sizeof *self->looked_at);
    if (self->looked_at == NULL)
        return -1;
    for (int i = 0; i < self->reading; i++)
        self->looked_at[i] = (struct pollfd){.fd = descriptor(reading, i), .events = POLLIN};
    return 0;
}

static int
fill(struct fd_seat *self, const struct fd_seat_args *given)
{
    self->reading = self->open = (int)PyTuple_GET_SIZE(given->reading);
    self->writing = (int)PyTuple_GET_SIZE(given->writing);
    self->in = self->reading ? descriptor(given->reading, 0) : -1;
    self->out = self->writing ? descriptor(given->writing, 0) : -1;
    self->outs = PyMem_RawCalloc(self->writing + 1, sizeof *self->outs);
    if (self->outs == NULL)
        return -1;
    for (int i = 0; i < self->writing; i++)
        self->outs[i] = descriptor(given->writing, i);
    if (!given->several)
        return 0;
    return ipcbench_spins(&self->policy) ? list_looked_at(self, given->reading)
                                         : map_indices(self, given->reading);
}

struct fd_seat *
ipcbench_fd_seat_new(const struct fd_seat_args *given)
{
    if (!are_descriptors(given->reading) || !are_descriptors(given->writing))
        return NULL;
    if (given->size < 0) {
        PyErr_SetString(PyExc_ValueError, "the size of a message is not negative");
        return NULL;
    }
    if (given->several && given->epoll < 0 && !ipcbench_spins(&given->policy)) {
        PyErr_SetString(PyExc_ValueError, "there is no epoll(7) descriptor to wait for several");
        return NULL;
    }
    struct fd_seat *self = PyMem_RawCalloc(1, sizeof *self);
    if (self != NULL) {
        self->policy = given->policy;
        self->size = given->size;
        self->epoll = given->epoll;
    }
    if (self == NULL || fill(self, given) < 0) {
        if (self != NULL)
            ipcbench_fd_seat_dispose(self);
        PyMem_RawFree(self);
        PyErr_NoMemory();
        return NULL;
    }
    return self;
}

PyObject *
ipcbench_fd_seat_capsule(struct fd_seat *self, const struct fd_seat_args *given)
{
    struct ipcbench_ops ops = {.ctx = self};
    if (ipcbench_spins(&self->policy)) {
        ipcbench_spinning_operations(self, given->several, &ops);
    } else if (given->several) {
        ops.recv = recv_any;
        ops.recv_many = self->take_many != NULL && !self->writing ? recv_many_any : NULL;
        if (self->writing) { /* a hub's server */
            ops.recv_from = recv_from_any;
            ops.send_to = send_to_one;
        }
    } else {
        ops.send = self->writing ? send_one : NULL;
        if (self->reading)
            ops.recv = self->policy.poll ? recv_polled : recv_one;
        if (self->give_many != NULL)
            ipcbench_batch_operations(self, &ops);
    }
    return ipcbench_capsule(ops, given->owner, ipcbench_fd_seat_dispose);
}
