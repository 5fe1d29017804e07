/* `Calls`: the operations of a capsule as methods, for Python. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call_arguments.h"
#include "call_forms.h"
#include "call_shapes.h"
#include "capsule.h"
#include "child_exit.h"
#include "open_capsule.h"
#include "operations.h"

#define UNLENT (-1)
#define CHANGING (-2) /* `loan` or `commit` is being called */

/* Room for the bytes that a call sends or receives. */
struct copy {
    char *room; /* `size` bytes behind their headroom, or NULL */
    size_t size;
};

/* Python code runs in the middle of a call: signal handlers before its operation (child_exit.h),
 * and other threads during it. It may call the same object. So a call takes the spare copy out of
 * the object and returns it at its end, and a slot is not lent or committed twice. */
struct calls {
    PyObject_HEAD
    PyObject *capsule;
    struct ipcbench_ops opened, *ops; /* `ops` points to `opened` */
    struct copy spare; /* of no call at present */
    Py_ssize_t lent;   /* bytes of the slot that is to be committed, or UNLENT, or CHANGING */
    /* The operations return from time to time for signal handlers (wait_policy.h): those of rings
     * and of words, where Python has no loops of its own. They need no headroom and get the
     * caller's own bytes. */
    int interruptible;
};

static ssize_t
run(struct calls *self, ssize_t (*invoke)(void *), struct call *call)
{
    ssize_t found;
    call->ctx = self->ops->ctx;
    if (!self->interruptible)
        return ipcbench_call(invoke, call);
    Py_BEGIN_ALLOW_THREADS
    found = invoke(call);
    Py_END_ALLOW_THREADS
    return found;
}

static PyObject *
answer(ssize_t found)
{
    if (found == IPCBENCH_RAISED)
        return NULL;
    if (found < 0) {
        errno = (int)-found;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromSsize_t(found);
}

/* Take the spare copy, or make one: 0, or -1 with an error set. */
static int
take_copy(struct calls *self, size_t size, struct copy *copy)
{
    *copy = self->spare;
    self->spare = (struct copy){0};
    if (copy->room != NULL && copy->size >= size)
        return 0;
    size_t whole = IPCBENCH_HEADROOM + (size + 63) / 64 * 64 + 64;
    free(copy->room);
    *copy = (struct copy){aligned_alloc(64, whole), size};
    if (copy->room == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(copy->room, 0, whole); /* not every operation writes as much as it returns: null.c */
    return 0;
}

/* Keep the larger one for the next call. */
static void
return_copy(struct calls *self, struct copy copy)
{
    struct copy other = self->spare;
    if (other.room == NULL || other.size < copy.size)
        self->spare = copy, copy = other;
    free(copy.room);
}

static PyObject *
make(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    PyObject *capsule;
    int interruptible = 0;
    static char *known[] = {"capsule", "interruptible", NULL};
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "O|p:Calls", known, &capsule,
                                     &interruptible))
        return NULL;
    struct ipcbench_ops opened;
    if (ipcbench_open(capsule, &opened) < 0)
        return NULL;
    struct calls *self = (struct calls *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->capsule = Py_NewRef(capsule);
        self->opened = opened;
        self->ops = &self->opened;
        self->lent = UNLENT;
        self->interruptible = interruptible;
    }
    return (PyObject *)self;
}

static void
dealloc(struct calls *self)
{
    free(self->spare.room);
    Py_XDECREF(self->capsule);
    Py_TYPE(self)->tp_free(self);
}

/* Call with the bytes of `view`, or with a copy of them; release the view. `back`: the operation
 * receives, and the copy is copied back, ALL of it or as much as the operation RETURNED. */
enum back { NOTHING, RETURNED, ALL };

static PyObject *
call_with_copy(struct calls *self, const Py_buffer *view, ssize_t (*invoke)(void *),
               struct call *call, enum back back)
{
    struct copy copy;
    if (take_copy(self, view->len, &copy) < 0)
        return NULL;
    call->bytes = copy.room + IPCBENCH_HEADROOM;
    if (back != RETURNED)
        memcpy(call->bytes, view->buf, view->len);
    ssize_t found = run(self, invoke, call);
    if (back != NOTHING && found >= 0 && !(self->ops->flags & IPCBENCH_IN_PLACE))
        memcpy(view->buf, call->bytes, back == ALL || found > view->len ? view->len : found);
    return_copy(self, copy);
    return answer(found);
}

