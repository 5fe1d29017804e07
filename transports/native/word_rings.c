/* Rings over words in memory, as operations: see word_ring.h. */
#include "seats.h"
#include "word_ring.h"

struct seat {
    struct kept kept;
    struct word_lane *lanes; /* those that lead here, then those that lead away */
    size_t into, out;
    size_t turn; /* the lane whose messages are looked for first */
    size_t seen;
    uint32_t *item; /* the bell of all lanes that lead here */
    struct patience how;
};

static struct word_lane *
out_of(struct seat *seat)
{
    return &seat->lanes[seat->into];
}

/* One lane each way. */

static ssize_t
words_send(void *ctx, const void *data, size_t size)
{
    struct seat *seat = ctx;
    return ipcbench_word_send(out_of(seat), &seat->how, data, size);
}

static ssize_t
words_send_many(void *ctx, const void *data, size_t size, size_t count)
{
    struct seat *seat = ctx;
    return ipcbench_word_send_many(out_of(seat), &seat->how, data, size, count);
}

static ssize_t
words_loan(void *ctx, void **slot, size_t size)
{
    struct seat *seat = ctx;
    struct word_lane *lane = out_of(seat);
    if (size > lane->size)
        return -EMSGSIZE;
    *slot = lane->slot + lane->offset;
    return ipcbench_loan(lane, &seat->how);
}

static ssize_t
words_commit(void *ctx, size_t size)
{
    struct seat *seat = ctx;
    ipcbench_publish(out_of(seat), size);
    if (seat->how.sleeps)
        ipcbench_ring(out_of(seat)->item);
    return 0;
}

static ssize_t
words_recv(void *ctx, void *buffer, size_t size)
{
    struct seat *seat = ctx;
    return ipcbench_word_recv(&seat->lanes[0], &seat->how, buffer, size);
}

static ssize_t
words_recv_many(void *ctx, void *buffer, size_t size, size_t count)
{
    struct seat *seat = ctx;
    return ipcbench_word_recv_many(&seat->lanes[0], &seat->how, buffer, size, count);
}

static ssize_t
words_peek(void *ctx, const void **slot)
{
    struct seat *seat = ctx;
    struct word_lane *lane = &seat->lanes[0];
    ssize_t found = ipcbench_await(&seat->how, seat->item, ipcbench_has_item, lane);
    *slot = lane->slot + lane->offset;
    return found < 0 ? found : (ssize_t)ipcbench_length(lane);
}

static ssize_t
words_release(void *ctx)
{
    struct seat *seat = ctx;
    ipcbench_step(&seat->lanes[0]);
    ipcbench_free(&seat->lanes[0], &seat->how);
    return 0;
}

static ssize_t
words_read(void *ctx, void *Py_UNUSED(buffer), size_t size)
{
    struct seat *seat = ctx;
    const void *slot = NULL;
    ssize_t length = words_peek(ctx, &slot);
    if (length < 0)
        return length;
    seat->seen += ipcbench_scan(slot, length);
    words_release(ctx);
    return (size_t)length <= size ? length : -EMSGSIZE;
}

/* Several lanes, each in its turn. */

/* Whether any lane has a message: `turn` is that lane then. */
static int
any_has_item(void *what)
{
    struct seat *seat = what;
    for (size_t looked = 0; looked < seat->into; looked++) {
        if (ipcbench_has_item(&seat->lanes[seat->turn]))
            return 1;
        if (++seat->turn == seat->into)
            seat->turn = 0;
    }
    return 0;
}

/* Receive of whichever has a message: its length, or an error; `*index` is whose it was. */
static ssize_t
collect(struct seat *seat, void *buffer, size_t size, ssize_t *index)
{
    ssize_t found = ipcbench_await(&seat->how, seat->item, any_has_item, seat);
    if (found < 0)
        return found;
    *index = seat->turn;
    struct word_lane *lane = &seat->lanes[seat->turn];
    found = ipcbench_take(lane, buffer, size);
    ipcbench_free(lane, &seat->how);
    if (++seat->turn == seat->into)
        seat->turn = 0;
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
    struct seat *seat = ctx;
    if (index >= seat->out)
        return -EINVAL;
    return ipcbench_word_send(out_of(seat) + index, &seat->how, data, size);
}

