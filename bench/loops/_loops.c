/* The timed loops in C: twins of those in bench/patterns, over a capsule of operations.
 *
 * All have one signature: a capsule (two in a tuple, of the sending end and of the receiving one,
 * where one process holds both), the message, the buffer to receive into, a count; a further
 * number of those with pauses (their length), with batches (their length), with a delay (its turns)
 * or with messages that are written anew, or accesses to a file (the number of the first one);
 * behind it, of those that send to competing receivers, the number of these; the stamped ones also
 * an array for the stamps around their last round trips, and those of an open loop one for the times
 * of their messages. Their bodies (_loops.h, _batches.h, _fresh.h, _newest.h, _paced.h, _places.h)
 * call the operations and nothing else, without the interpreter's lock. To add
 * a loop: its body, and a line in LOOPS. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>

#include "_batches.h"
#include "_delays.h"
#include "_distance.h"
#include "_fresh.h"
#include "_loops.h"
#include "_newest.h"
#include "_paced.h"
#include "_places.h"
#include "transports/native/child_exit.h"
#include "transports/native/open_capsule.h"

/* Say if the bytes are aligned as ops.h requires, with a headroom that is the same object's. */
static int
is_aligned(PyObject *view)
{
    if (!PyMemoryView_Check(view) || PyMemoryView_GET_BASE(view) == NULL)
        return 0;
    Py_buffer whole;
    if (PyObject_GetBuffer(PyMemoryView_GET_BASE(view), &whole, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        return 0;
    }
    const char *bytes = PyMemoryView_GET_BUFFER(view)->buf, *start = whole.buf;
    int aligned = (uintptr_t)bytes % ALIGNMENT == 0 && bytes - start >= IPCBENCH_HEADROOM &&
               bytes <= start + whole.len;
    PyBuffer_Release(&whole);
    return aligned;
}

/* Operations that a loop calls. */
enum needs {
    SENDS = 1,
    RECEIVES = 2,
    SERVES = 4,
    SIGNALS = 8,
    GUARDS = 16,
    STAMPS = 32,
    PAUSES = 64,
    SENDS_MANY = 128,
    RECEIVES_MANY = 256,
    BATCHES = SENDS_MANY | RECEIVES_MANY,
    NUMBERS = 512, /* takes the number of the first message */
    POOL = 1024,   /* its message is a pool: bench/loops/payloads/pool.py */
    LENDS = 2048,
    BOTH_ENDS = 4096, /* sends over the first capsule, receives over the second one */
    DELAYS = 8192, /* takes the turns of a delay */
    ACCESSES = 16384, /* reads and writes places of a file */
    TIMES = 32768, /* takes the times of its messages: _paced.h */
    PUBLISHES = 65536,
    READS = 131072,
    NEWEST = PUBLISHES | READS, /* both write to their message: see _newest.h */
    MARKS = 262144, /* its last messages carry the end mark: takes their number */
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
    if (needs & LENDS && (ops->loan == NULL || ops->commit == NULL))
        return "loan or commit";
    if (needs & GUARDS && (ops->acquire == NULL || ops->leave == NULL))
        return "acquire or leave";
    if (needs & ACCESSES && (ops->read_at == NULL || ops->write_at == NULL || ops->extent == NULL))
        return "read_at, write_at or extent";
    if (needs & SENDS_MANY && ops->send_many == NULL)
        return "send_many";
    if (needs & RECEIVES_MANY && ops->recv_many == NULL)
        return "recv_many";
    if (needs & PUBLISHES && ops->publish == NULL)
        return "publish";
    if (needs & READS && (ops->read == NULL || ops->torn == NULL))
        return "read or torn";
    return NULL;
}

static const char *
lacks_of_both(const struct block *block)
{
    const char *missing = lacks(block->ops, SENDS);
    return missing != NULL ? missing : lacks(block->receiving, RECEIVES);
}

/* Open the capsule of an end, or those of both: 0, or -1 with an error set. */
static int
open_ends(PyObject *capsule, int needs, struct ipcbench_ops *ops, struct ipcbench_ops *receiving)
{
    if (!(needs & BOTH_ENDS))
        return ipcbench_open(capsule, ops);
    if (!PyTuple_Check(capsule) || PyTuple_GET_SIZE(capsule) != 2) {
        PyErr_SetString(PyExc_TypeError, "not the capsules of two ends");
        return -1;
    }
    if (ipcbench_open(PyTuple_GET_ITEM(capsule, 0), ops) < 0)
        return -1;
    return ipcbench_open(PyTuple_GET_ITEM(capsule, 1), receiving);
}

static int
fit(const struct block *block, int needs, PyObject *message, PyObject *buffer, Py_ssize_t stamps)
{
    const char *missing = needs & BOTH_ENDS ? lacks_of_both(block) : lacks(block->ops, needs);
    if (missing != NULL) {
        PyErr_Format(PyExc_TypeError, "this end has no native %s", missing);
        return 0;
    }
    if (block->pause < 0 || block->pause > LONGEST_PAUSE) {
        PyErr_SetString(PyExc_ValueError, "a pause of less than 0, or of over a minute");
        return 0;
    }
    if (block->count < 0 || (needs & STAMPS && (stamps < 8 || stamps / 8 - 1 > block->count))) {
        PyErr_SetString(PyExc_ValueError, "a count of less than 0, no stamps, or more than loops");
        return 0;
    }
    const long long columns = needs & SENDS ? 3 : 1; /* of times; a sender's begin with the start */
    if (needs & TIMES && (stamps / 8 - (needs & SENDS ? 1 : 0)) != columns * block->count) {
        PyErr_SetString(PyExc_ValueError, "not the times of so many messages");
        return 0;
    }
    if (needs & GUARDS && (block->size != 8 || (uintptr_t)block->buffer % 8)) {
        PyErr_SetString(PyExc_ValueError, "the variable has 8 bytes, aligned to as many");
        return 0;
    }
    if (needs & BATCHES && (block->batch < 1 || block->batch > LARGEST_BATCH)) {
        PyErr_SetString(PyExc_ValueError, "a batch has 1 to 1024 messages");
        return 0;
    }
    if (block->marks < 0 || block->marks > block->count) {
        PyErr_SetString(PyExc_ValueError, "less than 0 messages with the end mark, or more than all");
        return 0;
    }
    if (needs & MARKS && !(needs & POOL) && (block->buffer != block->message || block->size == 0)) {
        PyErr_SetString(PyExc_ValueError, "the buffer of a message with an end mark is the message");
        return 0;
    }
    if (!are_turns(block->turns))
        return 0;
    if (block->number < 0) {
        PyErr_SetString(PyExc_ValueError, "the number of a message is less than 0");
        return 0;
    }
    size_t value = needs & PUBLISHES ? block->message_size : block->size;
    size_t rows = needs & PUBLISHES ? block->size : block->message_size;
    if (needs & NEWEST && (value < LEAST_VALUE || rows % sizeof(struct row) || rows == 0)) {
        PyErr_SetString(PyExc_ValueError, "a value has 24 bytes or more, a row of the board 64");
        return 0;
    }
    if (needs & (SENDS | RECEIVES | SERVES | BATCHES | POOL | ACCESSES | NEWEST) &&
        !(is_aligned(message) && is_aligned(buffer))) {
        PyErr_SetString(PyExc_ValueError, "message and buffer need their headroom: see aligned_buffer()");
        return 0;
    }
    return 1;
}

/* Take the rows of a pool, each as long as the buffer, and the next one's headroom behind it. */
static int
take_pool(struct block *block, const Py_buffer *pool)
{
    if (pool->ndim != 2 || pool->shape[0] < 1 || pool->shape[1] % ALIGNMENT ||
        (size_t)pool->shape[1] < block->size + IPCBENCH_HEADROOM) {
        PyErr_SetString(PyExc_ValueError, "not a pool of buffers: see ipcbench.bench.loops.payloads.pool");
        return 0;
    }
    block->pool = pool->buf;
    block->rows = pool->shape[0];
    block->row = pool->shape[1];
    return 1;
}

struct call {
    loop body;
    struct block *block;
};

static ssize_t
run_body(void *call)
{
    struct call *self = call;
    return self->body(self->block);
}

static PyObject *
run_timed(struct block *block, loop body)
{
    struct call call = {body, block};
    ssize_t failed = ipcbench_call(run_body, &call);
    if (failed == IPCBENCH_RAISED)
        return NULL;
    if (failed < 0) {
        errno = (int)-failed;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return Py_BuildValue("(ddL)", seconds(&block->start), seconds(&block->end), block->handled);
}

static PyObject *
run(loop body, int needs, PyObject *arguments)
{
    PyObject *capsule, *message, *buffer, *result = NULL;
    Py_buffer sent, received, stamps = {0};
    struct ipcbench_ops ops, receiving;
    struct block block = {.ops = &ops, .receiving = &receiving};
    long long further = 0;
    int parsed =
        needs & NUMBERS && needs & MARKS
            ? PyArg_ParseTuple(arguments, "OOOLLL", &capsule, &message, &buffer, &block.count,
                               &further, &block.marks)
        : needs & (PAUSES | BATCHES | NUMBERS | DELAYS | MARKS)
            ? PyArg_ParseTuple(arguments, needs & STAMPS ? "OOOLLw*" : "OOOLL", &capsule, &message,
                               &buffer, &block.count, &further, &stamps)
            : PyArg_ParseTuple(arguments, needs & (STAMPS | TIMES) ? "OOOLw*" : "OOOL", &capsule,
                               &message,
                               &buffer, &block.count, &stamps);
    if (!parsed)
        return NULL;
    *(needs & BATCHES   ? &block.batch
      : needs & NUMBERS ? &block.number
      : needs & DELAYS  ? &block.turns
      : needs & MARKS   ? &block.marks
                        : &block.pause) = further;
    if (open_ends(capsule, needs, &ops, &receiving) < 0)
        goto release_stamps;
    int access = needs & POOL ? PyBUF_WRITABLE | PyBUF_ND : needs & NEWEST ? PyBUF_WRITABLE : PyBUF_SIMPLE;
    if (PyObject_GetBuffer(message, &sent, access) < 0)
        goto release_stamps;
    if (PyObject_GetBuffer(buffer, &received, PyBUF_WRITABLE) < 0)
        goto release_sent;
    block.message = sent.buf;
    block.message_size = sent.len;
    block.buffer = received.buf;
    block.size = received.len;
    block.stamps = stamps.buf;
    block.stamped = stamps.len / 8 - 1;
    block.rows = 1; /* of what is no pool */
    if (fit(&block, needs, message, buffer, stamps.len) &&
        (!(needs & POOL) || take_pool(&block, &sent)))
        result = run_timed(&block, body);
    PyBuffer_Release(&received);
release_sent:
    PyBuffer_Release(&sent);
release_stamps:
    if (stamps.obj != NULL)
        PyBuffer_Release(&stamps);
    return result;
}

#define LOOPS(LOOP)                                                                                \
    LOOP(ping, SENDS | RECEIVES)                                                                   \
    LOOP(pong, SENDS | RECEIVES)                                                                   \
    LOOP(send_and_receive, SENDS | RECEIVES | BOTH_ENDS)                                           \
    LOOP(slowed_ping, SENDS | RECEIVES | DELAYS)                                                   \
    LOOP(stream_sender, SENDS | RECEIVES)                                                          \
    LOOP(stream_receiver, SENDS | RECEIVES)                                                        \
    LOOP(fan_in_sender, SENDS)                                                                     \
    LOOP(fan_in_receiver, RECEIVES)                                                                \
    LOOP(fan_out_sender, SENDS | MARKS)                                                            \
    LOOP(fan_out_receiver, RECEIVES)                                                               \
    LOOP(serve, SERVES)                                                                            \
    LOOP(signal_initiator, SIGNALS)                                                                \
    LOOP(signal_responder, SIGNALS)                                                                \
    LOOP(count_up, GUARDS)                                                                         \
    LOOP(newest_publisher, PUBLISHES)                                                              \
    LOOP(newest_reader, READS)                                                                     \
    LOOP(batched_stream_sender, SENDS_MANY | RECEIVES)                                             \
    LOOP(batched_stream_receiver, SENDS | RECEIVES_MANY)                                           \
    LOOP(batched_fan_in_sender, SENDS_MANY)                                                        \
    LOOP(batched_fan_in_receiver, RECEIVES_MANY)                                                   \
    LOOP(fresh_ping, SENDS | RECEIVES | NUMBERS | POOL)                                            \
    LOOP(fresh_pong, SENDS | RECEIVES | NUMBERS | POOL)                                            \
    LOOP(fresh_stream_sender, SENDS | RECEIVES | NUMBERS | POOL)                                   \
    LOOP(fresh_stream_receiver, SENDS | RECEIVES)                                                  \
    LOOP(fresh_ping_in_place, RECEIVES | LENDS | NUMBERS)                                          \
    LOOP(fresh_pong_in_place, RECEIVES | LENDS | NUMBERS)                                          \
    LOOP(fresh_stream_sender_in_place, RECEIVES | LENDS | NUMBERS)                                 \
    LOOP(fresh_fan_in_sender, SENDS | NUMBERS | POOL)                                              \
    LOOP(fresh_fan_in_receiver, RECEIVES)                                                          \
    LOOP(fresh_fan_in_sender_in_place, LENDS | NUMBERS)                                            \
    LOOP(fresh_fan_out_sender, SENDS | NUMBERS | POOL | MARKS)                                     \
    LOOP(fresh_fan_out_receiver, RECEIVES)                                                         \
    LOOP(fresh_serve, SERVES | NUMBERS | POOL)                                                     \
    LOOP(fill, NUMBERS | POOL)                                                                     \
    LOOP(scan, NUMBERS | POOL)                                                                     \
    LOOP(paced_sender, SENDS | TIMES)                                                              \
    LOOP(paced_receiver, RECEIVES | TIMES)                                                         \
    LOOP(paused_ping, SENDS | RECEIVES | PAUSES)                                                   \
    LOOP(read_in_order, ACCESSES | NUMBERS)                                                        \
    LOOP(read_at_random, ACCESSES | NUMBERS)                                                       \
    LOOP(write_in_order, ACCESSES | NUMBERS)                                                       \
    LOOP(write_at_random, ACCESSES | NUMBERS)                                                      \
    LOOP(stamped_ping, SENDS | RECEIVES | STAMPS)                                                  \
    LOOP(stamped_paused_ping, SENDS | RECEIVES | PAUSES | STAMPS)                                  \
    LOOP(stamped_fresh_ping, SENDS | RECEIVES | STAMPS | NUMBERS | POOL)                           \
    LOOP(stamped_fresh_ping_in_place, RECEIVES | LENDS | STAMPS | NUMBERS)                         \
    LOOP(stamped_fan_in_sender, SENDS | STAMPS)                                                    \
    LOOP(stamped_fresh_fan_in_sender, SENDS | STAMPS | NUMBERS | POOL)                             \
    LOOP(stamped_fresh_fan_in_sender_in_place, LENDS | STAMPS | NUMBERS)                           \
    LOOP(stamped_newest_reader, READS | STAMPS)                                                    \
    LOOP(stamped_signal_initiator, SIGNALS | STAMPS)

#define FUNCTION(name, needs)                                                                      \
    static PyObject *py_##name(PyObject *Py_UNUSED(module), PyObject *arguments)                   \
    {                                                                                              \
        return run(name, needs, arguments);                                                        \
    }

LOOPS(FUNCTION)

/* Measure a delay: the mean of `count`, in seconds. */
static PyObject *
py_delay(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long long turns, count;
    if (!PyArg_ParseTuple(arguments, "LL", &turns, &count))
        return NULL;
    if (turns < 0 || turns > MOST_TURNS || count < 1)
        return PyErr_Format(PyExc_ValueError, "a delay has 0 to 2^40 turns, a trial 1 delay or more");
    struct timespec start, end;
    read_clock(&start);
    for (long long i = 0; i < count; i++)
        spend(turns);
    read_clock(&end);
    return PyFloat_FromDouble((seconds(&end) - seconds(&start)) / (double)count);
}

/* Measure a reading of the clock: the mean of `count`, in seconds. */
static PyObject *
py_reading(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long long count;
    if (!PyArg_ParseTuple(arguments, "L", &count))
        return NULL;
    if (count < 1 || count > MOST_READINGS)
        return PyErr_Format(PyExc_ValueError, "1 to 1000000 readings of the clock");
    return PyFloat_FromDouble(resolution(count));
}

#define METHOD(name, needs) {#name, py_##name, METH_VARARGS, NULL},

static PyMethodDef methods[] = {
    LOOPS(METHOD)
    {"delay", py_delay, METH_VARARGS, NULL},
    {"delayed", py_delayed, METH_VARARGS, NULL},
    {"slow_call", py_slow_call, METH_VARARGS, NULL},
    {"reading", py_reading, METH_VARARGS, NULL},
    {"distance", py_distance, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, ready_slow_calls},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ipcbench.bench.loops._loops",
    .m_doc = "The timed loops in C: each has a twin of its name in bench/patterns.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__loops(void)
{
    return PyModuleDef_Init(&definition);
}
