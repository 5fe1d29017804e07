/* The operations of rings: see ring.h. */
#include "ring.h"
#include "ring_seat.h"
#include "waiters.h"

struct ring_end {
    struct ring_seat seat;
    struct doorbell doorbell; /* this seat's: it wakes this process */
    struct wait_policy policy;
    PyObject *described; /* the doorbell; it keeps the counter */
};

static struct lane *
lane_of(struct ring_end *self, size_t number)
{
    return (struct lane *)self->seat.lanes + number;
}

static struct lane *
out_of(struct ring_end *self)
{
    return lane_of(self, self->seat.incoming);
}

/* One lane each way. */

static ssize_t
ring_send(void *ctx, const void *data, size_t size)
{
    struct ring_end *self = ctx;
    return ipcbench_put(out_of(self), &self->policy, data, size);
}

static ssize_t
ring_send_many(void *ctx, const void *data, size_t size, size_t count)
{
    struct ring_end *self = ctx;
    return ipcbench_put_many(out_of(self), &self->policy, data, size, count);
}

static ssize_t
ring_loan(void *ctx, void **slot, size_t size)
{
    struct ring_end *self = ctx;
    struct lane *lane = out_of(self);
    if (size > lane->size)
        return -EMSGSIZE;
    *slot = lane->slot + lane->offset;
    return ipcbench_loan(lane, &self->policy);
}

static ssize_t
ring_commit(void *ctx, size_t size)
{
    struct ring_end *self = ctx;
    struct lane *lane = out_of(self);
    if (size > lane->size)
        return -EMSGSIZE;
    ipcbench_publish(lane, size);
    return self->policy.sleeps ? ipcbench_wake(&lane->other) : 0;
}

static ssize_t
ring_recv(void *ctx, void *buffer, size_t size)
{
    struct ring_end *self = ctx;
    return ipcbench_receive(lane_of(self, 0), &self->policy, buffer, size);
}

static ssize_t
ring_recv_many(void *ctx, void *buffer, size_t size, size_t count)
{
    struct ring_end *self = ctx;
    return ipcbench_receive_many(lane_of(self, 0), &self->policy, buffer, size, count);
}

static inline ssize_t
ring_release(void *ctx)
{
    struct ring_end *self = ctx;
    struct lane *lane = lane_of(self, 0);
    return ipcbench_free(lane, &self->policy, ipcbench_advance(lane));
}

static ssize_t
ring_peek(void *ctx, const void **slot)
{
    struct ring_end *self = ctx;
    struct lane *lane = lane_of(self, 0);
    ssize_t found = ipcbench_await(&self->policy, &self->doorbell, ipcbench_has_message, lane);
    if (found < 0)
        return found;
    *slot = lane->slot + lane->offset;
    size_t length = ipcbench_length(lane);
    if (length <= lane->size)
        return (ssize_t)length;
    ring_release(ctx);
    return -EMSGSIZE;
}

static ssize_t
ring_read(void *ctx, void *Py_UNUSED(buffer), size_t size)
{
    return ipcbench_read(ctx, size, ring_peek, ring_release);
}

/* Several lanes, in turn. */

/* True if any lane has a message; then `turn` is that lane. */
static int
any_has_message(void *argument)
{
    struct ring_end *self = argument;
    for (size_t looked = 0; looked < self->seat.incoming; looked++) {
        if (ipcbench_has_message(lane_of(self, self->seat.turn)))
            return 1;
        ipcbench_next_turn(&self->seat);
    }
    return 0;
}

/* Receive from any lane: the length, or an error; `*index` is the lane. */
static ssize_t
collect(struct ring_end *self, void *buffer, size_t size, ssize_t *index)
{
    ssize_t found = ipcbench_await(&self->policy, &self->doorbell, any_has_message, self);
    if (found < 0)
        return found;
    *index = self->seat.turn;
    found = ipcbench_get(lane_of(self, self->seat.turn), &self->policy, buffer, size);
    ipcbench_next_turn(&self->seat);
    return found;
}

static ssize_t
ring_collect(void *ctx, void *buffer, size_t size)
{
    ssize_t index;
    return collect(ctx, buffer, size, &index);
}

/* Of one lane: the others have their turn in the next calls. */
static ssize_t
ring_collect_many(void *ctx, void *buffer, size_t size, size_t count)
{
    struct ring_end *self = ctx;
    ssize_t found = ipcbench_await(&self->policy, &self->doorbell, any_has_message, self);
    if (found < 0)
        return found;
    struct lane *lane = lane_of(self, self->seat.turn);
    ipcbench_next_turn(&self->seat);
    return ipcbench_receive_many(lane, &self->policy, buffer, size, count);
}

static ssize_t
ring_recv_from(void *ctx, void *buffer, size_t size)
{
    ssize_t index = 0;
    ssize_t found = collect(ctx, buffer, size, &index);
    return found < 0 ? found : index;
}

