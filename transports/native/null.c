/* The null transport: the cost of a loop whose operations do nothing. */
#include "capsule.h"

static ssize_t
no_send(void *Py_UNUSED(ctx), const void *Py_UNUSED(data), size_t Py_UNUSED(size))
{
    return 0;
}

static ssize_t
no_recv(void *Py_UNUSED(ctx), void *Py_UNUSED(buffer), size_t size)
{
    return size;
}

static PyObject *
null_transport(PyObject *Py_UNUSED(module), PyObject *owner)
{
    struct ipcbench_ops ops = {.send = no_send, .recv = no_recv};
    return ipcbench_capsule(ops, owner, NULL);
}

PyMethodDef ipcbench_null[] = {
    {"null", null_transport, METH_O, "Operations that do nothing: owner."},
    {NULL, NULL, 0, NULL},
};
