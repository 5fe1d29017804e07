/* Counted ring: a ring of messages over waiters; the same bytes as transports/shm/counted_ring.py.
 *
 * `free_slots` and `used_slots` count the slots of a lane. Both waiters order memory: a slot's
 * bytes are written before the slot is counted, and read before it is released. Several producers
 * have a lane each and share one `used_slots`: a consumer of several lanes may see a lane's
 * `published` before that lane's own slot is counted, so `published` is stored with release and
 * loaded with acquire. */
#ifndef IPCBENCH_COUNTED_RING_H
#define IPCBENCH_COUNTED_RING_H

#include <string.h>

#include "futex.h"
#include "waiters.h"

#define IPCBENCH_LINE 64

struct lane {
    uint64_t *published; /* messages sent so far: read only where there are several lanes */
    uint64_t *lengths;   /* one for each slot */
    char *slots;
    size_t stride, size, depth;
    const struct waiter *free_slots, *used_slots;
    int counted; /* `published` is maintained */
    size_t at;
    uint64_t count; /* messages sent, or received */
};

static inline size_t
ipcbench_lines(size_t size)
{
    return (size + IPCBENCH_LINE - 1) / IPCBENCH_LINE * IPCBENCH_LINE;
}

static inline size_t
ipcbench_stride(size_t size)
{
    return ipcbench_lines(size == 0 ? 1 : size);
}

static inline size_t
ipcbench_counted_lane_bytes(size_t size, size_t depth)
{
    size_t bytes = IPCBENCH_LINE + ipcbench_lines(8 * depth) + depth * ipcbench_stride(size);
    return (bytes + IPCBENCH_LINE_PAIR - 1) / IPCBENCH_LINE_PAIR * IPCBENCH_LINE_PAIR;
}

static inline void
ipcbench_advance(struct lane *lane)
{
    lane->count++;
    if (++lane->at == lane->depth)
        lane->at = 0;
}

static inline char *
ipcbench_slot(const struct lane *lane)
{
    return lane->slots + lane->at * lane->stride;
}

/* Make a message of `size` bytes of the slot, whose bytes are written. */
static inline ssize_t
ipcbench_commit_slot(struct lane *lane, size_t size)
{
    lane->lengths[lane->at] = size;
    ipcbench_advance(lane);
    if (lane->counted)
        __atomic_store_n(lane->published, lane->count, __ATOMIC_RELEASE);
    return ipcbench_notify(lane->used_slots);
}

static inline ssize_t
ipcbench_put(struct lane *lane, const void *data, size_t size)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_wait(lane->free_slots);
    if (found < 0)
        return found;
    memcpy(ipcbench_slot(lane), data, size);
    return ipcbench_commit_slot(lane, size);
}

/* Release the slot of the oldest message. */
static inline ssize_t
ipcbench_release_slot(struct lane *lane)
{
    ipcbench_advance(lane);
    return ipcbench_notify(lane->free_slots);
}

/* The length of the oldest message. Other processes can write to it at any time: the caller
 * compares it with the slot's size. */
static inline size_t
ipcbench_counted_length(const struct lane *lane)
{
    return __atomic_load_n(&lane->lengths[lane->at], __ATOMIC_RELAXED);
}

/* Receive the oldest message. Release its slot even if it is too long; otherwise the next call
 * would receive it again. */
static inline ssize_t
ipcbench_get(struct lane *lane, void *buffer, size_t size)
{
    size_t length = ipcbench_counted_length(lane);
    if (size > lane->size)
        size = lane->size;
    if (length <= size)
        memcpy(buffer, ipcbench_slot(lane), length);
    ssize_t failed = ipcbench_release_slot(lane);
    if (failed < 0)
        return failed;
    return length <= size ? (ssize_t)length : -EMSGSIZE;
}

#endif