static PyObject *
call_with_bytes(struct calls *self, Py_buffer *view, ssize_t (*invoke)(void *), struct call call,
                enum back back)
{
    PyObject *result;
    call.size = view->len;
    if (self->interruptible && view->buf != NULL) {
        call.bytes = view->buf;
        result = answer(run(self, invoke, &call));
    } else {
        result = call_with_copy(self, view, invoke, &call, back);
    }
    PyBuffer_Release(view);
    return result;
}

static PyObject *
call_send(struct calls *self, PyObject *data, send_function send)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    return call_with_bytes(self, &view, invoke_send, (struct call){.operation.send = send},
                           NOTHING);
}

static PyObject *
call_send_to(struct calls *self, PyObject *arguments, send_to_function send_to)
{
    Py_buffer view;
    Py_ssize_t index;
    if (!PyArg_ParseTuple(arguments, "ny*:send_to", &index, &view))
        return NULL;
    return call_with_bytes(self, &view, invoke_send_to,
                           (struct call){.operation.send_to = send_to, .index = index}, NOTHING);
}

static PyObject *
receive(struct calls *self, PyObject *buffer, receive_function function, enum back back)
{
    Py_buffer view;
    if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0)
        return NULL;
    return call_with_bytes(self, &view, invoke_receive,
                           (struct call){.operation.receive = function}, back);
}

static PyObject *
call_receive(struct calls *self, PyObject *buffer, receive_function function)
{
    return receive(self, buffer, function, RETURNED);
}

/* It returns no length, so all bytes are copied: those behind the message must not change. */
static PyObject *
call_receive_from(struct calls *self, PyObject *buffer, receive_function function)
{
    return receive(self, buffer, function, ALL);
}

static PyObject *
call_send_many(struct calls *self, PyObject *arguments, send_many_function function)
{
    Py_buffer view;
    struct call call = {.operation.send_many = function};
    if (!parse_many(arguments, "y*n:send_many", &view, &call.count))
        return NULL;
    return call_with_bytes(self, &view, invoke_send_many, call, NOTHING);
}

/* It returns no length: as in call_receive_from. */
static PyObject *
call_receive_many(struct calls *self, PyObject *arguments, receive_many_function function)
{
    Py_buffer view;
    struct call call = {.operation.receive_many = function};
    if (!parse_many(arguments, "w*n:recv_many", &view, &call.count))
        return NULL;
    return call_with_bytes(self, &view, invoke_receive_many, call, ALL);
}

static PyObject *
call_loan(struct calls *self, PyObject *wanted, loan_function function)
{
    Py_ssize_t size = PyLong_AsSsize_t(wanted);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 0)
        return PyErr_Format(PyExc_ValueError, "a loan of %zd bytes", size);
    if (self->lent != UNLENT)
        return PyErr_Format(PyExc_ValueError,
                            "a loan of %zd bytes: another one is to be committed first", size);
    struct call call = {.operation.loan = function, .size = size};
    self->lent = CHANGING;
    ssize_t found = run(self, invoke_loan, &call);
    self->lent = found < 0 ? UNLENT : size;
    if (found < 0)
        return answer(found);
    return ipcbench_view(self->capsule, call.slot, size, 0);
}

static PyObject *
call_commit(struct calls *self, PyObject *written, commit_function function)
{
    Py_ssize_t size = PyLong_AsSsize_t(written);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 0 || size > self->lent)
        return PyErr_Format(PyExc_ValueError, "a commit of %zd bytes: that many are not lent",
                            size);
    struct call call = {.operation.commit = function, .size = size};
    self->lent = CHANGING;
    ssize_t found = run(self, invoke_commit, &call);
    self->lent = UNLENT;
    return answer(found);
}

