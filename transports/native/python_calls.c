/* `Calls`: the operations of a capsule, called one by one from Python. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capsule.h"
#include "child_exit.h"
#include "open_capsule.h"

struct calls {
    PyObject_HEAD
    PyObject *capsule;
    struct ipcbench_ops opened, *ops; /* the one points to the other */
    char *room; /* a copy of what is sent or received, behind its headroom */
    size_t size;
    Py_ssize_t lent; /* bytes of the slot that is to be committed, or -1 */
    /* Its operations come up for handlers by themselves (futex.h). They are those of rings over
     * words, which want no headroom: they get the caller's own bytes. */
    int restless;
};

/* An operation and what it is called with. */
struct asked {
    struct ipcbench_ops *ops;
    char *room;
    size_t size, index;
    void *slot;
    const void *seen;
    ssize_t (*receive)(void *ctx, void *buffer, size_t size);
    ssize_t (*plain)(void *ctx);
};

static ssize_t
sends(void *asked)
{
    struct asked *it = asked;
    return it->ops->send(it->ops->ctx, it->room, it->size);
}

static ssize_t
sends_to(void *asked)
{
    struct asked *it = asked;
    return it->ops->send_to(it->ops->ctx, it->index, it->room, it->size);
}

static ssize_t
receives(void *asked)
{
    struct asked *it = asked;
    return it->receive(it->ops->ctx, it->room, it->size);
}

static ssize_t
loans(void *asked)
{
    struct asked *it = asked;
    return it->ops->loan(it->ops->ctx, &it->slot, it->size);
}

static ssize_t
commits(void *asked)
{
    struct asked *it = asked;
    return it->ops->commit(it->ops->ctx, it->size);
}

static ssize_t
peeks(void *asked)
{
    struct asked *it = asked;
    return it->ops->peek(it->ops->ctx, &it->seen);
}

static ssize_t
plainly(void *asked)
{
    struct asked *it = asked;
    return it->plain(it->ops->ctx);
}

static ssize_t
called(struct calls *self, ssize_t (*operation)(void *), struct asked *asked)
{
    ssize_t found;
    asked->ops = self->ops;
    if (!self->restless)
        return ipcbench_called(operation, asked);
    Py_BEGIN_ALLOW_THREADS
    found = operation(asked);
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

static PyObject *
absent(const char *what)
{
    return PyErr_Format(PyExc_TypeError, "this end has no native %s", what);
}

/* Room for `size` bytes behind the headroom; NULL with an error set. */
static char *
room_for(struct calls *self, size_t size)
{
    if (self->room == NULL || self->size < size) {
        size_t whole = IPCBENCH_HEADROOM + (size + 63) / 64 * 64 + 64;
        char *room = aligned_alloc(64, whole);
        if (room == NULL)
            return (char *)PyErr_NoMemory();
        memset(room, 0, whole); /* not every operation writes what it says: null.c */
        free(self->room);
        self->room = room;
        self->size = size;
    }
    return self->room + IPCBENCH_HEADROOM;
}

/* The caller's bytes as an operation wants them; NULL with an error set. */
static char *
placed(struct calls *self, const Py_buffer *view)
{
    if (self->restless && view->buf != NULL)
        return view->buf;
    char *room = room_for(self, view->len);
    if (room != NULL)
        memcpy(room, view->buf, view->len);
    return room;
}

static PyObject *
make(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    PyObject *capsule;
    int restless = 0;
    static char *known[] = {"capsule", "restless", NULL};
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "O|p:Calls", known, &capsule, &restless))
        return NULL;
    struct ipcbench_ops opened;
    if (ipcbench_open(capsule, &opened) < 0)
        return NULL;
    struct calls *self = (struct calls *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->capsule = Py_NewRef(capsule);
        self->opened = opened;
        self->ops = &self->opened;
        self->lent = -1;
        self->restless = restless;
    }
    return (PyObject *)self;
}

