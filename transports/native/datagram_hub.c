/* Servers of datagrams: they receive on one socket, and identify clients by their addresses. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "descriptors.h"
#include "spinning.h"

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
            return ipcbench_descriptor_error();
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
    return ipcbench_message_give(&self->seat, self->seat.outs[index], data, size);
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
    return ipcbench_datagram_take(&self->seat, self->seat.in, buffer, size);
}

static void
dispose_hub(void *ctx)
{
    struct hub *self = ctx;
    PyMem_RawFree(self->names);
    ipcbench_fd_seat_dispose(&self->seat);
}

/* Construction. */

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
    self->seat.give = ipcbench_message_give;
    self->seat.take = ipcbench_datagram_take;
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

PyMethodDef ipcbench_datagram_hubs[] = {
    {"datagram_hub", datagram_hub, METH_VARARGS,
     "Messages of several clients, identified by address."},
    {NULL, NULL, 0, NULL},
};