static PyObject *
call_peek(struct calls *self, PyObject *Py_UNUSED(argument), peek_function function)
{
    struct call call = {.operation.peek = function};
    ssize_t found = run(self, invoke_peek, &call);
    if (found < 0)
        return answer(found);
    return ipcbench_view(self->capsule, (void *)call.message, found, 1);
}

static PyObject *
call_plain(struct calls *self, PyObject *Py_UNUSED(argument), plain_function function)
{
    struct call call = {.operation.plain = function};
    return answer(run(self, invoke_plain, &call));
}

static PyObject *
call_read_at(struct calls *self, PyObject *arguments, read_at_function function)
{
    Py_buffer view;
    struct call call = {.operation.read_at = function};
    if (!parse_place(arguments, "w*L:read_at", &view, &call.place))
        return NULL;
    return call_with_bytes(self, &view, invoke_read_at, call, RETURNED);
}

static PyObject *
call_write_at(struct calls *self, PyObject *arguments, write_at_function function)
{
    Py_buffer view;
    struct call call = {.operation.write_at = function};
    if (!parse_place(arguments, "y*L:write_at", &view, &call.place))
        return NULL;
    return call_with_bytes(self, &view, invoke_write_at, call, NOTHING);
}

/* The methods: one function for each operation of the list. */
#define LOOP_FUNCTION(field, shape, doc)                                                           \
    static PyObject *method_##field(struct calls *self, PyObject *argument)                        \
    {                                                                                              \
        if (self->ops->field == NULL)                                                              \
            return PyErr_Format(PyExc_TypeError, "this end has no native " #field);                \
        return shape(self, argument, self->ops->field);                                            \
    }
#define FUNCTION(field, shape, attribute, action, doc) LOOP_FUNCTION(field, shape, doc)

IPCBENCH_OPERATIONS(FUNCTION, LOOP_FUNCTION)

static int
add_name(PyObject *names, const char *text)
{
    PyObject *name = PyUnicode_FromString(text);
    int failed = name == NULL ? -1 : PySet_Add(names, name);
    Py_XDECREF(name);
    return failed;
}

static PyObject *
has(struct calls *self, PyObject *Py_UNUSED(argument))
{
    PyObject *names = PyFrozenSet_New(NULL);
#define ADD_LOOP(field, shape, doc)                                                                \
    if (names != NULL && self->ops->field != NULL && add_name(names, #field) < 0)                  \
        Py_CLEAR(names);
#define ADD_CALL(field, shape, attribute, action, doc) ADD_LOOP(field, shape, doc)
    IPCBENCH_OPERATIONS(ADD_CALL, ADD_LOOP)
    return names;
}

static PyObject *
in_place(struct calls *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong((self->ops->flags & IPCBENCH_IN_PLACE) != 0);
}

static PyGetSetDef members[] = {
    {"in_place", (getter)in_place, NULL, "True if `recv` leaves the bytes in their slot.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define LOOP_METHOD(field, shape, doc) {#field, (PyCFunction)method_##field, shape##_METH, doc},
#define METHOD(field, shape, attribute, action, doc)                                               \
    {#field, (PyCFunction)method_##field, shape##_METH, doc},

static PyMethodDef methods[] = {
    IPCBENCH_OPERATIONS(METHOD, LOOP_METHOD)
    {"has", (PyCFunction)has, METH_NOARGS, "The names of the operations that are there."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ipcbench_calls = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "ipcbench.transports.native._native.Calls",
    .tp_doc = "The operations of a capsule as methods, which raise OSError.",
    .tp_basicsize = sizeof(struct calls),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
    .tp_getset = members,
};

PyObject *
ipcbench_operation_names(void)
{
#define FORMAT(field, shape, attribute, action, doc) "(sssN)"
#define NO_LOOP(field, shape, doc)
#define ENTRY(field, shape, attribute, action, doc)                                                \
    , #field, attribute, action, PyBool_FromLong(shape##_IN_PLACE)
    return Py_BuildValue("(" IPCBENCH_OPERATIONS(FORMAT, NO_LOOP) ")"
                         IPCBENCH_OPERATIONS(ENTRY, NO_LOOP));
}
