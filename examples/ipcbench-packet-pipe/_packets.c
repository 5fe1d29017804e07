/* The two operations of a seat in C, for compiled loops, by the rules of ops.h. */
#include <Python.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ops.h"

struct seat {
    struct ipcbench_ops ops; /* first, so that the capsule's pointer is a pointer to both */
    PyObject *owner;         /* the endpoint, which closes the descriptors */
    int in, out, poll, nowait;
};

static ssize_t
give(void *ctx, const void *data, size_t size)
{
    struct seat *seat = ctx;
    ssize_t sent;
    if (size > PIPE_BUF) /* it would be divided into several packets */
        return -EMSGSIZE;
    do
        sent = write(seat->out, data, size);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static ssize_t
take(void *ctx, void *buffer, size_t size)
{
    struct seat *seat = ctx;
    struct pollfd asked = {.fd = seat->in, .events = POLLIN};
    char more; /* one byte more: read(2) truncates a longer packet silently */
    struct iovec parts[] = {{buffer, size}, {&more, 1}};
    ssize_t received;
    while (seat->poll && poll(&asked, 1, seat->nowait ? 0 : -1) < 0)
        if (errno != EINTR)
            return -errno;
    do
        received = readv(seat->in, parts, 2);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return -errno;
    if (received == 0)
        return -EPIPE; /* end of file */
    return received > (ssize_t)size ? -EMSGSIZE : received;
}

static void
destroy(PyObject *capsule)
{
    struct seat *seat = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
    Py_DECREF(seat->owner);
    PyMem_Free(seat);
}

static PyObject *
operations(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    int in, out, poll, nowait;
    if (!PyArg_ParseTuple(arguments, "Oiipp", &owner, &in, &out, &poll, &nowait))
        return NULL;
    struct seat *seat = PyMem_Calloc(1, sizeof *seat);
    if (seat == NULL)
        return PyErr_NoMemory();
    *seat = (struct seat){
        .ops = {.abi = IPCBENCH_ABI,
                .struct_size = sizeof seat->ops,
                .ctx = seat,
                .send = out < 0 ? NULL : give,
                .recv = in < 0 ? NULL : take},
        .owner = Py_NewRef(owner),
        .in = in,
        .out = out,
        .poll = poll,
        .nowait = nowait,
    };
    PyObject *capsule = PyCapsule_New(seat, IPCBENCH_OPS, destroy);
    if (capsule == NULL) {
        Py_DECREF(owner);
        PyMem_Free(seat);
    }
    return capsule;
}

static PyMethodDef functions[] = {
    {"operations", operations, METH_VARARGS, "A capsule: (owner, in, out, poll, nowait)."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_packets",
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit__packets(void)
{
    return PyModule_Create(&definition);
}
