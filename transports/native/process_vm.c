/* Messages that the receiver reads from the sender's memory: process_vm.py explains them. */
#include "link.h" /* first: Python.h asks for the extensions of GNU */

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

struct packet {
    uint64_t address, length;
};

struct reader {
    struct link link;
    pid_t peer;
};

static ssize_t
vm_send(void *ctx, const void *data, size_t size)
{
    struct reader *self = ctx;
    if (size > self->link.size)
        return -EMSGSIZE;
    struct packet packet = {(uintptr_t)data, size};
    char answer;
    ssize_t failed = ipcbench_link_describe(&self->link, &packet, sizeof packet, -1);
    if (failed >= 0)
        failed = ipcbench_link_packet(&self->link, self->link.out, &answer, 1);
    return failed < 0 ? failed : 0;
}

/* Copy the message: its length, or -EFAULT where the sender has no such memory, or -errno. */
static ssize_t
read_memory(const struct reader *self, const struct packet *packet, char *buffer)
{
    size_t done = 0;
    while (done < packet->length) { /* a call reads 2 GiB at most */
        struct iovec local = {buffer + done, packet->length - done};
        struct iovec remote = {(void *)(uintptr_t)(packet->address + done), local.iov_len};
        ssize_t moved = process_vm_readv(self->peer, &local, 1, &remote, 1, 0);
        if (moved > 0)
            done += moved;
        else if (moved == 0)
            return -EFAULT;
        else if (errno != EINTR)
            return errno == ESRCH ? -EPIPE : -errno;
    }
    return done;
}

static ssize_t
vm_recv(void *ctx, void *buffer, size_t size)
{
    struct reader *self = ctx;
    for (;;) {
        char received[sizeof(struct packet) + 1]; /* a longer packet is ignored */
        struct packet packet;
        ssize_t length = ipcbench_link_described(&self->link, received, sizeof received);
        if (length < 0)
            return length;
        if (length != sizeof packet)
            continue;
        memcpy(&packet, received, sizeof packet);
        ssize_t found = packet.length <= size ? read_memory(self, &packet, buffer) : -EMSGSIZE;
        if (found < 0 && found != -EMSGSIZE && found != -EFAULT)
            return found;
        /* If the sender has ended, another process may have its pid: the bytes are not trusted. */
        ssize_t failed = ipcbench_link_answer(&self->link, 0);
        if (failed < 0)
            return failed;
        if (found != -EFAULT)
            return found;
    }
}

static PyObject *
process_vm(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    int out, in, peer;
    Py_ssize_t size;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "OiiinO&:process_vm", &owner, &out, &in, &peer, &size,
                          ipcbench_wait_policy, &policy))
        return NULL;
    struct reader *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    self->peer = peer;
    if (ipcbench_link_init(&self->link, out, in, size, 1, &policy) < 0) {
        PyMem_RawFree(self);
        return NULL;
    }
    struct ipcbench_ops ops = {.ctx = self, .send = vm_send, .recv = vm_recv};
    return ipcbench_capsule(ops, owner, NULL);
}

PyMethodDef ipcbench_process_vm[] = {
    {"process_vm", process_vm, METH_VARARGS,
     "Messages read from the sender's memory: owner, sockets out and in, the peer's pid, size, how "
     "it waits."},
    {NULL, NULL, 0, NULL},
};
