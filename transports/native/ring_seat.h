/* What a seat at a ring is made of, whatever its lanes are: the arguments from Python. */
#ifndef IPCBENCH_SEATS_H
#define IPCBENCH_SEATS_H

#include <string.h>

#include "capsule.h"
#include "futex.h"

/* A builder's arguments. `into` and `out` are tuples of lanes, each a tuple of its own: those
 * that lead here, and those that lead away. */
struct plan {
    PyObject *owner, *memory, *into, *out;
    Py_ssize_t size, depth;
    int hub;      /* whose messages come of whichever client: recv_from, send_to */
    int in_place; /* received where they lie */
};

#define IPCBENCH_PLAN "OOnnO!O!pp"
#define IPCBENCH_PLAN_TO(plan)                                                                     \
    &(plan)->owner, &(plan)->memory, &(plan)->size, &(plan)->depth, &PyTuple_Type, &(plan)->into,  \
        &PyTuple_Type, &(plan)->out, &(plan)->hub, &(plan)->in_place

/* A seat; each kind of ring begins its own with this. It keeps the mapping of Python's, by a
 * buffer, and what its lanes are made of. */
struct seat {
    Py_buffer memory;
    PyObject *made_of[2];
    void *lanes; /* of the ring's kind: those that lead here, then those that lead away */
    size_t into, out;
    size_t turn; /* the lane whose messages are looked for first */
    size_t seen; /* what was found in messages that were read in place */
};

/* What makes a lane of what Python says of it: 0, or -1 with an error set. */
typedef int (*ipcbench_cutter)(void *lane, const struct seat *seat, const struct plan *plan,
                               PyObject *made_of);

/* A seat of `bytes` as the plan has it, all but what comes after `struct seat`, with lanes of
 * `lane` bytes each. NULL with an error set. */
void *ipcbench_seated(const struct plan *plan, size_t bytes, size_t lane, ipcbench_cutter cut);
void ipcbench_stand_up(void *seat); /* a `dispose`: all but the struct itself */

/* The lane's place, if `bytes` from `start` on lie in the mapping; NULL with an error set. */
char *ipcbench_place(const struct seat *seat, Py_ssize_t start, size_t bytes);

/* The lanes' operations as ops.h has them, picked by what the seat has. */
void ipcbench_pick(struct ipcbench_ops *ops, const struct ipcbench_ops *all,
                   const struct plan *plan);

/* How it waits, from Python: (nowait, alone, looks before it sleeps or -1, restless). 0, or -1
 * with an error set. */
int ipcbench_patience(struct patience *how, PyObject *told);

/* Look at every byte: memchr(3) for one that is absent, on and on where it is there. How often
 * it was, which keeps the compiler from leaving the look out. */
static inline size_t
ipcbench_scan(const char *from, size_t size)
{
    size_t seen = 0;
    const char *end = from + size;
    while ((from = memchr(from, 0xFF, end - from)) != NULL) {
        seen++;
        from++;
    }
    return seen;
}

static inline void
ipcbench_next_turn(struct seat *seat)
{
    if (++seat->turn >= seat->into)
        seat->turn = 0;
}

/* Receive where it lies, by a ring's own two operations, which the compiler knows by name. */
static inline __attribute__((always_inline)) ssize_t
ipcbench_read(struct seat *seat, size_t size, ssize_t (*peek)(void *ctx, const void **slot),
              ssize_t (*release)(void *ctx))
{
    const void *slot = NULL;
    ssize_t length = peek(seat, &slot);
    if (length < 0)
        return length;
    seat->seen += ipcbench_scan(slot, length);
    ssize_t given = release(seat);
    if (given < 0)
        return given;
    return (size_t)length <= size ? length : -EMSGSIZE;
}

#endif
