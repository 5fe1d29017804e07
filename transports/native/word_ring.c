/* The operations of word rings: see word_ring.h. */
#include "ring_seat.h"
#include "word_ring.h"

struct word_seat {
    struct ring_seat seat;
    uint32_t *doorbell; /* wakes this seat; one for all incoming lanes */
    struct wait_policy policy;
};

static struct word_lane *
lane_of(struct word_seat *self, size_t number)
{
    return (struct word_lane *)self->seat.lanes + number;
}

static struct word_lane *
out_of(struct word_seat *self)
{
    return lane_of(self, self->seat.incoming);
}

/* One lane each way. */

static ssize_t
words_send(void *ctx, const void *data, size_t size)
{
    struct word_seat *self = ctx;
    return ipcbench_word_send(out_of(self), &self->policy, data, size);
}

static ssize_t
words_send_many(void *ctx, const void *data, size_t size, size_t count)
{
    struct word_seat *self = ctx;
    return ipcbench_word_send_many(out_of(self), &self->policy, data, size, count);
}

static ssize_t
words_loan(void *ctx, void **slot, size_t size)
{
    struct word_seat *self = ctx;
    struct word_lane *lane = out_of(self);
    if (size > lane->size)
        return -EMSGSIZE;
    *slot = lane->slot + lane->offset;
    return ipcbench_loan(lane, &self->policy);
}

static ssize_t
words_commit(void *ctx, size_t size)
{
    struct word_seat *self = ctx;
    struct word_lane *lane = out_of(self);
    if (size > lane->size)
        return -EMSGSIZE;
    ipcbench_publish(lane, size);
    if (self->policy.sleeps)
        ipcbench_wake(lane->consumer_doorbell);
    return 0;
}

static ssize_t
words_recv(void *ctx, void *buffer, size_t size)
{
    struct word_seat *self = ctx;
    return ipcbench_word_recv(lane_of(self, 0), &self->policy, buffer, size);
}

static ssize_t
words_recv_many(void *ctx, void *buffer, size_t size, size_t count)
{
    struct word_seat *self = ctx;
    return ipcbench_word_recv_many(lane_of(self, 0), &self->policy, buffer, size, count);
}

static inline ssize_t
words_release(void *ctx)
{
    struct word_seat *self = ctx;
    ipcbench_word_advance(lane_of(self, 0));
    ipcbench_free(lane_of(self, 0), &self->policy);
    return 0;
}

static ssize_t
words_peek(void *ctx, const void **slot)
{
    struct word_seat *self = ctx;
    struct word_lane *lane = lane_of(self, 0);
    ssize_t found = ipcbench_await(&self->policy, self->doorbell, ipcbench_has_message, lane);
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

/* Several lanes, in turn. */

/* True if any lane has a message; then `turn` is that lane. */
static int
any_has_message(void *argument)
{
    struct word_seat *self = argument;
    for (size_t looked = 0; looked < self->seat.incoming; looked++) {
        if (ipcbench_has_message(lane_of(self, self->seat.turn)))
            return 1;
        ipcbench_next_turn(&self->seat);
    }
    return 0;
}

/* Receive from any lane: the length, or an error; `*index` is the lane. */
static ssize_t
collect(struct word_seat *self, void *buffer, size_t size, ssize_t *index)
{
    ssize_t found = ipcbench_await(&self->policy, self->doorbell, any_has_message, self);
    if (found < 0)
        return found;
    *index = self->seat.turn;
    struct word_lane *lane = lane_of(self, self->seat.turn);
    found = ipcbench_take(lane, buffer, size);
    ipcbench_free(lane, &self->policy);
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
    if (index >= self->seat.outgoing)
        return -EINVAL;
    return ipcbench_word_send(out_of(self) + index, &self->policy, data, size);
}

/* Construction. */

/* The description of a lane: (start, doorbell of the consumer). */
static int
init_lane(void *made, const struct ring_seat *seat, const struct ring_args *given,
          PyObject *description)
{
    struct word_lane *lane = made;
    Py_ssize_t start, doorbell;
    if (!PyArg_ParseTuple(description, "nn:lane", &start, &doorbell))
        return -1;
    char *at = ipcbench_lane_memory(seat, start, ipcbench_lane_bytes(given->size, given->depth));
    char *address = at == NULL ? NULL : ipcbench_lane_memory(seat, doorbell, IPCBENCH_LINE_PAIR);
    if (address == NULL)
        return -1;
    ipcbench_init_word_lane(lane, at, (uint32_t *)address, given->size, given->depth);
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
    struct ring_args given;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_RING_FORMAT "O&:word_ring",
                          IPCBENCH_RING_ADDRESSES(&given), ipcbench_wait_policy, &policy))
        return NULL;
    if ((uint64_t)given.size >= IPCBENCH_LENGTHS)
        return PyErr_Format(PyExc_ValueError, "no message of a word ring has %zd bytes",
                            given.size);
    if ((uint64_t)given.depth >= IPCBENCH_NUMBERS)
        return PyErr_Format(PyExc_ValueError, "a word ring has fewer than %d slots",
                            (int)IPCBENCH_NUMBERS);
    struct word_seat *self =
        ipcbench_ring_seat_new(&given, sizeof *self, sizeof(struct word_lane), init_lane);
    if (self == NULL)
        return NULL;
    self->policy = policy;
    self->doorbell = lane_of(self, 0)->consumer_doorbell;
    struct ipcbench_ops ops = {.ctx = self};
    ipcbench_ring_operations(&ops, &all, &given);
    /* The two sides of a shallow ring that spin wait for each other's batches: with 64 slots, a
     * message of 64 B took 1.8 times as long as one by one (with 128 slots, or 256 B, less). */
    if (given.size <= IPCBENCH_LINE_PAIR && given.depth < 2 * IPCBENCH_BATCH &&
        !self->policy.sleeps)
        ops.send_many = NULL, ops.recv_many = NULL;
    if (given.in_place && ops.recv != NULL)
        ops.recv = words_read, ops.recv_many = NULL;
    if (self->seat.incoming > 1)
        ops.recv = words_collect, ops.peek = NULL, ops.release = NULL;
    return ipcbench_capsule(ops, given.owner, ipcbench_ring_seat_dispose);
}

static PyObject *
word_lane_bytes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_ssize_t size, depth, half;
    if (!PyArg_ParseTuple(arguments, "nn:word_lane_bytes", &size, &depth))
        return NULL;
    /* An upper bound of half the size: if it is small enough, the size does not overflow. */
    if (size < 0 || depth < 0 ||
        __builtin_mul_overflow(size / 2 + IPCBENCH_LINE_PAIR, depth, &half) ||
        half > PY_SSIZE_T_MAX / 4)
        return PyErr_Format(PyExc_OverflowError, "no segment has %zd slots of %zd bytes", depth,
                            size);
    return PyLong_FromSize_t(ipcbench_lane_bytes(size, depth));
}

PyMethodDef ipcbench_word_rings[] = {
    {"word_ring", word_ring, METH_VARARGS,
     "A seat at a word ring: owner, memory, size, depth, incoming lanes, outgoing lanes, hub, in "
     "place, how it waits."},
    {"word_lane_bytes", word_lane_bytes, METH_VARARGS, "The bytes of a lane: size, depth."},
    {NULL, NULL, 0, NULL},
};
