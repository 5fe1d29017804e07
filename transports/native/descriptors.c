/* Byte streams and messages over file descriptors: pipes, FIFOs, sockets. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fd_seat.h"
#include "spinning.h"

/* The error of the last call by the rules of ops.h: -EPIPE for all errors of a closed peer
 * (ECONNREFUSED is that of a datagram whose receiver was closed: unix(7)). */
static ssize_t
last_error(void)
{
    switch (errno) {
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENOTCONN:
        return -EPIPE;
    default:
        return -errno;
    }
}

/* Pipes and FIFOs. Python ignores SIGPIPE, so write(2) fails with EPIPE. */

/* Wait for the rest of a message, or for space for it, also where `fd` is non-blocking and where the
 * policy forbids to wait. `looked` counts the calls in vain. */
static void
wait_for_rest(const struct fd_seat *self, int fd, short event, unsigned looked)
{
    if (ipcbench_after_look(&self->policy, looked, 1) <= 0)
        ipcbench_poll(fd, event, -1);
}

static ssize_t
write_rest(const struct fd_seat *self, int fd, const char *data, size_t size)
{
    for (unsigned looked = 0; size > 0;) {
        ssize_t moved = write(fd, data, size);
        if (moved >= 0) {
            data += moved;
            size -= moved;
            looked = 0;
        } else if (errno == EAGAIN) {
            wait_for_rest(self, fd, POLLOUT, looked++);
        } else if (errno != EINTR) {
            return last_error();
        }
    }
    return 0;
}

static ssize_t
read_rest(const struct fd_seat *self, int fd, char *buffer, size_t size, size_t received)
{
    for (unsigned looked = 0; received < size;) {
        ssize_t moved = read(fd, buffer + received, size - received);
        if (moved == 0)
            return -EPIPE; /* end of file within a message */
        if (moved > 0) {
            received += moved;
            looked = 0;
        } else if (errno == EAGAIN) {
            wait_for_rest(self, fd, POLLIN, looked++);
        } else if (errno != EINTR) {
            return last_error();
        }
    }
    return size;
}

static ssize_t
pipe_give(const struct fd_seat *self, int fd, const char *data, size_t size)
{
    ssize_t sent;
    do
        sent = write(fd, data, size);
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)size)
        return 0;
    return sent < 0 ? last_error() : write_rest(self, fd, data + sent, size - sent);
}

static ssize_t
pipe_take(const struct fd_seat *self, int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = read(fd, buffer, size);
    while (received < 0 && errno == EINTR);
    if (received == (ssize_t)size)
        return received;
    if (received <= 0)
        return received < 0 ? last_error() : -EPIPE;
    return read_rest(self, fd, buffer, size, received);
}

/* Stream sockets. */

static ssize_t
stream_give(const struct fd_seat *self, int fd, const char *data, size_t size)
{
    ssize_t sent;
    do
        sent = send(fd, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)size)
        return 0;
    return sent < 0 ? last_error() : write_rest(self, fd, data + sent, size - sent);
}

/* TCP accepts a part of even a small message where the buffer has no space for the whole. So a
 * sender that must not wait asks poll(2) for space first. */
static ssize_t
stream_give_now(const struct fd_seat *self, int fd, const char *data, size_t size)
{
    int writable = ipcbench_poll(fd, POLLOUT, 0);
    if (writable <= 0)
        return writable == 0 ? -EAGAIN : writable;
    return stream_give(self, fd, data, size);
}

static ssize_t
stream_take(const struct fd_seat *self, int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = recv(fd, buffer, size, 0);
    while (received < 0 && errno == EINTR);
    if (received == (ssize_t)size)
        return received;
    if (received <= 0)
        return received < 0 ? last_error() : -EPIPE;
    return read_rest(self, fd, buffer, size, received);
}

/* Sockets of messages, which are transferred as a whole. With MSG_TRUNC, recv(2) returns the
 * full length of a truncated message. */