static void
dealloc(struct calls *self)
{
    free(self->room);
    Py_XDECREF(self->capsule);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
send_it(struct calls *self, PyObject *data)
{
    Py_buffer view;
    if (self->ops->send == NULL)
        return absent("send");
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    char *room = placed(self, &view);
    ssize_t found = 0;
    if (room != NULL) {
        struct asked asked = {.room = room, .size = view.len};
        found = called(self, sends, &asked);
    }
    PyBuffer_Release(&view);
    return room == NULL ? NULL : answer(found);
}

static PyObject *
send_to(struct calls *self, PyObject *arguments)
{
    Py_buffer view;
    Py_ssize_t index;
    if (self->ops->send_to == NULL)
        return absent("send_to");
    if (!PyArg_ParseTuple(arguments, "ny*:send_to", &index, &view))
        return NULL;
    char *room = placed(self, &view);
    ssize_t found = 0;
    if (room != NULL) {
        struct asked asked = {.room = room, .size = view.len, .index = index};
        found = called(self, sends_to, &asked);
    }
    PyBuffer_Release(&view);
    return room == NULL ? NULL : answer(found);
}

/* What has come, from where it was received to where it was wanted. */
static void
brought(const struct calls *self, const Py_buffer *view, const char *room, ssize_t length)
{
    if (room == view->buf || length < 0 || self->ops->flags & IPCBENCH_IN_PLACE)
        return;
    memcpy(view->buf, room, length < view->len ? length : view->len);
}

static PyObject *
recv_into(struct calls *self, PyObject *buffer)
{
    Py_buffer view;
    if (self->ops->recv == NULL)
        return absent("recv");
    if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0)
        return NULL;
    int direct = self->restless && view.buf != NULL;
    char *room = direct ? view.buf : room_for(self, view.len);
    ssize_t found = 0;
    if (room != NULL) {
        struct asked asked = {.room = room, .size = view.len, .receive = self->ops->recv};
        found = called(self, receives, &asked);
        brought(self, &view, room, found);
    }
    PyBuffer_Release(&view);
    return room == NULL ? NULL : answer(found);
}

/* How long the message is it does not tell: what lies behind it has to be what was there. */
static PyObject *
recv_from(struct calls *self, PyObject *buffer)
{
    Py_buffer view;
    if (self->ops->recv_from == NULL)
        return absent("recv_from");
    if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0)
        return NULL;
    char *room = placed(self, &view);
    ssize_t found = 0;
    if (room != NULL) {
        struct asked asked = {.room = room, .size = view.len, .receive = self->ops->recv_from};
        found = called(self, receives, &asked);
        brought(self, &view, room, found < 0 ? found : view.len);
    }
    PyBuffer_Release(&view);
    return room == NULL ? NULL : answer(found);
}

static PyObject *
loan(struct calls *self, PyObject *wanted)
{
    if (self->ops->loan == NULL)
        return absent("loan");
    Py_ssize_t size = PyLong_AsSsize_t(wanted);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 0)
        return PyErr_Format(PyExc_ValueError, "a loan of %zd bytes", size);
    if (self->lent >= 0)
        return PyErr_Format(PyExc_ValueError,
                            "a loan of %zd bytes: another one is to be committed first", size);
    struct asked asked = {.size = size};
    ssize_t found = called(self, loans, &asked);
    if (found < 0)
        return answer(found);
    self->lent = size;
    return ipcbench_view(self->capsule, asked.slot, size, 0);
}

static PyObject *
commit(struct calls *self, PyObject *written)
{
    if (self->ops->commit == NULL)
        return absent("commit");
    Py_ssize_t size = PyLong_AsSsize_t(written);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 0 || size > self->lent)
        return PyErr_Format(PyExc_ValueError, "a commit of %zd bytes: that many are not lent",
                            size);
    struct asked asked = {.size = size};
    self->lent = -1;
    return answer(called(self, commits, &asked));
}