static ssize_t
ring_send_to(void *ctx, size_t index, const void *data, size_t size)
{
    struct ring_end *self = ctx;
    if (index >= self->seat.outgoing)
        return -EINVAL;
    return ipcbench_put(out_of(self) + index, &self->policy, data, size);
}

/* Construction. */

/* Set a doorbell from its description, (start, counter or None): 0, or -1 with an error set. */
static int
init_doorbell(struct doorbell *bell, const struct ring_seat *seat, PyObject *description)
{
    Py_ssize_t start;
    PyObject *counter;
    if (!PyArg_ParseTuple(description, "nO:doorbell", &start, &counter))
        return -1;
    *bell = (struct doorbell){.word = (uint32_t *)ipcbench_lane_memory(seat, start, sizeof(uint32_t))};
    if (bell->word == NULL)
        return -1;
    if (counter != Py_None && (bell->counter = ipcbench_waiter_of(counter)) == NULL)
        return -1;
    return 0;
}

/* The description of a lane: (start, doorbell of the process at its other side). */
static int
init_lane(void *made, struct ring_seat *seat, const struct ring_args *given,
          PyObject *description)
{
    Py_ssize_t start;
    PyObject *described;
    struct doorbell other;
    if (!PyArg_ParseTuple(description, "nO!:lane", &start, &PyTuple_Type, &described) ||
        init_doorbell(&other, seat, described) < 0)
        return -1;
    char *at = ipcbench_lane_memory(seat, start, ipcbench_lane_bytes(given->size, given->depth));
    if (at == NULL)
        return -1;
    struct ring_end *self = (struct ring_end *)seat;
    struct lane *lane = made;
    ipcbench_init_lane(lane, at, given->size, given->depth, &self->doorbell, other);
    lane->incoming = seat->lanes;
    lane->incoming_count = seat->incoming;
    return 0;
}

static void
dispose(void *ctx)
{
    Py_CLEAR(((struct ring_end *)ctx)->described);
    ipcbench_ring_seat_dispose(ctx);
}

static const struct ipcbench_ops all = {
    .send = ring_send,
    .send_to = ring_send_to,
    .send_many = ring_send_many,
    .loan = ring_loan,
    .commit = ring_commit,
    .recv = ring_recv,
    .recv_from = ring_recv_from,
    .recv_many = ring_recv_many,
    .peek = ring_peek,
    .release = ring_release,
};

static PyObject *
ring(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct ring_args given;
    PyObject *described;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_RING_FORMAT "O!O&:ring",
                          IPCBENCH_RING_ADDRESSES(&given), &PyTuple_Type, &described,
                          ipcbench_wait_policy, &policy))
        return NULL;
    if ((uint64_t)given.size >= IPCBENCH_LENGTHS)
        return PyErr_Format(PyExc_ValueError, "no message of a ring has %zd bytes", given.size);
    struct ring_end *self =
        ipcbench_ring_seat_new(&given, sizeof *self, sizeof(struct lane), init_lane);
    if (self == NULL)
        return NULL;
    if (init_doorbell(&self->doorbell, &self->seat, described) < 0) {
        dispose(self);
        PyMem_RawFree(self);
        return NULL;
    }
    self->policy = policy;
    self->described = Py_NewRef(described);
    struct ipcbench_ops ops = {.ctx = self};
    ipcbench_ring_operations(&ops, &all, &given);
    if (given.in_place && ops.recv != NULL)
        ops.recv = ring_read, ops.recv_many = NULL;
    if (self->seat.incoming > 1) {
        ops.recv = ring_collect, ops.peek = NULL, ops.release = NULL;
        ops.recv_many = given.hub ? NULL : ring_collect_many;
    }
    return ipcbench_capsule(ops, given.owner, dispose);
}

static PyObject *
lane_bytes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_ssize_t size, depth, half;
    if (!PyArg_ParseTuple(arguments, "nn:lane_bytes", &size, &depth))
        return NULL;
    /* An upper bound of half the size: if it is small enough, the size does not overflow. */
    if (size < 0 || depth < 0 ||
        __builtin_mul_overflow(size / 2 + IPCBENCH_LINE_PAIR, depth, &half) ||
        half > PY_SSIZE_T_MAX / 4)
        return PyErr_Format(PyExc_OverflowError, "no segment has %zd slots of %zd bytes", depth,
                            size);
    return PyLong_FromSize_t(ipcbench_lane_bytes(size, depth));
}

PyMethodDef ipcbench_rings[] = {
    {"ring", ring, METH_VARARGS,
     "A seat at a ring: owner, memory, size, depth, incoming lanes, outgoing lanes, hub, in "
     "place, its doorbell, how it waits."},
    {"lane_bytes", lane_bytes, METH_VARARGS, "The bytes of a lane: size, depth."},
    {NULL, NULL, 0, NULL},
};
