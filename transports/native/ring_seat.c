/* Seats at rings: construction, and the choice of operations. */
#include "ring_seat.h"

/* Check the arguments and take the buffer: 0, or -1 with an error set. */
static int
take_memory(struct ring_seat *seat, const struct ring_args *given)
{
    seat->incoming = PyTuple_GET_SIZE(given->incoming);
    seat->outgoing = PyTuple_GET_SIZE(given->outgoing);
    if (given->size < 0 || given->depth < 1 || seat->incoming + seat->outgoing == 0) {
        PyErr_SetString(PyExc_ValueError,
                        "a ring has 1 lane or more, 1 slot or more, and a size of 0 or more");
        return -1;
    }
    if (PyObject_GetBuffer(given->memory, &seat->memory, PyBUF_WRITABLE) < 0)
        return -1;
    seat->descriptions[0] = Py_NewRef(given->incoming);
    seat->descriptions[1] = Py_NewRef(given->outgoing);
    /* A slot takes a cache line at least, and its message: so no later product overflows. */
    if (given->depth > seat->memory.len / 64 || given->size > seat->memory.len / given->depth) {
        PyErr_Format(PyExc_ValueError, "%zd slots of %zd bytes are not in a segment of %zd",
                     given->depth, given->size, seat->memory.len);
        return -1;
    }
    return 0;
}

static int
init_lanes(struct ring_seat *seat, const struct ring_args *given, size_t bytes,
           ipcbench_lane_init init)
{
    char *lane = seat->lanes = PyMem_RawCalloc(seat->incoming + seat->outgoing, bytes);
    if (lane == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < seat->incoming + seat->outgoing; i++, lane += bytes) {
        PyObject *description = i < seat->incoming ? PyTuple_GET_ITEM(given->incoming, i)
                                           : PyTuple_GET_ITEM(given->outgoing, i - seat->incoming);
        if (init(lane, seat, given, description) < 0)
            return -1;
    }
    return 0;
}

void *
ipcbench_ring_seat_new(const struct ring_args *given, size_t bytes, size_t lane,
                       ipcbench_lane_init init)
{
    struct ring_seat *seat = PyMem_RawCalloc(1, bytes);
    if (seat == NULL)
        return PyErr_NoMemory();
    if (take_memory(seat, given) < 0 || init_lanes(seat, given, lane, init) < 0) {
        ipcbench_ring_seat_dispose(seat);
        PyMem_RawFree(seat);
        return NULL;
    }
    return seat;
}

void
ipcbench_ring_seat_dispose(void *ctx)
{
    struct ring_seat *seat = ctx;
    PyBuffer_Release(&seat->memory); /* no effect where none was taken */
    Py_CLEAR(seat->descriptions[0]);
    Py_CLEAR(seat->descriptions[1]);
    PyMem_RawFree(seat->lanes);
}

char *
ipcbench_lane_memory(const struct ring_seat *seat, Py_ssize_t start, size_t bytes)
{
    size_t size = seat->memory.len;
    if (start < 0 || (size_t)start > size || bytes > size - start || start % 64 != 0) {
        PyErr_Format(PyExc_ValueError, "%zu bytes from %zd on are not in a segment of %zd", bytes,
                     start, seat->memory.len);
        return NULL;
    }
    return (char *)seat->memory.buf + start;
}

void
ipcbench_ring_operations(struct ipcbench_ops *ops, const struct ipcbench_ops *all,
                         const struct ring_args *given)
{
    Py_ssize_t incoming = PyTuple_GET_SIZE(given->incoming);
    Py_ssize_t outgoing = PyTuple_GET_SIZE(given->outgoing);
    if (outgoing == 1 && !given->hub) {
        ops->send = all->send;
        ops->send_many = all->send_many;
        ops->loan = all->loan;
        ops->commit = all->commit;
    }
    if (given->hub)
        ops->send_to = all->send_to;
    if (incoming > 0) {
        ops->recv = all->recv;
        ops->recv_from = given->hub ? all->recv_from : NULL;
        ops->peek = all->peek;
        ops->release = all->release;
    }
    if (incoming > 0 && !given->hub)
        ops->recv_many = all->recv_many;
    ops->flags = given->in_place ? IPCBENCH_IN_PLACE : 0;
}
