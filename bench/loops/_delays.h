/* Calls that spend a delay: the selftest of the gate slows cells by them. Included by _loops.c
 * alone.
 *
 * A delay lies before a call that sends and behind one that receives, so that the other process
 * waits for it. Of operations: a capsule whose operations spend it and call those of another
 * capsule, which it keeps alive. Of Python's endpoints: an object around one call. Both spend it as
 * the slowed controls do (_paced.h): it may be as short as some nanoseconds. */
#ifndef IPCBENCH_DELAYS_H
#define IPCBENCH_DELAYS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>

#include "_paced.h"
#include "transports/native/open_capsule.h"

struct delayed {
    struct ipcbench_ops ops; /* its `ctx` is this struct */
    struct ipcbench_ops inner;
    long long sending, receiving; /* turns of a call that sends, and of one that receives; or 0 */
    PyObject *kept;               /* the capsule of `inner` */
};

static inline void
spend_if(long long turns)
{
    if (turns > 0)
        spend(turns);
}

#define CALL(name, ...) self->inner.name(self->inner.ctx, ##__VA_ARGS__)

#define SENDING(name, parameters, ...)                                                             \
    static ssize_t delayed_##name parameters                                                       \
    {                                                                                              \
        const struct delayed *self = ctx;                                                          \
        spend_if(self->sending);                                                                   \
        return CALL(name, ##__VA_ARGS__);                                                          \
    }

#define RECEIVING(name, parameters, ...)                                                           \
    static ssize_t delayed_##name parameters                                                       \
    {                                                                                              \
        const struct delayed *self = ctx;                                                          \
        ssize_t result = CALL(name, ##__VA_ARGS__);                                                \
        spend_if(self->receiving);                                                                 \
        return result;                                                                             \
    }

#define UNDELAYED(name, parameters, ...)                                                           \
    static ssize_t delayed_##name parameters                                                       \
    {                                                                                              \
        const struct delayed *self = ctx;                                                          \
        return CALL(name, ##__VA_ARGS__);                                                          \
    }

/* The delay of a guard lies inside it, where it is released: all other processes wait for that. */
SENDING(send, (void *ctx, const void *data, size_t size), data, size)
SENDING(send_to, (void *ctx, size_t index, const void *data, size_t size), index, data, size)
SENDING(send_many, (void *ctx, const void *data, size_t size, size_t count), data, size, count)
SENDING(commit, (void *ctx, size_t size), size)
SENDING(notify, (void *ctx))
SENDING(leave, (void *ctx))
SENDING(read_at, (void *ctx, void *buffer, size_t size, uint64_t place), buffer, size, place)
SENDING(write_at, (void *ctx, const void *data, size_t size, uint64_t place), data, size, place)
SENDING(publish, (void *ctx, const void *data, size_t size), data, size)
RECEIVING(recv, (void *ctx, void *buffer, size_t size), buffer, size)
RECEIVING(recv_from, (void *ctx, void *buffer, size_t size), buffer, size)
RECEIVING(recv_many, (void *ctx, void *buffer, size_t size, size_t count), buffer, size, count)
RECEIVING(peek, (void *ctx, const void **slot), slot)
RECEIVING(wait, (void *ctx))
RECEIVING(read, (void *ctx, void *buffer, size_t size), buffer, size)
UNDELAYED(loan, (void *ctx, void **slot, size_t size), slot, size)
UNDELAYED(release, (void *ctx))
UNDELAYED(acquire, (void *ctx))
UNDELAYED(extent, (void *ctx))
UNDELAYED(torn, (void *ctx))

#define EACH(OF)                                                                                   \
    OF(send) OF(recv) OF(recv_from) OF(send_to) OF(send_many) OF(recv_many) OF(loan) OF(commit)    \
    OF(peek) OF(release) OF(notify) OF(wait) OF(acquire) OF(leave) OF(read_at) OF(write_at)        \
    OF(extent) OF(publish) OF(read) OF(torn)

static void
drop_delayed(PyObject *capsule)
{
    struct delayed *self = PyCapsule_GetPointer(capsule, IPCBENCH_OPS);
    Py_DECREF(self->kept);
    PyMem_Free(self);
}

/* Tell whether these are turns of a delay; else an error is set. */
static int
are_turns(long long turns)
{
    if (turns >= 0 && turns <= MOST_TURNS)
        return 1;
    PyErr_SetString(PyExc_ValueError, "a delay of less than 0 turns, or of over 2^40");
    return 0;
}

static PyObject *
py_delayed(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *capsule;
    long long sending = 0, receiving = 0;
    struct ipcbench_ops inner;
    if (!PyArg_ParseTuple(arguments, "O|LL", &capsule, &sending, &receiving) ||
        !are_turns(sending) || !are_turns(receiving) || ipcbench_open(capsule, &inner) < 0)
        return NULL;
    struct delayed *self = PyMem_Calloc(1, sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    self->inner = inner;
    self->ops = (struct ipcbench_ops){
        .abi = IPCBENCH_ABI, .struct_size = sizeof self->ops, .flags = inner.flags, .ctx = self};
#define WRAP(name) self->ops.name = inner.name == NULL ? NULL : delayed_##name;
    EACH(WRAP)
    self->sending = sending;
    self->receiving = receiving;
    self->kept = Py_NewRef(capsule);
    PyObject *made = PyCapsule_New(&self->ops, IPCBENCH_OPS, drop_delayed);
    if (made == NULL) {
        Py_DECREF(self->kept);
        PyMem_Free(self);
    }
    return made;
}

/* A call of Python with its delay: before it, or behind it. */
struct slow_call {
    PyObject_HEAD
    PyObject *call;
    long long before, behind;
};

static PyObject *
spend_and_call(struct slow_call *self, PyObject *const *arguments, Py_ssize_t count)
{
    spend_if(self->before);
    PyObject *result = PyObject_Vectorcall(self->call, arguments, (size_t)count, NULL);
    spend_if(self->behind);
    return result;
}

static void
drop_slow_call(struct slow_call *self)
{
    Py_XDECREF(self->call);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject slow_call = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "ipcbench.bench.loops._loops.SlowCall",
    .tp_doc = "A call, with its delays.",
    .tp_basicsize = sizeof(struct slow_call),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)drop_slow_call,
};

/* The interpreter calls a function of this kind faster than an object. */
static PyMethodDef slow_method = {
    "slow_call", (PyCFunction)(void (*)(void))spend_and_call, METH_FASTCALL, NULL};

static PyObject *
py_slow_call(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *call;
    long long before, behind = 0;
    if (!PyArg_ParseTuple(arguments, "OL|L", &call, &before, &behind) || !are_turns(before) ||
        !are_turns(behind))
        return NULL;
    struct slow_call *self = PyObject_New(struct slow_call, &slow_call);
    if (self == NULL)
        return NULL;
    self->call = Py_NewRef(call);
    self->before = before;
    self->behind = behind;
    PyObject *made = PyCFunction_New(&slow_method, (PyObject *)self);
    Py_DECREF(self);
    return made;
}

static int
ready_slow_calls(PyObject *Py_UNUSED(module))
{
    return PyType_Ready(&slow_call);
}

#endif
