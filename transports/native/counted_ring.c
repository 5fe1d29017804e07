/* Rings over counted waiters, as operations: see counted_ring.h. */
#include "counted_ring.h"
#include "ring_seat.h"

static struct lane *
lane_of(struct seat *seat, size_t number)
{
    return (struct lane *)seat->lanes + number;
}

/* One lane each way. */

static ssize_t
ring_send(void *ctx, const void *data, size_t size)
{
    struct seat *seat = ctx;
    return ipcbench_put(lane_of(seat, seat->into), data, size);
}

static ssize_t
ring_loan(void *ctx, void **slot, size_t size)
{
    struct seat *seat = ctx;
    struct lane *lane = lane_of(seat, seat->into);
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_wait(lane->room);
    *slot = ipcbench_slot(lane);
    return found;
}

static ssize_t
ring_commit(void *ctx, size_t size)
{
    struct seat *seat = ctx;
    struct lane *lane = lane_of(seat, seat->into);
    return size <= lane->size ? ipcbench_pass_on(lane, size) : -EMSGSIZE;
}

/* Several lanes, each in its turn. */

/* Wait for a message; the lane that has it, or NULL with `*error` set. */
static struct lane *
await(struct seat *seat, ssize_t *error)
{
    const struct waiter *item = lane_of(seat, 0)->item;
    *error = ipcbench_wait(item);
    if (*error < 0)
        return NULL;
    if (seat->into == 1) /* where lanes are several, a count is whichever's */
        return lane_of(seat, 0);
    /* An item was counted, so some lane holds a message: this ends. */
    for (;;) {
        struct lane *lane = lane_of(seat, seat->turn);
        if (__atomic_load_n(lane->published, __ATOMIC_ACQUIRE) != lane->count)
            return lane;
        ipcbench_next_turn(seat);
    }
}

/* Receive of whichever has a message: its length, or an error; `*index` is whose it was. */
static ssize_t
collect(struct seat *seat, void *buffer, size_t size, ssize_t *index)
{
    ssize_t found;
    struct lane *lane = await(seat, &found);
    if (lane == NULL)
        return found;
    *index = lane - lane_of(seat, 0);
    found = ipcbench_get(lane, buffer, size);
    ipcbench_next_turn(seat);
    return found;
}

static ssize_t
ring_recv(void *ctx, void *buffer, size_t size)
{
    ssize_t index;
    return collect(ctx, buffer, size, &index);
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
    struct seat *seat = ctx;
    if (index >= seat->out)
        return -EINVAL;
    return ipcbench_put(lane_of(seat, seat->into + index), data, size);
}

/* In place. */

static ssize_t
ring_release(void *ctx)
{
    struct seat *seat = ctx;
    ssize_t given = ipcbench_give_back(lane_of(seat, seat->turn));
    ipcbench_next_turn(seat);
    return given;
}

static ssize_t
ring_peek(void *ctx, const void **slot)
{
    struct seat *seat = ctx;
    ssize_t found;
    struct lane *lane = await(seat, &found);
    if (lane == NULL)
        return found;
    *slot = ipcbench_slot(lane);
    size_t length = ipcbench_counted_length(lane);
    if (length <= lane->size)
        return (ssize_t)length;
    found = ring_release(ctx);
    return found < 0 ? found : -EMSGSIZE;
}

static ssize_t
ring_read(void *ctx, void *Py_UNUSED(buffer), size_t size)
{
    return ipcbench_read(ctx, size, ring_peek, ring_release);
}

/* From Python. */

/* A lane of Python's: (start, room, item, counted). */
static int
cut(void *made, const struct seat *seat, const struct plan *plan, PyObject *made_of)
{
    struct lane *lane = made;
    Py_ssize_t start;
    PyObject *room, *item;
    int counted;
    if (!PyArg_ParseTuple(made_of, "nOOp:lane", &start, &room, &item, &counted))
        return -1;
    char *at = ipcbench_place(seat, start, ipcbench_counted_lane_bytes(plan->size, plan->depth));
    if (at == NULL)
        return -1;
    *lane = (struct lane){
        .published = (uint64_t *)at,
        .lengths = (uint64_t *)(at + IPCBENCH_LINE),
        .slots = at + IPCBENCH_LINE + ipcbench_lines(8 * plan->depth),
        .stride = ipcbench_stride(plan->size),
        .size = plan->size,
        .depth = plan->depth,
        .room = ipcbench_waiter_of(room),
        .item = ipcbench_waiter_of(item),
        .counted = counted,
    };
    return lane->room == NULL || lane->item == NULL ? -1 : 0;
}

static PyObject *
counted_ring(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const struct ipcbench_ops all = {
        .send = ring_send,
        .send_to = ring_send_to,
        .recv = ring_recv,
        .recv_from = ring_recv_from,
        .loan = ring_loan,
        .commit = ring_commit,
        .peek = ring_peek,
        .release = ring_release,
    };
    struct plan plan;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_PLAN ":counted_ring", IPCBENCH_PLAN_TO(&plan)))
        return NULL;
    struct seat *seat = ipcbench_seated(&plan, sizeof *seat, sizeof(struct lane), cut);
    if (seat == NULL)
        return NULL;
    struct ipcbench_ops ops = {.ctx = seat};
    ipcbench_pick(&ops, &all, &plan);
    if (plan.in_place && ops.recv != NULL)
        ops.recv = ring_read;
    return ipcbench_capsule(ops, plan.owner, ipcbench_stand_up);
}

PyMethodDef ipcbench_rings[] = {
    {"counted_ring", counted_ring, METH_VARARGS,
     "A seat at a ring over waiters: owner, memory, size, depth, lanes in, lanes out, hub, "
     "in place."},
    {NULL, NULL, 0, NULL},
};
