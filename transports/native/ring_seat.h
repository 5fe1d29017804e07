/* Seats at rings: what is common to both kinds of lanes. */
#ifndef IPCBENCH_RING_SEAT_H
#define IPCBENCH_RING_SEAT_H

#include <string.h>

#include "capsule.h"
#include "futex.h"
#include "scan.h"

/* The arguments of a builder. `incoming` and `outgoing` are tuples of lanes, each lane a tuple. */
struct ring_args {
    PyObject *owner, *memory, *incoming, *outgoing;
    Py_ssize_t size, depth;
    int hub;      /* the seat receives of any client: recv_from, send_to */
    int in_place; /* messages are read in their slots */
};

#define IPCBENCH_RING_FORMAT "OOnnO!O!pp"
#define IPCBENCH_RING_ADDRESSES(given)                                                             \
    &(given)->owner, &(given)->memory, &(given)->size, &(given)->depth, &PyTuple_Type,             \
        &(given)->incoming, &PyTuple_Type, &(given)->outgoing, &(given)->hub, &(given)->in_place

/* A seat; the struct of each kind of ring begins with it. It keeps Python's mapping, as a buffer,
 * and the objects that describe its lanes. */
struct ring_seat {
    Py_buffer memory;
    PyObject *descriptions[2];
    void *lanes; /* of the ring's kind: the incoming lanes, then the outgoing ones */
    size_t incoming, outgoing;
    size_t turn; /* the lane that is looked at first */
    size_t seen; /* see ipcbench_scan */
};

/* Initialize a lane from its description: 0, or -1 with an error set. */
typedef int (*ipcbench_lane_init)(void *lane, struct ring_seat *seat,
                                  const struct ring_args *given, PyObject *description);

/* Make a seat of `bytes`, which begins with `struct ring_seat`, with lanes of `lane` bytes each.
 * NULL with an error set. */
void *ipcbench_ring_seat_new(const struct ring_args *given, size_t bytes, size_t lane,
                             ipcbench_lane_init init);
void ipcbench_ring_seat_dispose(void *seat); /* a `dispose`: all but the struct itself */

/* The address of `bytes` from `start` on, if they are in the mapping; NULL with an error set. */
char *ipcbench_lane_memory(const struct ring_seat *seat, Py_ssize_t start, size_t bytes);

/* Set those operations of `all` that the seat has. */
void ipcbench_ring_operations(struct ipcbench_ops *ops, const struct ipcbench_ops *all,
                              const struct ring_args *given);

static inline void
ipcbench_next_turn(struct ring_seat *seat)
{
    if (++seat->turn >= seat->incoming)
        seat->turn = 0;
}

/* Receive in place by the two operations of a ring, which are inlined. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_read(struct ring_seat *seat, size_t size, ssize_t (*peek)(void *ctx, const void **slot),
              ssize_t (*release)(void *ctx))
{
    const void *slot = NULL;
    ssize_t length = peek(seat, &slot);
    if (length < 0)
        return length;
    seat->seen += ipcbench_scan(slot, length);
    ssize_t failed = release(seat);
    if (failed < 0)
        return failed;
    return (size_t)length <= size ? length : -EMSGSIZE;
}

#endif
