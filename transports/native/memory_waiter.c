/* Waiters in shared memory that C alone can use: `MemoryWaiter`, a counter or a mutex.
 *
 * Python's calls are methods in C. They try first, with the interpreter's lock held, as the lock of
 * multiprocessing does; then they wait without it, and return from time to time for signal handlers.
 * Compiled loops make the plain calls. */
#include "memory_kinds.h"

#include <errno.h>

#include "spinning.h"

/* It holds the buffer until it is closed and no call or capsule uses the memory. */
struct memory_waiter {
    PyObject_HEAD
    Py_buffer memory;
    void *place; /* NULL: closed */
    const struct memory_kind *kind;
    struct wait_policy policy;
    int users, closed;
};

static PyObject *
failed(ssize_t error)
{
    errno = (int)-error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

/* Release the memory where nothing uses it any more. */
static void
release_unused(struct memory_waiter *self)
{
    if (!self->closed || self->users > 0 || self->place == NULL)
        return;
    if (self->kind->leave != NULL)
        self->kind->leave(self->place);
    self->place = NULL;
    PyBuffer_Release(&self->memory);
}

static int
check_place(struct memory_waiter *self, const Py_buffer *memory)
{
    if ((size_t)memory->len < self->kind->bytes || (uintptr_t)memory->buf % 8 != 0) {
        PyErr_Format(PyExc_ValueError, "a %s takes %zu bytes, aligned to 8", self->kind->name,
                     self->kind->bytes);
        return -1;
    }
    return 0;
}

static PyObject *
make(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(names))
{
    const char *name;
    PyObject *memory, *held;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "sOOO&:MemoryWaiter", &name, &memory, &held,
                          ipcbench_wait_policy, &policy))
        return NULL;
    const struct memory_kind *kind = ipcbench_memory_kind(name);
    unsigned long count = 0;
    if (kind == NULL)
        return NULL;
    if (held != Py_None && (count = PyLong_AsUnsignedLong(held)) == (unsigned long)-1 &&
        PyErr_Occurred())
        return NULL;
    struct memory_waiter *self = (struct memory_waiter *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->kind = kind;
    self->policy = policy;
    self->policy.interruptible = 1;
    if (PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    ssize_t error = 0;
    if (check_place(self, &self->memory) < 0 ||
        (held != Py_None && (error = kind->init(self->memory.buf, count)) < 0)) {
        PyBuffer_Release(&self->memory);
        Py_DECREF(self);
        return error < 0 ? failed(error) : NULL;
    }
    self->place = self->memory.buf;
    return (PyObject *)self;
}

static PyObject *
close_waiter(struct memory_waiter *self, PyObject *Py_UNUSED(argument))
{
    self->closed = 1;
    release_unused(self);
    Py_RETURN_NONE;
}

static void
dealloc(struct memory_waiter *self)
{
    self->closed = 1;
    release_unused(self);
    Py_TYPE(self)->tp_free(self);
}

static int
check_open(const struct memory_waiter *self)
{
    if (!self->closed)
        return 1;
    PyErr_SetString(PyExc_ValueError, "this waiter is closed");
    return 0;
}

/* Wait for a token, or for the mutex, and run signal handlers meanwhile: 0, -errno, or -EINTR with
 * an error set. */
static ssize_t
take(struct memory_waiter *self)
{
    ssize_t found;
    self->users++; /* a handler may close it */
    do {
        Py_BEGIN_ALLOW_THREADS
        found = self->kind->take_until(self->place, &self->policy);
        Py_END_ALLOW_THREADS
    } while (found == -EINTR && PyErr_CheckSignals() == 0);
    self->users--;
    release_unused(self);
    return found;
}

static PyObject *
wait_for(struct memory_waiter *self, PyObject *Py_UNUSED(argument))
{
    if (!check_open(self))
        return NULL;
    ssize_t found = self->kind->attempt(self->place);
    if (found == -EAGAIN)
        found = take(self);
    if (found == 0)
        Py_RETURN_NONE;
    return found == -EINTR ? NULL : failed(found);
}

static PyObject *
try_wait(struct memory_waiter *self, PyObject *Py_UNUSED(argument))
{
    if (!check_open(self))
        return NULL;
    ssize_t found = self->kind->attempt(self->place);
    if (found == 0)
        Py_RETURN_NONE;
    return failed(found);
}

static PyObject *
notify(struct memory_waiter *self, PyObject *Py_UNUSED(argument))
{
    if (!check_open(self))
        return NULL;
    ssize_t found = self->kind->give(self->place);
    if (found == 0)
        Py_RETURN_NONE;
    return failed(found);
}

/* Capsules for compiled loops. */

static struct memory_user *
new_user(struct memory_waiter *self, const struct wait_policy *policy)
{
    struct memory_user *user = PyMem_RawMalloc(sizeof *user);
    if (user == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *user = (struct memory_user){self->kind->waiter, self->place, self};
    user->waiter.policy = *policy;
    self->users++;
    Py_INCREF(self);
    return user;
}

static void
dispose(void *ctx)
{
    struct memory_waiter *lender = ((struct memory_user *)ctx)->lender;
    lender->users--;
    release_unused(lender);
    Py_DECREF(lender);
}

static void
destroy(PyObject *capsule)
{
    struct memory_user *user = PyCapsule_GetPointer(capsule, IPCBENCH_WAITER);
    dispose(user);
    PyMem_RawFree(user);
}

static PyObject *
counter_of(struct memory_waiter *self, PyObject *given)
{
    struct wait_policy policy;
    if (!check_open(self) || !ipcbench_wait_policy(given, &policy))
        return NULL;
    if (self->kind->waiter.wait == NULL)
        return PyErr_Format(PyExc_TypeError, "a %s is no counter", self->kind->name);
    struct memory_user *user = new_user(self, &policy);
    if (user == NULL)
        return NULL;
    PyObject *capsule = PyCapsule_New(&user->waiter, IPCBENCH_WAITER, destroy);
    if (capsule == NULL) {
        dispose(user);
        PyMem_RawFree(user);
    }
    return capsule;
}

static ssize_t
look(void *ctx)
{
    struct memory_user *user = ctx;
    return user->lender->kind->attempt(user->place);
}

static ssize_t
spin_to_acquire(void *ctx)
{
    struct memory_user *user = ctx;
    return ipcbench_spin(&user->waiter.policy, look, user->lender->kind->ops.acquire, ctx);
}

static PyObject *
guard_of(struct memory_waiter *self, PyObject *owner)
{
    if (!check_open(self))
        return NULL;
    if (self->kind->ops.acquire == NULL)
        return PyErr_Format(PyExc_TypeError, "a %s is no guard", self->kind->name);
    struct wait_policy policy = self->policy;
    policy.interruptible = 0;
    struct ipcbench_ops ops = self->kind->ops;
    if (self->kind->sleeps && ipcbench_spins(&policy))
        ops.acquire = spin_to_acquire;
    ops.ctx = new_user(self, &policy);
    return ops.ctx == NULL ? NULL : ipcbench_capsule(ops, owner, dispose);
}

static PyMethodDef methods[] = {
    {"wait", (PyCFunction)wait_for, METH_NOARGS, "Take one, or lock it; wait meanwhile."},
    {"try_wait", (PyCFunction)try_wait, METH_NOARGS, "The same, or raise BlockingIOError."},
    {"notify", (PyCFunction)notify, METH_NOARGS, "Add one, or unlock it."},
    {"counter", (PyCFunction)counter_of, METH_O, "A waiter for rings and signals: how it waits."},
    {"guard", (PyCFunction)guard_of, METH_O, "A member's end of a guard: owner."},
    {"close", (PyCFunction)close_waiter, METH_NOARGS, "Release the memory."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ipcbench_memory_waiter = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "ipcbench.transports.native._native.MemoryWaiter",
    .tp_doc = "A waiter in shared memory: its kind, memory, what it holds at first, how it waits.",
    .tp_basicsize = sizeof(struct memory_waiter),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
};
