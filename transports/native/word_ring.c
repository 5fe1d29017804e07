/* Rings over words in memory, as operations: see word_ring.h. */
#include "ring_seat.h"
#include "word_ring.h"

struct word_seat {
    struct seat seat;
    uint32_t *item; /* the bell of all lanes that lead here */
    struct patience how;
};

static struct word_lane *
lane_of(struct word_seat *self, size_t number)
{
    return (struct word_lane *)self->seat.lanes + number;
}

static struct word_lane *
out_of(struct word_seat *self)
{
    return lane_of(self, self->seat.into);
}

/* One lane each way. */

static ssize_t
words_send(void *ctx, const void *data, size_t size)
{
    struct word_seat *self = ctx;
    return ipcbench_word_send(out_of(self), &self->how, data, size);
}

static ssize_t
words_send_many(void *ctx, const void *data, size_t size, size_t count)
{
    struct word_seat *self = ctx;
    return ipcbench_word_send_many(out_of(self), &self->how, data, size, count);
}

static ssize_t
words_loan(void *ctx, void **slot, size_t size)
{
    struct word_seat *self = ctx;
    struct word_lane *lane = out_of(self);
    if (size > lane->size)
        return -EMSGSIZE;
    *slot = lane->slot + lane->offset;
    return ipcbench_loan(lane, &self->how);
}

static ssize_t
words_commit(void *ctx, size_t size)
{
    struct word_seat *self = ctx;
    struct word_lane *lane = out_of(self);
    if (size > lane->size)
        return -EMSGSIZE;
    ipcbench_publish(lane, size);
    if (self->how.sleeps)
        ipcbench_ring(lane->item);
    return 0;
}

static ssize_t
words_recv(void *ctx, void *buffer, size_t size)
{
    struct word_seat *self = ctx;
    return ipcbench_word_recv(lane_of(self, 0), &self->how, buffer, size);
}

static ssize_t
words_recv_many(void *ctx, void *buffer, size_t size, size_t count)
{
    struct word_seat *self = ctx;
    return ipcbench_word_recv_many(lane_of(self, 0), &self->how, buffer, size, count);
}

static inline ssize_t
words_release(void *ctx)
{
    struct word_seat *self = ctx;
    ipcbench_step(lane_of(self, 0));
    ipcbench_free(lane_of(self, 0), &self->how);
    return 0;
}

static ssize_t
words_peek(void *ctx, const void **slot)
{
    struct word_seat *self = ctx;
    struct word_lane *lane = lane_of(self, 0);
    ssize_t found = ipcbench_await(&self->how, self->item, ipcbench_has_item, lane);
    if (found < 0)
        return found;
    *slot = lane->slot + lane->offset;
    size_t length = ipcbench_length(lane);
    if (length <= lane->size)
        return (ssize_t)length;
    words_release(ctx);
    return -EMSGSIZE;
}

static ssize_t
words_read(void *ctx, void *Py_UNUSED(buffer), size_t size)
{
    return ipcbench_read(ctx, size, words_peek, words_release);
}

/* Several lanes, each in its turn. */

/* Whether any lane has a message: `turn` is that lane then. */
static int
any_has_item(void *what)
{
    struct word_seat *self = what;
    for (size_t looked = 0; looked < self->seat.into; looked++) {
        if (ipcbench_has_item(lane_of(self, self->seat.turn)))
            return 1;
        ipcbench_next_turn(&self->seat);
    }
    return 0;
}

/* Receive of whichever has a message: its length, or an error; `*index` is whose it was. */
static ssize_t
collect(struct word_seat *self, void *buffer, size_t size, ssize_t *index)
{
    ssize_t found = ipcbench_await(&self->how, self->item, any_has_item, self);
    if (found < 0)
        return found;
    *index = self->seat.turn;
    struct word_lane *lane = lane_of(self, self->seat.turn);
    found = ipcbench_take(lane, buffer, size);
    ipcbench_free(lane, &self->how);
    ipcbench_next_turn(&self->seat);
    return found;
}

static ssize_t
words_collect(void *ctx, void *buffer, size_t size)
{
    ssize_t index;
    return collect(ctx, buffer, size, &index);
}

static ssize_t
words_recv_from(void *ctx, void *buffer, size_t size)
{
    ssize_t index = 0;
    ssize_t found = collect(ctx, buffer, size, &index);
    return found < 0 ? found : index;
}

