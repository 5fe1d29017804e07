/* Byte streams and messages over file descriptors: pipes, FIFOs, sockets. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "batches.h"
#include "descriptors.h"
#include "spinning.h"

/* Pipes and FIFOs. Python ignores SIGPIPE, so write(2) fails with EPIPE. */

/* Wait for the rest of a message, or for space for it, also where `fd` is non-blocking and where the
 * policy forbids to wait. `looked` counts the calls in vain. */
static void
wait_for_rest(const struct fd_seat *self, int fd, short event, unsigned looked)
{
    if (ipcbench_after_look(&self->policy, looked, 1) <= 0)
        ipcbench_poll(fd, event, -1);
}

ssize_t
ipcbench_write_rest(const struct fd_seat *self, int fd, const char *data, size_t size)
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
            return ipcbench_descriptor_error();
        }
    }
    return 0;
}

ssize_t
ipcbench_read_rest(const struct fd_seat *self, int fd, char *buffer, size_t size, size_t received)
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
            return ipcbench_descriptor_error();
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
    if (sent < 0)
        return ipcbench_descriptor_error();
    return ipcbench_write_rest(self, fd, data + sent, size - sent);
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
        return received < 0 ? ipcbench_descriptor_error() : -EPIPE;
    return ipcbench_read_rest(self, fd, buffer, size, received);
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
    if (sent < 0)
        return ipcbench_descriptor_error();
    return ipcbench_write_rest(self, fd, data + sent, size - sent);
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
        return received < 0 ? ipcbench_descriptor_error() : -EPIPE;
    return ipcbench_read_rest(self, fd, buffer, size, received);
}

/* Sockets of messages, which are transferred as a whole. With MSG_TRUNC, recv(2) returns the
 * full length of a truncated message. */

ssize_t
ipcbench_message_give(const struct fd_seat *self, int fd, const char *data, size_t size)
{
    ssize_t sent;
    if (size > self->size)
        return -EMSGSIZE;
    do
        sent = send(fd, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? ipcbench_descriptor_error() : 0;
}

ssize_t
ipcbench_datagram_take(const struct fd_seat *Py_UNUSED(self), int fd, char *buffer, size_t size)
{
    ssize_t received;
    do
        received = recv(fd, buffer, size, MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return ipcbench_descriptor_error();
    return received > (ssize_t)size ? -EMSGSIZE : received;
}

static ssize_t
packet_take(const struct fd_seat *self, int fd, char *buffer, size_t size)
{
    ssize_t received = ipcbench_datagram_take(self, fd, buffer, size);
    return received == 0 ? -EPIPE : received; /* an empty message is the end of file */
}

/* Construction. */

/* Make the capsule of a seat; `failed`: it has no memory for its batches. */
static PyObject *
capsule_of(struct fd_seat *seat, const struct fd_seat_args *given, int failed)
{
    if (!failed)
        return ipcbench_fd_seat_capsule(seat, given);
    ipcbench_fd_seat_dispose(seat);
    PyMem_RawFree(seat);
    return PyErr_NoMemory();
}

static PyObject *
bytes_capsule(const struct fd_seat_args *given,
     ssize_t (*give)(const struct fd_seat *, int, const char *, size_t),
     ssize_t (*take)(const struct fd_seat *, int, char *, size_t), int how)
{
    struct fd_seat *seat = ipcbench_fd_seat_new(given);
    if (seat == NULL)
        return NULL;
    seat->give = give;
    seat->take = take;
    return capsule_of(seat, given, ipcbench_batches_of_bytes(seat, how));
}

static PyObject *
messages_capsule(const struct fd_seat_args *given,
     ssize_t (*take)(const struct fd_seat *, int, char *, size_t), int packets)
{
    struct fd_seat *seat = ipcbench_fd_seat_new(given);
    if (seat == NULL)
        return NULL;
    seat->give = ipcbench_message_give;
    seat->take = take;
    return capsule_of(seat, given, ipcbench_batches_of_messages(seat, packets));
}

static PyObject *
pipes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    int shared;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT "p:pipes",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given), &shared))
        return NULL;
    int how = shared ? IPCBENCH_BATCH_SHARED : IPCBENCH_BATCH_PLAIN;
    return bytes_capsule(&given, pipe_give, pipe_take, how);
}

static PyObject *
streams(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    int asks;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT "p:streams",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given), &asks))
        return NULL;
    if (asks)
        return bytes_capsule(&given, stream_give_now, stream_take, IPCBENCH_BATCH_ASKS);
    return bytes_capsule(&given, stream_give, stream_take, IPCBENCH_BATCH_PLAIN);
}

static PyObject *
packets(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT ":packets",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given)))
        return NULL;
    return messages_capsule(&given, packet_take, 1);
}

static PyObject *
datagrams(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct fd_seat_args given;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_FD_SEAT_FORMAT ":datagrams",
                          IPCBENCH_FD_SEAT_ADDRESSES(&given)))
        return NULL;
    return messages_capsule(&given, ipcbench_datagram_take, 0);
}

PyMethodDef ipcbench_descriptors[] = {
    {"pipes", pipes, METH_VARARGS, "Streams by write(2) and read(2)."},
    {"streams", streams, METH_VARARGS, "Streams by send(2) and recv(2)."},
    {"packets", packets, METH_VARARGS, "Messages over connected sockets."},
    {"datagrams", datagrams, METH_VARARGS, "Messages over sockets that are not connected."},
    {NULL, NULL, 0, NULL},
};