static ssize_t
message_give(const struct fd_seat *self, int fd, const char *data, size_t size)
{
    ssize_t sent;
    if (size > self->size)
        return -EMSGSIZE;
    do
        sent = send(fd, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? last_error() : 0;
}

static ssize_t
datagram_take(const struct fd_seat *Py_UNUSED(self), int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = recv(fd, buffer, size, MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return last_error();
    return received > (ssize_t)size ? -EMSGSIZE : received;
}

static ssize_t
packet_take(const struct fd_seat *self, int fd, char *buffer, size_t size)
{
    ssize_t received = datagram_take(self, fd, buffer, size);
    return received == 0 ? -EPIPE : received; /* an empty message is the end of file */
}

/* A server of datagrams: it receives on one socket, and identifies clients by their addresses. */

struct hub {
    struct fd_seat seat; /* first, so that one pointer is a pointer to both */
    int clients;
    int last; /* the client of the last message: the next one's is probably the one after it */
    struct sockaddr_un *names;
};

static int
client_of(struct hub *self, const struct sockaddr_un *address)
{
    for (int i = 1; i <= self->clients; i++) {
        int index = (self->last + i) % self->clients;
        if (strcmp(self->names[index].sun_path, address->sun_path) == 0)
            return self->last = index;
    }
    return -1;
}

static int
wait_polled(const struct hub *self)
{
    const struct wait_policy *policy = &self->seat.policy;
    return policy->poll ? ipcbench_wait_readable(self->seat.in, policy) : 0;
}

static ssize_t
datagram_from(void *ctx, void *buffer, size_t size)
{
    struct hub *self = ctx;
    for (;;) {
        struct sockaddr_un address;
        socklen_t length = sizeof address;
        int found = wait_polled(self);
        if (found < 0)
            return found;
        ssize_t received = recvfrom(self->seat.in, buffer, size, MSG_TRUNC,
                                    (struct sockaddr *)&address, &length);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return last_error();
        if (received > (ssize_t)size)
            return -EMSGSIZE;
        /* The address of an unnamed socket has no path: unix(7). */
        int named = length > offsetof(struct sockaddr_un, sun_path);
        int index = named ? client_of(self, &address) : -1;
        if (index >= 0) /* else it is of another program of this user */
            return index;
    }
}

static ssize_t
datagram_to(void *ctx, size_t index, const void *data, size_t size)
{
    struct hub *self = ctx;
    if (index >= (size_t)self->seat.writing)
        return -EINVAL;
    return message_give(&self->seat, self->seat.outs[index], data, size);
}

/* The same ends, where they spin. */

struct letter {
    struct hub *hub;
    char *buffer;
    size_t size;
};

static ssize_t
try_from(void *argument)
{
    struct letter *letter = argument;
    return datagram_from(letter->hub, letter->buffer, letter->size);
}

static ssize_t
datagram_from_spinning(void *ctx, void *buffer, size_t size)
{
    struct letter letter = {ctx, buffer, size};
    const struct fd_seat *seat = &letter.hub->seat;
    return ipcbench_spin_at(&seat->policy, seat->in, POLLIN, try_from, &letter);
}

static ssize_t
datagram_to_spinning(void *ctx, size_t index, const void *data, size_t size)
{
    struct hub *self = ctx;
    if (index >= (size_t)self->seat.writing)
        return -EINVAL;
    return ipcbench_give_spinning(&self->seat, self->seat.outs[index], data, size);
}

static ssize_t
datagram_any(void *ctx, void *buffer, size_t size)
{
    struct hub *self = ctx;
    int found = wait_polled(self);
    if (found < 0)
        return found;
    return datagram_take(&self->seat, self->seat.in, buffer, size);
}

static void
dispose_hub(void *ctx)
{
    struct hub *self = ctx;
    PyMem_RawFree(self->names);
    ipcbench_fd_seat_dispose(&self->seat);
}

/* Construction. */

static PyObject *
new_capsule(const struct fd_seat_args *given,
     ssize_t (*give)(const struct fd_seat *, int, const char *, size_t),
     ssize_t (*take)(const struct fd_seat *, int, char *, size_t))
{
    struct fd_seat *seat = ipcbench_fd_seat_new(given);
    if (seat == NULL)
        return NULL;
    seat->give = give;
    seat->take = take;
    return ipcbench_fd_seat_capsule(seat, given);
}

static PyObject *
pipes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT ":pipes",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given)))
        return NULL;
    return new_capsule(&given, pipe_give, pipe_take);
}

static PyObject *
streams(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    int check_space;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT "p:streams",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given), &check_space))
        return NULL;
    return new_capsule(&given, check_space ? stream_give_now : stream_give, stream_take);
}

static PyObject *
packets(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT ":packets",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given)))
        return NULL;
    return new_capsule(&given, message_give, packet_take);
}

static PyObject *
datagrams(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT ":datagrams",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given)))
        return NULL;
    return new_capsule(&given, message_give, datagram_take);
}

/* Set the clients' addresses, in the order of their indices; -1 with an error set. */
static int
set_addresses(struct hub *self, PyObject *names)
{
    self->clients = (int)PyTuple_GET_SIZE(names);
    self->names = PyMem_RawCalloc(self->clients + 1, sizeof *self->names);
    if (self->names == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < self->clients; i++) {
        char *path;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(names, i), &path, &length) < 0)
            return -1;
        if ((size_t)length >= sizeof self->names[i].sun_path) {
            PyErr_SetString(PyExc_ValueError, "the path of a socket is too long: unix(7)");
            return -1;
        }
        memcpy(self->names[i].sun_path, path, length);
    }
    return 0;
}

static PyObject *
datagram_hub(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    PyObject *names;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT "O!:datagram_hub",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given), &PyTuple_Type, &names))
        return NULL;
    struct fd_seat *seat = ipcbench_fd_seat_new(&given);
    if (seat == NULL)
        return NULL;
    struct hub *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL) {
        ipcbench_fd_seat_dispose(seat);
        PyMem_RawFree(seat);
        return PyErr_NoMemory();
    }
    self->seat = *seat;
    PyMem_RawFree(seat);
    if (set_addresses(self, names) < 0) {
        dispose_hub(self);
        PyMem_RawFree(self);
        return NULL;
    }
    struct ipcbench_ops ops = {
        .ctx = self, .recv = datagram_any, .recv_from = datagram_from, .send_to = datagram_to};
    if (ipcbench_spins(&given.policy)) {
        ipcbench_spinning_operations(&self->seat, 0, &ops); /* it receives on one descriptor */
        ops.send = NULL;
        ops.recv_from = datagram_from_spinning;
        ops.send_to = datagram_to_spinning;
    }
    return ipcbench_capsule(ops, given.owner, dispose_hub);
}

PyMethodDef ipcbench_descriptors[] = {
    {"pipes", pipes, METH_VARARGS, "Streams by write(2) and read(2)."},
    {"streams", streams, METH_VARARGS, "Streams by send(2) and recv(2)."},
    {"packets", packets, METH_VARARGS, "Messages over connected sockets."},
    {"datagrams", datagrams, METH_VARARGS, "Messages over sockets that are not connected."},
    {"datagram_hub", datagram_hub, METH_VARARGS,
     "Messages of several clients, identified by address."},
    {NULL, NULL, 0, NULL},
};
