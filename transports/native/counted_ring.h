/* A ring of messages over counted waiters: transports/shm/counted_ring.py in C, byte for byte.
 *
 * `room` counts the free slots of a lane, `item` the filled ones; both order memory, so that a
 * slot's bytes are there before it is counted, and read before it is given back. Several
 * producers have a lane each and one `item` in common: a consumer of several lanes may see what
 * one has `published` before that one's own item is counted, so that word is stored by release
 * and loaded by acquire. */
#ifndef IPCBENCH_RING_H
#define IPCBENCH_RING_H

#include <string.h>

#include "waiters.h"

#define IPCBENCH_LINE 64

struct lane {
    uint64_t *published; /* messages put in so far: read only where lanes are several */
    uint64_t *lengths;   /* one for each slot */
    char *slots;
    size_t stride, size, depth;
    const struct waiter *room, *item;
    int counted; /* `published` has to be kept */
    size_t at;
    uint64_t count; /* messages sent, or taken */
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
    return IPCBENCH_LINE + ipcbench_lines(8 * depth) + depth * ipcbench_stride(size);
}

static inline void
ipcbench_step_on(struct lane *lane)
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

/* The slot, whose bytes are there, is a message of `size` bytes from now on. */
static inline ssize_t
ipcbench_pass_on(struct lane *lane, size_t size)
{
    lane->lengths[lane->at] = size;
    ipcbench_step_on(lane);
    if (lane->counted)
        __atomic_store_n(lane->published, lane->count, __ATOMIC_RELEASE);
    return ipcbench_notify(lane->item);
}

static inline ssize_t
ipcbench_put(struct lane *lane, const void *data, size_t size)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_wait(lane->room);
    if (found < 0)
        return found;
    memcpy(ipcbench_slot(lane), data, size);
    return ipcbench_pass_on(lane, size);
}

/* The message's slot is free from now on. */
static inline ssize_t
ipcbench_give_back(struct lane *lane)
{
    ipcbench_step_on(lane);
    return ipcbench_notify(lane->room);
}

/* The length of the next message, which is there: as its sender has it, and any other process
 * that has the memory, so whoever takes the message holds it to the slot's size. */
static inline size_t
ipcbench_counted_length(const struct lane *lane)
{
    return __atomic_load_n(&lane->lengths[lane->at], __ATOMIC_RELAXED);
}

/* Take the next message, which is there. One that is too long is over all the same, or whoever
 * asks next would get it again. */
static inline ssize_t
ipcbench_get(struct lane *lane, void *buffer, size_t size)
{
    size_t length = ipcbench_counted_length(lane);
    if (size > lane->size)
        size = lane->size;
    if (length <= size)
        memcpy(buffer, ipcbench_slot(lane), length);
    ssize_t given = ipcbench_give_back(lane);
    if (given < 0)
        return given;
    return length <= size ? (ssize_t)length : -EMSGSIZE;
}

#endif
