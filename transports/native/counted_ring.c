/* The operations of counted rings: see counted_ring.h. */
#include "counted_ring.h"
#include "ring_seat.h"

static struct lane *
lane_of(struct ring_seat *seat, size_t number)
{
    return (struct lane *)seat->lanes + number;
}

/* One lane each way. */

static ssize_t
ring_send(void *ctx, const void *data, size_t size)
{
    struct ring_seat *seat = ctx;
    return ipcbench_put(lane_of(seat, seat->incoming), data, size);
}

static ssize_t
ring_loan(void *ctx, void **slot, size_t size)
{
    struct ring_seat *seat = ctx;
    struct lane *lane = lane_of(seat, seat->incoming);
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_wait(lane->free_slots);
    *slot = ipcbench_slot(lane);
    return found;
}

static ssize_t
ring_commit(void *ctx, size_t size)
{
    struct ring_seat *seat = ctx;
    struct lane *lane = lane_of(seat, seat->incoming);
    return size <= lane->size ? ipcbench_commit_slot(lane, size) : -EMSGSIZE;
}

/* Several lanes, in turn. */

/* Wait for a message; return its lane, or NULL with `*error` set. */
static struct lane *
await(struct ring_seat *seat, ssize_t *error)
{
    *error = ipcbench_wait(lane_of(seat, 0)->used_slots);
    if (*error < 0)
        return NULL;
    if (seat->incoming == 1)
        return lane_of(seat, 0);
    /* The waiter counts the messages of all lanes, so one of them has a message: the loop ends. */
    for (;;) {
        struct lane *lane = lane_of(seat, seat->turn);
        if (__atomic_load_n(lane->published, __ATOMIC_ACQUIRE) != lane->count)
            return lane;
        ipcbench_next_turn(seat);
    }
}

/* Receive from any lane: the length, or an error; `*index` is the lane. */
static ssize_t
collect(struct ring_seat *seat, void *buffer, size_t size, ssize_t *index)
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
    struct ring_seat *seat = ctx;
    if (index >= seat->outgoing)
        return -EINVAL;
    return ipcbench_put(lane_of(seat, seat->incoming + index), data, size);
}

/* In place. */

static ssize_t
ring_release(void *ctx)
{
    struct ring_seat *seat = ctx;
    ssize_t failed = ipcbench_release_slot(lane_of(seat, seat->turn));
    ipcbench_next_turn(seat);
    return failed;
}

static ssize_t
ring_peek(void *ctx, const void **slot)
{
    struct ring_seat *seat = ctx;
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

/* Construction. */

/* The description of a lane: (start, free slots, used slots, counted). */
static int
init_lane(void *made, struct ring_seat *seat, const struct ring_args *given,
          PyObject *description)
{
    struct lane *lane = made;
    Py_ssize_t start;
    PyObject *free_slots, *used_slots;
    int counted;
    if (!PyArg_ParseTuple(description, "nOOp:lane", &start, &free_slots, &used_slots, &counted))
        return -1;
    const size_t bytes = ipcbench_counted_lane_bytes(given->size, given->depth);
    char *at = ipcbench_lane_memory(seat, start, bytes);
    if (at == NULL)
        return -1;
    *lane = (struct lane){
        .published = (uint64_t *)at,
        .lengths = (uint64_t *)(at + IPCBENCH_LINE),
        .slots = at + IPCBENCH_LINE + ipcbench_lines(8 * given->depth),
        .stride = ipcbench_stride(given->size),
        .size = given->size,
        .depth = given->depth,
        .free_slots = ipcbench_waiter_of(free_slots),
        .used_slots = ipcbench_waiter_of(used_slots),
        .counted = counted,
    };
    return lane->free_slots == NULL || lane->used_slots == NULL ? -1 : 0;
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
    struct ring_args given;
    if (!PyArg_ParseTuple(arguments, IPCBENCH_RING_FORMAT ":counted_ring",
                          IPCBENCH_RING_ADDRESSES(&given)))
        return NULL;
    struct ring_seat *seat =
        ipcbench_ring_seat_new(&given, sizeof *seat, sizeof(struct lane), init_lane);
    if (seat == NULL)
        return NULL;
    struct ipcbench_ops ops = {.ctx = seat};
    ipcbench_ring_operations(&ops, &all, &given);
    if (given.in_place && ops.recv != NULL)
        ops.recv = ring_read;
    return ipcbench_capsule(ops, given.owner, ipcbench_ring_seat_dispose);
}

PyMethodDef ipcbench_counted_rings[] = {
    {"counted_ring", counted_ring, METH_VARARGS,
     "A seat at a counted ring: owner, memory, size, depth, incoming lanes, outgoing lanes, hub, "
     "in place."},
    {NULL, NULL, 0, NULL},
};