/* From Python. */

static void
dispose(void *ctx)
{
    struct seat *seat = ctx;
    ipcbench_let_go(&seat->kept);
    PyMem_RawFree(seat->lanes);
}

/* A lane of Python's: (start, the bell of who receives). */
static int
cut(void *made, const struct kept *kept, const struct plan *plan, PyObject *made_of)
{
    struct word_lane *lane = made;
    Py_ssize_t start, bell;
    if (!PyArg_ParseTuple(made_of, "nn:lane", &start, &bell))
        return -1;
    char *at = ipcbench_place(kept, start, ipcbench_lane_bytes(plan->size, plan->depth));
    char *item = at == NULL ? NULL : ipcbench_place(kept, bell, IPCBENCH_APART);
    if (item == NULL)
        return -1;
    ipcbench_cut(lane, at, (uint32_t *)item, plan->size, plan->depth);
    return 0;
}

static int
cut_all(struct seat *seat, const struct plan *plan)
{
    seat->into = PyTuple_GET_SIZE(plan->into);
    seat->out = PyTuple_GET_SIZE(plan->out);
    seat->lanes = ipcbench_lanes(&seat->kept, plan, sizeof *seat->lanes, cut);
    if (seat->lanes == NULL)
        return -1;
    seat->item = seat->lanes[0].item;
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
    if ((uint64_t)plan.depth >= IPCBENCH_NUMBERS)
        return PyErr_Format(PyExc_ValueError, "a ring over words has fewer than %d slots",
                            (int)IPCBENCH_NUMBERS);
    struct seat *seat = PyMem_RawCalloc(1, sizeof *seat);
    if (seat == NULL)
        return PyErr_NoMemory();
    if (ipcbench_keep(&seat->kept, &plan) < 0) {
        PyMem_RawFree(seat);
        return NULL;
    }
    if (cut_all(seat, &plan) < 0 || ipcbench_patience(&seat->how, told) < 0) {
        dispose(seat);
        PyMem_RawFree(seat);
        return NULL;
    }
    struct ipcbench_ops ops = {.ctx = seat};
    ipcbench_pick(&ops, &all, &plan);
    /* Spinning, the two sides of a shallow ring wait for each other's batches: in 64 slots a
     * message of 64 B took 1.8 times as long as one by one (in 128 slots, or of 256 B, less). */
    if (plan.size <= IPCBENCH_APART && plan.depth < 2 * IPCBENCH_BATCH && !seat->how.sleeps)
        ops.send_many = NULL, ops.recv_many = NULL;
    if (plan.in_place && ops.recv != NULL)
        ops.recv = words_read, ops.recv_many = NULL;
    if (seat->into > 1)
        ops.recv = words_collect, ops.peek = NULL, ops.release = NULL;
    return ipcbench_capsule(ops, plan.owner, dispose);
}

static PyObject *
word_lane_bytes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_ssize_t size, depth;
    if (!PyArg_ParseTuple(arguments, "nn:word_lane_bytes", &size, &depth))
        return NULL;
    return PyLong_FromSize_t(ipcbench_lane_bytes(size, depth));
}

PyMethodDef ipcbench_word_rings[] = {
    {"word_ring", word_ring, METH_VARARGS,
     "A seat at a ring over words: owner, memory, size, depth, lanes in, lanes out, hub, in "
     "place, how it waits."},
    {"word_lane_bytes", word_lane_bytes, METH_VARARGS, "What a lane takes: size, depth."},
    {NULL, NULL, 0, NULL},
};