static ssize_t
words_send_to(void *ctx, size_t index, const void *data, size_t size)
{
    struct word_seat *self = ctx;
    if (index >= self->seat.out)
        return -EINVAL;
    return ipcbench_word_send(out_of(self) + index, &self->how, data, size);
}

/* From Python. */

/* A lane of Python's: (start, the bell of who receives). */
static int
cut(void *made, const struct seat *seat, const struct plan *plan, PyObject *made_of)
{
    struct word_lane *lane = made;
    Py_ssize_t start, bell;
    if (!PyArg_ParseTuple(made_of, "nn:lane", &start, &bell))
        return -1;
    char *at = ipcbench_place(seat, start, ipcbench_lane_bytes(plan->size, plan->depth));
    char *item = at == NULL ? NULL : ipcbench_place(seat, bell, IPCBENCH_APART);
    if (item == NULL)
        return -1;
    ipcbench_cut(lane, at, (uint32_t *)item, plan->size, plan->depth);
    return 0;
}

static const struct ipcbench_ops all = {
    .send = words_send,
    .send_to = words_send_to,
    .send_many = words_send_many,
    .loan = words_loan,
    .commit = words_commit,
    .recv = words_recv,
    .recv_from = words_recv_from,
    .recv_many = words_recv_many,
    .peek = words_peek,
    .release = words_release,
};

static PyObject *
word_ring(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct plan plan;
    PyObject *told;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_PLAN "O!:word_ring", IPCBENCH_PLAN_TO(&plan),
                          &PyTuple_Type, &told))
        return NULL;
    if ((uint64_t)plan.size >= IPCBENCH_LENGTHS)
        return PyErr_Format(PyExc_ValueError, "no message of a ring over words has %zd bytes",
                            plan.size);
    if ((uint64_t)plan.depth >= IPCBENCH_NUMBERS)
        return PyErr_Format(PyExc_ValueError, "a ring over words has fewer than %d slots",
                            (int)IPCBENCH_NUMBERS);
    struct word_seat *self = ipcbench_seated(&plan, sizeof *self, sizeof(struct word_lane), cut);
    if (self == NULL)
        return NULL;
    if (ipcbench_patience(&self->how, told) < 0) {
        ipcbench_stand_up(self);
        PyMem_RawFree(self);
        return NULL;
    }
    self->item = lane_of(self, 0)->item;
    struct ipcbench_ops ops = {.ctx = self};
    ipcbench_pick(&ops, &all, &plan);
    /* Spinning, the two sides of a shallow ring wait for each other's batches: in 64 slots a
     * message of 64 B took 1.8 times as long as one by one (in 128 slots, or of 256 B, less). */
    if (plan.size <= IPCBENCH_APART && plan.depth < 2 * IPCBENCH_BATCH && !self->how.sleeps)
        ops.send_many = NULL, ops.recv_many = NULL;
    if (plan.in_place && ops.recv != NULL)
        ops.recv = words_read, ops.recv_many = NULL;
    if (self->seat.into > 1)
        ops.recv = words_collect, ops.peek = NULL, ops.release = NULL;
    return ipcbench_capsule(ops, plan.owner, ipcbench_stand_up);
}

static PyObject *
word_lane_bytes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_ssize_t size, depth, half;
    if (!PyArg_ParseTuple(arguments, "nn:word_lane_bytes", &size, &depth))
        return NULL;
    /* Half of what it takes, and more: nothing in there wraps where this is small enough. */
    if (size < 0 || depth < 0 ||
        __builtin_mul_overflow(size / 2 + IPCBENCH_APART, depth, &half) || half > PY_SSIZE_T_MAX / 4)
        return PyErr_Format(PyExc_OverflowError, "no segment has %zd slots of %zd bytes", depth,
                            size);
    return PyLong_FromSize_t(ipcbench_lane_bytes(size, depth));
}

PyMethodDef ipcbench_word_rings[] = {
    {"word_ring", word_ring, METH_VARARGS,
     "A seat at a ring over words: owner, memory, size, depth, lanes in, lanes out, hub, in "
     "place, how it waits."},
    {"word_lane_bytes", word_lane_bytes, METH_VARARGS, "What a lane takes: size, depth."},
    {NULL, NULL, 0, NULL},
};
