/* Messages in a pool of memfds that are mapped once: memfd_pool.py explains them. */
#include "link.h" /* first: Python.h asks for the extensions of GNU */

#include <errno.h>
#include <string.h>

#include "scan.h"

struct packet {
    uint64_t slot, length;
};

/* One process's end. */
struct pool {
    struct link link;
    Py_buffer *views; /* the slots that it sends in, and behind them those that it receives in */
    unsigned viewed;  /* the number of buffers that are held */
    unsigned incoming;
    unsigned lent;
    int peeked; /* a message is to be released */
    struct packet message;
    size_t seen;
};

static char *
outgoing(const struct pool *self, size_t slot)
{
    return self->views[slot].buf;
}

static const char *
incoming(const struct pool *self, size_t slot)
{
    return self->views[self->link.depth + slot].buf;
}

static ssize_t
describe(struct pool *self, unsigned slot, size_t size)
{
    struct packet packet = {slot, size};
    ssize_t failed = ipcbench_link_describe(&self->link, &packet, sizeof packet, -1);
    if (failed < 0)
        ipcbench_link_restore(&self->link, slot);
    return failed;
}

static ssize_t
pool_send(void *ctx, const void *data, size_t size)
{
    struct pool *self = ctx;
    if (size > self->link.size)
        return -EMSGSIZE;
    ssize_t slot = ipcbench_link_take(&self->link);
    if (slot < 0)
        return slot;
    memcpy(outgoing(self, slot), data, size);
    return describe(self, slot, size);
}

static ssize_t
pool_loan(void *ctx, void **slot, size_t size)
{
    struct pool *self = ctx;
    if (size > self->link.size)
        return -EMSGSIZE;
    ssize_t taken = ipcbench_link_take(&self->link);
    if (taken < 0)
        return taken;
    self->lent = taken;
    *slot = outgoing(self, taken);
    return 0;
}

static ssize_t
pool_commit(void *ctx, size_t size)
{
    struct pool *self = ctx;
    return describe(self, self->lent, size);
}

/* Wait for a message: 0 or -errno. Another process has described it: a slot that there is not is
 * ignored, and the caller compares the length. */
static ssize_t
next(struct pool *self, struct packet *found)
{
    char packet[sizeof *found + 1]; /* a longer one is ignored */
    for (;;) {
        ssize_t length = ipcbench_link_described(&self->link, packet, sizeof packet);
        if (length < 0)
            return length;
        memcpy(found, packet, sizeof *found);
        if (length == sizeof *found && found->slot < self->incoming)
            return 0;
    }
}

static ssize_t
pool_recv(void *ctx, void *buffer, size_t size)
{
    struct pool *self = ctx;
    struct packet found;
    ssize_t failed = next(self, &found);
    if (failed < 0)
        return failed;
    if (size > self->link.size)
        size = self->link.size;
    if (found.length <= size)
        memcpy(buffer, incoming(self, found.slot), found.length);
    ipcbench_link_answer(&self->link, found.slot); /* the sender may be gone */
    return found.length <= size ? (ssize_t)found.length : -EMSGSIZE;
}

static ssize_t
pool_release(void *ctx)
{
    struct pool *self = ctx;
    if (self->peeked)
        ipcbench_link_answer(&self->link, self->message.slot); /* the sender may be gone */
    self->peeked = 0;
    return 0;
}

static ssize_t
pool_peek(void *ctx, const void **slot)
{
    struct pool *self = ctx;
    ssize_t failed = self->peeked ? 0 : next(self, &self->message);
    if (failed < 0)
        return failed;
    self->peeked = 1;
    if (self->message.length > self->link.size) {
        pool_release(self);
        return -EMSGSIZE;
    }
    *slot = incoming(self, self->message.slot);
    return self->message.length;
}

static ssize_t
pool_read(void *ctx, void *Py_UNUSED(buffer), size_t size)
{
    struct pool *self = ctx;
    const void *slot;
    ssize_t length = pool_peek(self, &slot);
    if (length < 0)
        return length;
    self->seen += ipcbench_scan(slot, length);
    pool_release(self);
    return (size_t)length <= size ? length : -EMSGSIZE;
}

static void
dispose(void *ctx)
{
    struct pool *self = ctx;
    for (unsigned i = 0; i < self->viewed; i++)
        PyBuffer_Release(&self->views[i]);
    PyMem_RawFree(self->views);
}

/* Hold the memory of slots, each of `size` bytes at least: 0, or -1 with an error set. */
static int
hold(struct pool *self, PyObject *slots, Py_ssize_t size, int flags)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(slots); i++) {
        Py_buffer *view = &self->views[self->viewed];
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(slots, i), view, flags) < 0)
            return -1;
        self->viewed++;
        if (view->len < size) {
            PyErr_Format(PyExc_ValueError, "a slot of %zd bytes for messages of %zd", view->len,
                         size);
            return -1;
        }
    }
    return 0;
}

static PyObject *
memfd_pool(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *sent, *received;
    int out, in, in_place;
    Py_ssize_t size;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "OiinO!O!pO&:memfd_pool", &owner, &out, &in, &size,
                          &PyTuple_Type, &sent, &PyTuple_Type, &received, &in_place,
                          ipcbench_wait_policy, &policy))
        return NULL;
    struct pool *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    Py_ssize_t depth = PyTuple_GET_SIZE(sent);
    self->incoming = (unsigned)PyTuple_GET_SIZE(received);
    self->views = PyMem_RawCalloc(depth + self->incoming + 1, sizeof *self->views);
    if (self->views == NULL)
        PyErr_NoMemory();
    if (self->views == NULL ||
        ipcbench_link_init(&self->link, out, in, size, (int)Py_MIN(depth, INT_MAX), &policy) < 0 ||
        hold(self, sent, size, PyBUF_WRITABLE) < 0 ||
        hold(self, received, size, PyBUF_SIMPLE) < 0) {
        dispose(self);
        PyMem_RawFree(self);
        return NULL;
    }
    struct ipcbench_ops ops = {.ctx = self, .send = pool_send, .recv = pool_recv};
    if (in_place) {
        ops.flags = IPCBENCH_IN_PLACE;
        ops.recv = pool_read, ops.peek = pool_peek, ops.release = pool_release;
        ops.loan = pool_loan, ops.commit = pool_commit;
    }
    return ipcbench_capsule(ops, owner, dispose);
}

PyMethodDef ipcbench_memfd_pool[] = {
    {"memfd_pool", memfd_pool, METH_VARARGS,
     "Messages in a pool of memfds: owner, sockets out and in, size, the slots that it sends in, "
     "those that it receives in, in place, how it waits."},
    {NULL, NULL, 0, NULL},
};