static PyObject *
peek(struct calls *self, PyObject *Py_UNUSED(nothing))
{
    struct asked asked = {0};
    if (self->ops->peek == NULL)
        return absent("peek");
    ssize_t found = called(self, peeks, &asked);
    if (found < 0)
        return answer(found);
    return ipcbench_view(self->capsule, (void *)asked.seen, found, 1);
}

/* The operations without arguments are all called alike. */
#define PLAIN(name)                                                                                \
    static PyObject *plain_##name(struct calls *self, PyObject *Py_UNUSED(nothing))                \
    {                                                                                              \
        struct asked asked = {.plain = self->ops->name};                                           \
        if (self->ops->name == NULL)                                                               \
            return absent(#name);                                                                  \
        return answer(called(self, plainly, &asked));                                              \
    }

PLAIN(release)
PLAIN(notify)
PLAIN(wait)
PLAIN(acquire)
PLAIN(leave)

static PyObject *
has(struct calls *self, PyObject *Py_UNUSED(nothing))
{
    const struct {
        const char *name;
        int there;
    } all[] = {
        {"send", self->ops->send != NULL},         {"recv", self->ops->recv != NULL},
        {"recv_from", self->ops->recv_from != NULL}, {"send_to", self->ops->send_to != NULL},
        {"send_many", self->ops->send_many != NULL}, {"recv_many", self->ops->recv_many != NULL},
        {"loan", self->ops->loan != NULL},         {"commit", self->ops->commit != NULL},
        {"peek", self->ops->peek != NULL},         {"release", self->ops->release != NULL},
        {"notify", self->ops->notify != NULL},     {"wait", self->ops->wait != NULL},
        {"acquire", self->ops->acquire != NULL},   {"leave", self->ops->leave != NULL},
    };
    PyObject *names = PyFrozenSet_New(NULL);
    for (size_t i = 0; names != NULL && i < sizeof all / sizeof *all; i++) {
        if (!all[i].there)
            continue;
        PyObject *name = PyUnicode_FromString(all[i].name);
        if (name == NULL || PySet_Add(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *
in_place(struct calls *self, void *Py_UNUSED(nothing))
{
    return PyBool_FromLong((self->ops->flags & IPCBENCH_IN_PLACE) != 0);
}

static PyGetSetDef members[] = {
    {"in_place", (getter)in_place, NULL, "Whether `recv` leaves the bytes where they lie.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"send", (PyCFunction)send_it, METH_O, "Send one whole message."},
    {"send_to", (PyCFunction)send_to, METH_VARARGS, "Answer one client: its index, the bytes."},
    {"recv_into", (PyCFunction)recv_into, METH_O, "Receive one whole message; bytes received."},
    {"recv_from", (PyCFunction)recv_from, METH_O, "Receive of whichever client; its index."},
    {"loan", (PyCFunction)loan, METH_O, "Wait for a free slot; so many of its bytes."},
    {"commit", (PyCFunction)commit, METH_O, "Send so many of the bytes that were lent."},
    {"peek", (PyCFunction)peek, METH_NOARGS, "Wait for a message; its bytes, where they lie."},
    {"release", (PyCFunction)plain_release, METH_NOARGS, "Give the slot back."},
    {"notify", (PyCFunction)plain_notify, METH_NOARGS, "Add one."},
    {"wait", (PyCFunction)plain_wait, METH_NOARGS, "Take one."},
    {"acquire", (PyCFunction)plain_acquire, METH_NOARGS, "Enter."},
    {"leave", (PyCFunction)plain_leave, METH_NOARGS, "Leave."},
    {"has", (PyCFunction)has, METH_NOARGS, "The names of the operations that there are."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ipcbench_calls = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "ipcbench.transports._native.Calls",
    .tp_doc = "The operations of a capsule; OSError for what they refuse.",
    .tp_basicsize = sizeof(struct calls),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
    .tp_getset = members,
};
