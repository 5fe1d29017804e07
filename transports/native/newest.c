/* Ends of a newest value in shared memory: see newest.h. */
#include "newest.h"

#include "capsule.h"

/* An end, and Python's mapping, which it keeps as a buffer. */
struct newest_end {
    struct newest end;
    Py_buffer memory;
};

static ssize_t
publish(void *ctx, const void *data, size_t size)
{
    return ipcbench_newest_publish(ctx, data, size);
}

static ssize_t
read_newest(void *ctx, void *buffer, size_t size)
{
    return ipcbench_newest_read(ctx, buffer, size);
}

static ssize_t
torn(void *ctx)
{
    return (ssize_t)((struct newest *)ctx)->torn;
}

static void
dispose(void *ctx)
{
    PyBuffer_Release(&((struct newest_end *)ctx)->memory);
}

/* Take the buffer, and check that it holds the values: 0, or -1 with an error set. */
static int
take(struct newest_end *self, PyObject *memory, Py_ssize_t size, Py_ssize_t buffers)
{
    if (size < 1 || buffers < 1) {
        PyErr_SetString(PyExc_ValueError, "a value has 1 byte or more, and 1 buffer or more");
        return -1;
    }
    if (PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) < 0)
        return -1;
    Py_ssize_t held = self->memory.len;
    /* The quotient first, so that the product cannot overflow. */
    if (buffers > held / 128 || size > held / buffers ||
        ipcbench_newest_bytes(size, buffers) > (size_t)held ||
        (uintptr_t)self->memory.buf % sizeof(uint64_t) != 0) {
        PyErr_Format(PyExc_ValueError, "%zd values of %zd bytes are not in a segment of %zd",
                     buffers, size, held);
        PyBuffer_Release(&self->memory);
        return -1;
    }
    return 0;
}

static PyObject *
newest(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *memory;
    Py_ssize_t size, buffers;
    int publishes;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "OOnnpO&:newest", &owner, &memory, &size, &buffers,
                          &publishes, ipcbench_wait_policy, &policy))
        return NULL;
    struct newest_end *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    if (take(self, memory, size, buffers) < 0) {
        PyMem_RawFree(self);
        return NULL;
    }
    ipcbench_newest_init(&self->end, self->memory.buf, size, buffers);
    self->end.policy = policy;
    struct ipcbench_ops ops = {.ctx = self};
    if (publishes) {
        self->end.number = ipcbench_newest_number(&self->end);
        ops.publish = publish;
    } else {
        ops.read = read_newest;
        ops.torn = torn;
    }
    return ipcbench_capsule(ops, owner, dispose);
}

PyMethodDef ipcbench_newest[] = {
    {"newest", newest, METH_VARARGS,
     "An end of a newest value: owner, memory, size, buffers, publishes, how it waits."},
    {NULL, NULL, 0, NULL},
};
