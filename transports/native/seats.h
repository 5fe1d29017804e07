/* What a seat at a ring is made of, whatever its lanes are: the arguments from Python. */
#ifndef IPCBENCH_SEATS_H
#define IPCBENCH_SEATS_H

#include <string.h>

#include "capsule.h"
#include "words.h"

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

/* What a seat keeps of Python's: the mapping, by a buffer, and what its lanes are made of. */
struct kept {
    Py_buffer memory;
    PyObject *into, *out;
};

/* Whether the plan can be: 0, or -1 with an error set. The buffer is taken. */
int ipcbench_keep(struct kept *kept, const struct plan *plan);
void ipcbench_let_go(struct kept *kept);

/* The lane's place, if `bytes` from `start` on lie in the mapping; NULL with an error set. */
char *ipcbench_place(const struct kept *kept, Py_ssize_t start, size_t bytes);

/* What makes a lane of what Python says of it: 0, or -1 with an error set. */
typedef int (*ipcbench_cutter)(void *lane, const struct kept *kept, const struct plan *plan,
                               PyObject *made_of);

/* The seat's lanes, of `bytes` each: those that lead here, then those that lead away. NULL with
 * an error set. PyMem_RawFree. */
void *ipcbench_lanes(const struct kept *kept, const struct plan *plan, size_t bytes,
                     ipcbench_cutter cut);

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

#endif
