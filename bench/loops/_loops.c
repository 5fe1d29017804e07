/* The timed loops, compiled: twins of bench/patterns/python_loops.py over a capsule of operations.
 *
 * All have one signature: a capsule, the message, the buffer to receive into, how many times;
 * the stamped ones also an array for their stamps. Inside (_loops.h) stand the operations and
 * nothing else, and the interpreter's lock is free. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>

#include "_loops.h"
#include "transports/native/child_exit.h"
#include "transports/native/open_capsule.h"

/* Whether the bytes lie as ops.h says, behind a headroom that is the same object's. */
static int
lies_well(PyObject *view)
{
    if (!PyMemoryView_Check(view) || PyMemoryView_GET_BASE(view) == NULL)
        return 0;
    Py_buffer whole;
    if (PyObject_GetBuffer(PyMemoryView_GET_BASE(view), &whole, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        return 0;
    }
    const char *bytes = PyMemoryView_GET_BUFFER(view)->buf, *start = whole.buf;
    int well = (uintptr_t)bytes % ALIGNMENT == 0 && bytes - start >= IPCBENCH_HEADROOM &&
               bytes <= start + whole.len;
    PyBuffer_Release(&whole);
    return well;
}

/* What a loop calls. */
enum needs {
    SENDS = 1,
    RECEIVES = 2,
    SERVES = 4,
    SIGNALS = 8,
    GUARDS = 16,
    STAMPS = 32,
};

static const char *
lacks(const struct ipcbench_ops *ops, int needs)
{
    if (needs & SENDS && ops->send == NULL)
        return "send";
    if (needs & RECEIVES && ops->recv == NULL)
        return "recv";
    if (needs & SERVES && (ops->recv_from == NULL || ops->send_to == NULL))
        return "recv_from or send_to";
    if (needs & SIGNALS && (ops->notify == NULL || ops->wait == NULL))
        return "notify or wait";
    if (needs & GUARDS && (ops->acquire == NULL || ops->leave == NULL))
        return "acquire or leave";
    return NULL;
}

static int
fit(const struct play *play, int needs, PyObject *message, PyObject *buffer, Py_ssize_t stamps)
{
    const char *missing = lacks(play->ops, needs);
    if (missing != NULL) {
        PyErr_Format(PyExc_TypeError, "this end has no native %s", missing);
        return 0;
    }
    if (play->count < 0 || (needs & STAMPS && stamps / 8 <= play->count)) {
        PyErr_SetString(PyExc_ValueError, "a count of less than 0, or too few stamps for it");
        return 0;
    }
    if (needs & GUARDS && (play->size != 8 || (uintptr_t)play->buffer % 8)) {
        PyErr_SetString(PyExc_ValueError, "the variable has 8 bytes, aligned to as many");
        return 0;
    }
    if (needs & (SENDS | RECEIVES | SERVES) && !(lies_well(message) && lies_well(buffer))) {
        PyErr_SetString(PyExc_ValueError, "message and buffer need their headroom: see room()");
        return 0;
    }
    return 1;
}

static double
seconds(const struct timespec *at)
{
    return (double)at->tv_sec + 1e-9 * (double)at->tv_nsec;
}

struct timed {
    loop body;
    struct play *play;
};

static ssize_t
played(void *timed)
{
    struct timed *self = timed;
    return self->body(self->play);
}

static PyObject *
timed(struct play *play, loop body)
{
    struct timed timed = {body, play};
    ssize_t failed = ipcbench_called(played, &timed);
    if (failed == IPCBENCH_RAISED)
        return NULL;
    if (failed < 0) {
        errno = (int)-failed;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return Py_BuildValue("(ddL)", seconds(&play->start), seconds(&play->end), play->handled);
}

static PyObject *
run(loop body, int needs, PyObject *arguments)
{
    PyObject *capsule, *message, *buffer, *result = NULL;
    Py_buffer sent, received, stamps = {0};
    struct ipcbench_ops ops;
    struct play play = {.ops = &ops};
    if (!PyArg_ParseTuple(arguments, needs & STAMPS ? "OOOLw*" : "OOOL", &capsule, &message,
                          &buffer, &play.count, &stamps))
        return NULL;
    if (ipcbench_open(capsule, &ops) < 0)
        goto release_stamps;
    if (PyObject_GetBuffer(message, &sent, PyBUF_SIMPLE) < 0)
        goto release_stamps;
    if (PyObject_GetBuffer(buffer, &received, PyBUF_WRITABLE) < 0)
        goto release_sent;
    play.message = sent.buf;
    play.message_size = sent.len;
    play.buffer = received.buf;
    play.size = received.len;
    play.stamps = stamps.buf;
    if (fit(&play, needs, message, buffer, stamps.len))
        result = timed(&play, body);
    PyBuffer_Release(&received);
release_sent:
    PyBuffer_Release(&sent);
release_stamps:
    if (stamps.obj != NULL)
        PyBuffer_Release(&stamps);
    return result;
}

#define LOOP(name, needs)                                                                          \
    static PyObject *py_##name(PyObject *Py_UNUSED(module), PyObject *arguments)                   \
    {                                                                                              \
        return run(name, needs, arguments);                                                        \
    }

LOOP(ping, SENDS | RECEIVES)
LOOP(pong, SENDS | RECEIVES)
LOOP(pour, SENDS | RECEIVES)
LOOP(drain, SENDS | RECEIVES)
LOOP(emit, SENDS)
LOOP(absorb, RECEIVES)
LOOP(compete, RECEIVES)
LOOP(serve, SERVES)
LOOP(nudge, SIGNALS)
LOOP(answer, SIGNALS)
LOOP(count_up, GUARDS)
LOOP(stamped_ping, SENDS | RECEIVES | STAMPS)
LOOP(stamped_nudge, SIGNALS | STAMPS)

#define METHOD(name)                                                                               \
    {                                                                                              \
        #name, py_##name, METH_VARARGS, NULL                                                       \
    }

static PyMethodDef methods[] = {
    METHOD(ping),         METHOD(pong),          METHOD(pour),   METHOD(drain), METHOD(emit),
    METHOD(absorb),       METHOD(compete),       METHOD(serve),  METHOD(nudge), METHOD(answer),
    METHOD(count_up),     METHOD(stamped_ping),  METHOD(stamped_nudge),
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ipcbench.bench.loops._loops",
    .m_doc = "The timed loops, compiled: each has a twin of its name in bench/patterns/python_loops.py.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__loops(void)
{
    return PyModuleDef_Init(&definition);
}
