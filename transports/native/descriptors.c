/* Byte streams and messages over file descriptors: pipes, FIFOs, sockets. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fd_seat.h"

/* The error of the last call, by the rules of ops.h: who has left is -EPIPE, however the
 * kernel puts it (ECONNREFUSED is what a datagram gets whose receiver was closed: unix(7)). */
static ssize_t
refused(void)
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

/* Pipes and FIFOs. Python ignores SIGPIPE, so write(2) says EPIPE. */

/* What is left of a message of which a part went: wait for room even where `fd` does not block. */
static ssize_t
write_rest(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t moved = write(fd, data, size);
        if (moved >= 0) {
            data += moved;
            size -= moved;
        } else if (errno == EAGAIN) {
            ipcbench_poll(fd, POLLOUT, -1);
        } else if (errno != EINTR) {
            return refused();
        }
    }
    return 0;
}

static ssize_t
read_rest(int fd, char *buffer, size_t size, size_t received)
{
    while (received < size) {
        ssize_t moved = read(fd, buffer + received, size - received);
        if (moved == 0)
            return -EPIPE; /* the end of file, in the middle of a message */
        if (moved > 0)
            received += moved;
        else if (errno == EAGAIN)
            ipcbench_poll(fd, POLLIN, -1);
        else if (errno != EINTR)
            return refused();
    }
    return size;
}

static ssize_t
pipe_give(const struct ends *Py_UNUSED(self), int fd, const char *data, size_t size)
{
    ssize_t sent;
    do
        sent = write(fd, data, size);
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)size)
        return 0;
    return sent < 0 ? refused() : write_rest(fd, data + sent, size - sent);
}

static ssize_t
pipe_take(const struct ends *Py_UNUSED(self), int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = read(fd, buffer, size);
    while (received < 0 && errno == EINTR);
    if (received == (ssize_t)size)
        return received;
    if (received <= 0)
        return received < 0 ? refused() : -EPIPE;
    return read_rest(fd, buffer, size, received);
}

/* Sockets that carry bytes. */

static ssize_t
stream_give(const struct ends *Py_UNUSED(self), int fd, const char *data, size_t size)
{
    ssize_t sent;
    do
        sent = send(fd, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)size)
        return 0;
    return sent < 0 ? refused() : write_rest(fd, data + sent, size - sent);
}

/* TCP takes a part of even a small message when it has no room for the whole: who may not
 * wait asks for ample room first. */
static ssize_t
stream_give_now(const struct ends *self, int fd, const char *data, size_t size)
{
    int room = ipcbench_poll(fd, POLLOUT, 0);
    if (room <= 0)
        return room == 0 ? -EAGAIN : room;
    return stream_give(self, fd, data, size);
}

static ssize_t
stream_take(const struct ends *Py_UNUSED(self), int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = recv(fd, buffer, size, 0);
    while (received < 0 && errno == EINTR);
    if (received == (ssize_t)size)
        return received;
    if (received <= 0)
        return received < 0 ? refused() : -EPIPE;
    return read_rest(fd, buffer, size, received);
}

/* Sockets that carry messages: all of one or nothing. With MSG_TRUNC, recv(2) tells a
 * message's length even where it had to cut it. */

static ssize_t
message_give(const struct ends *self, int fd, const char *data, size_t size)
{
    ssize_t sent;
    if (size > self->size)
        return -EMSGSIZE;
    do
        sent = send(fd, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? refused() : 0;
}

static ssize_t
datagram_take(const struct ends *Py_UNUSED(self), int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = recv(fd, buffer, size, MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return refused();
    return received > (ssize_t)size ? -EMSGSIZE : received;
}

static ssize_t
packet_take(const struct ends *self, int fd, char *buffer, size_t size)
{
    ssize_t received = datagram_take(self, fd, buffer, size);
    return received == 0 ? -EPIPE : received; /* a message of no bytes is the end of file */
}

/* A server of datagrams: one socket to receive on, and the sender's address says whose it is. */

struct hub {
    struct ends ends; /* first, so that one pointer is both */
    int poll;
    int clients;
    int last; /* the one that was heard last: the next one is likely to be the next */
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

static ssize_t
datagram_from(void *ctx, void *buffer, size_t size)
{
    struct hub *self = ctx;
    for (;;) {
        struct sockaddr_un address;
        socklen_t length = sizeof address;
        int asked = self->poll ? ipcbench_poll(self->ends.in, POLLIN, self->ends.nowait ? 0 : -1) : 1;
        if (asked < 0)
            return asked;
        ssize_t received = recvfrom(self->ends.in, buffer, size, MSG_TRUNC,
                                    (struct sockaddr *)&address, &length);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return refused();
        if (received > (ssize_t)size)
            return -EMSGSIZE;
        /* A socket without a name has a length and no path. */
        int index = length > offsetof(struct sockaddr_un, sun_path) ? client_of(self, &address) : -1;
        if (index >= 0) /* else some other program of our user's has sent it */
            return index;
    }
}

static ssize_t
datagram_to(void *ctx, size_t index, const void *data, size_t size)
{
    struct hub *self = ctx;
    if (index >= (size_t)self->ends.writing)
        return -EINVAL;
    return message_give(&self->ends, self->ends.outs[index], data, size);
}

static ssize_t
datagram_any(void *ctx, void *buffer, size_t size)
{
    ssize_t found;
    struct hub *self = ctx;
    if (self->poll && (found = ipcbench_poll(self->ends.in, POLLIN, self->ends.nowait ? 0 : -1)) < 0)
        return found;
    return datagram_take(&self->ends, self->ends.in, buffer, size);
}

static void
end_hub(void *ctx)
{
    struct hub *self = ctx;
    PyMem_RawFree(self->names);
    ipcbench_end(&self->ends);
}

/* The builders. */

static PyObject *
made(const struct wanted *wanted,
     ssize_t (*give)(const struct ends *, int, const char *, size_t),
     ssize_t (*take)(const struct ends *, int, char *, size_t))
{
    struct ends *ends = ipcbench_ends(wanted);
    if (ends == NULL)
        return NULL;
    ends->give = give;
    ends->take = take;
    return ipcbench_seat(ends, wanted);
}

static PyObject *
pipes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct wanted wanted;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_WANTED ":pipes", IPCBENCH_WANTED_TO(&wanted)))
        return NULL;
    return made(&wanted, pipe_give, pipe_take);
}

static PyObject *
streams(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct wanted wanted;
    int ask;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_WANTED "p:streams", IPCBENCH_WANTED_TO(&wanted),
                          &ask))
        return NULL;
    return made(&wanted, ask ? stream_give_now : stream_give, stream_take);
}

static PyObject *
packets(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct wanted wanted;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_WANTED ":packets", IPCBENCH_WANTED_TO(&wanted)))
        return NULL;
    return made(&wanted, message_give, packet_take);
}

static PyObject *
datagrams(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct wanted wanted;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_WANTED ":datagrams", IPCBENCH_WANTED_TO(&wanted)))
        return NULL;
    return made(&wanted, message_give, datagram_take);
}

/* The clients' addresses, in the order of their indices; -1 with an error set. */
static int
learn(struct hub *self, PyObject *names)
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
            PyErr_SetString(PyExc_ValueError, "a socket's path is too long: unix(7)");
            return -1;
        }
        memcpy(self->names[i].sun_path, path, length);
    }
    return 0;
}

static PyObject *
datagram_hub(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct wanted wanted;
    PyObject *names;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_WANTED "O!:datagram_hub",
                          IPCBENCH_WANTED_TO(&wanted), &PyTuple_Type, &names))
        return NULL;
    struct ends *ends = ipcbench_ends(&wanted);
    if (ends == NULL)
        return NULL;
    struct hub *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL) {
        ipcbench_end(ends);
        PyMem_RawFree(ends);
        return PyErr_NoMemory();
    }
    self->ends = *ends;
    PyMem_RawFree(ends);
    self->poll = wanted.poll;
    if (learn(self, names) < 0) {
        end_hub(self);
        PyMem_RawFree(self);
        return NULL;
    }
    struct ipcbench_ops ops = {
        .ctx = self, .recv = datagram_any, .recv_from = datagram_from, .send_to = datagram_to};
    return ipcbench_capsule(ops, wanted.owner, end_hub);
}

PyMethodDef ipcbench_descriptors[] = {
    {"pipes", pipes, METH_VARARGS, "Streams by write(2) and read(2)."},
    {"streams", streams, METH_VARARGS, "Streams by send(2) and recv(2)."},
    {"packets", packets, METH_VARARGS, "Messages over sockets that are connected."},
    {"datagrams", datagrams, METH_VARARGS, "Messages over sockets that are not."},
    {"datagram_hub", datagram_hub, METH_VARARGS, "Those of several, told apart by address."},
    {NULL, NULL, 0, NULL},
};
