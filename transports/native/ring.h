/* Ring of messages in shared memory, with one producer, one consumer and no lock. Header-only and
 * free of Python, so that tests can run it between threads (tests/native). shm/ring.py has the
 * same in Python: an end of each kind can share a channel.
 *
 * The messages are in slots, in turn; all slots once are a *lap*. A slot begins with its *head*,
 * one word of eight bytes with the message's length and the lower 24 bits of the number of its
 * lap, from 1 on; the bytes follow. The consumer waits until the head of the next slot has the
 * number of its own lap. The head is in the same cache line as the first bytes, so a small message
 * costs one transfer of a line from core to core. `freed` counts the slots released by the
 * consumer; the producer keeps a copy, and loads `freed` only when the ring is full by that copy.
 *
 * Invariants:
 *   (1) freed <= received <= sent <= freed + depth, where `received` and `sent` are each one side's
 *       own count. Only the producer writes heads and bytes, only the consumer writes `freed`.
 *   (2) The producer writes the slot of message n only if n <= freed + depth. It loaded `freed`
 *       with acquire, and `freed` was stored with release after the bytes of message n - depth were
 *       read: no bytes are overwritten before they are read.
 *   (3) A head is stored with release, after the bytes, and loaded with acquire: a consumer that
 *       sees a lap's number sees its bytes. The number cannot be mistaken: a slot holds that of the
 *       consumer's lap or of the one before (or 0 at first).
 *   (4) An old copy of `freed` only makes the ring look full too early, since `freed` only grows.
 * Several producers have a lane each. Their consumer looks at the lanes in turn, and all producers
 * ring the one doorbell by which it sleeps (doorbell.h).
 *
 * The producer rings for each message. The consumer stores `freed` for each slot that it releases,
 * but rings in the middle and at the end of a lap alone. It wakes a producer so when up to half of
 * the ring is free, as a pipe wakes its writer when a page of it is free (pipe_read in Linux's
 * fs/pipe.c), not for each slot. A producer that sleeps has filled the ring: so the consumer passes
 * the middle or the end before the ring is empty. A process that has released slots since it last
 * rang, and waits for a free slot in another lane, rings first: the producer of the one may be the
 * consumer of the other, and two processes that echo would else both sleep. Limit: a producer sleeps
 * on, although up to half of the ring is free, while its consumer neither receives nor sends.
 *
 * Layout of a lane, each part on pairs of cache lines of its own:
 *   freed       8 bytes
 *   slots       depth * stride bytes */
#ifndef IPCBENCH_RING_H
#define IPCBENCH_RING_H

#include <stdint.h>
#include <string.h>

#include "doorbell.h"

#define IPCBENCH_LAP_BITS 24
#define IPCBENCH_LAPS ((uint64_t)1 << IPCBENCH_LAP_BITS)
#define IPCBENCH_LENGTHS ((uint64_t)1 << (64 - IPCBENCH_LAP_BITS))

struct slots {
    size_t offset; /* of the bytes, from the slot's start */
    size_t stride;
};

/* Up to 56 bytes share the line of the head. Up to 256 are packed, so that fewer lines are
 * transferred. Larger messages have lines of their own, since aligned copies are faster. */
static inline struct slots
ipcbench_slots(size_t size)
{
    if (size <= 56)
        return (struct slots){8, 64};
    if (size <= 256)
        return (struct slots){8, (8 + size + 7) / 8 * 8};
    return (struct slots){64, 64 + (size + 63) / 64 * 64};
}

static inline size_t
ipcbench_lane_bytes(size_t size, size_t depth)
{
    size_t slots = ipcbench_slots(size).stride * depth;
    return IPCBENCH_LINE_PAIR +
           (slots + IPCBENCH_LINE_PAIR - 1) / IPCBENCH_LINE_PAIR * IPCBENCH_LINE_PAIR;
}

/* One side's view of a lane: private, but for the memory that it points to. */
struct lane {
    char *slot; /* of the next message */
    char *slots, *middle, *end;
    size_t stride, offset;
    size_t size; /* the largest message */
    uint64_t depth;
    uint64_t lap;   /* of the next message */
    uint64_t count; /* messages sent, or released */
    uint64_t known; /* the producer's copy of `freed` */
    uint64_t rung;  /* the consumer's `count` when it rang last */
    uint64_t *freed;
    struct lane *incoming; /* of the producer's process: the lanes of which it is the consumer */
    size_t incoming_count;
    struct doorbell *own; /* by which this side sleeps: one for all of its lanes */
    struct doorbell other;
};

static inline void
ipcbench_init_lane(struct lane *lane, char *start, size_t size, size_t depth,
                   struct doorbell *own, struct doorbell other)
{
    struct slots layout = ipcbench_slots(size);
    char *slots = start + IPCBENCH_LINE_PAIR;
    *lane = (struct lane){
        .slot = slots,
        .slots = slots,
        .middle = slots + layout.stride * ((depth + 1) / 2),
        .end = slots + layout.stride * depth,
        .stride = layout.stride,
        .offset = layout.offset,
        .size = size,
        .depth = depth,
        .lap = 1,
        .freed = (uint64_t *)start,
        .own = own,
        .other = other,
    };
}

/* Copy small messages without a call: for a constant length the compiler emits one or two moves. */
static inline void
ipcbench_copy(void *to, const void *from, size_t size)
{
    if (size == 64)
        memcpy(to, from, 64);
    else if (size == 8)
        memcpy(to, from, 8);
    else
        memcpy(to, from, size);
}

/* Go to the next slot: 1 in the middle and at the end of a lap, else 0. */
static inline int
ipcbench_advance(struct lane *lane)
{
    lane->count++;
    lane->slot += lane->stride;
    if (lane->slot == lane->end) {
        lane->slot = lane->slots;
        lane->lap = (lane->lap + 1) & (IPCBENCH_LAPS - 1);
        return 1;
    }
    return lane->slot == lane->middle;
}

/* The producer's side. */

static inline int
ipcbench_has_free_slot(void *argument)
{
    struct lane *lane = argument;
    lane->known = __atomic_load_n(lane->freed, __ATOMIC_ACQUIRE);
    return lane->count - lane->known < lane->depth;
}

/* Wake the producers of which this process has released slots since it last rang. */
static ssize_t
ipcbench_ring_owed(const struct lane *lane)
{
    for (struct lane *one = lane->incoming; one < lane->incoming + lane->incoming_count; one++) {
        if (one->rung == one->count)
            continue;
        one->rung = one->count;
        ssize_t failed = ipcbench_wake(&one->other);
        if (failed < 0)
            return failed;
    }
    return 0;
}

/* Wait for a free slot. */
static inline ssize_t
ipcbench_loan(struct lane *lane, const struct wait_policy *policy)
{
    if (lane->count - lane->known < lane->depth || ipcbench_has_free_slot(lane))
        return 0;
    ssize_t failed = policy->sleeps ? ipcbench_ring_owed(lane) : 0;
    if (failed < 0)
        return failed;
    return ipcbench_await(policy, lane->own, ipcbench_has_free_slot, lane);
}

/* Make a message of `size` bytes of the slot. Where the consumer sleeps, a ring must follow. */
static inline void
ipcbench_publish(struct lane *lane, size_t size)
{
    uint64_t head = (uint64_t)size << IPCBENCH_LAP_BITS | lane->lap;
    __atomic_store_n((uint64_t *)lane->slot, head, __ATOMIC_RELEASE);
    ipcbench_advance(lane);
}

static inline ssize_t
ipcbench_put(struct lane *lane, const struct wait_policy *policy, const void *data, size_t size)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_loan(lane, policy);
    if (found < 0)
        return found;
    ipcbench_copy(lane->slot + lane->offset, data, size);
    ipcbench_publish(lane, size);
    return policy->sleeps ? ipcbench_wake(&lane->other) : 0;
}

/* Send up to `count` messages, 1 at least, as many as there are free slots: how many, or an error. */
static inline ssize_t
ipcbench_put_many(struct lane *lane, const struct wait_policy *policy, const void *data,
                  size_t size, size_t count)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_loan(lane, policy);
    if (found < 0)
        return found;
    size_t free = lane->depth - (lane->count - lane->known);
    if (count > free)
        count = free;
    for (size_t i = 0; i < count; i++) {
        ipcbench_copy(lane->slot + lane->offset, data, size);
        ipcbench_publish(lane, size);
    }
    found = policy->sleeps ? ipcbench_wake(&lane->other) : 0;
    return found < 0 ? found : (ssize_t)count;
}

/* The consumer's side. */

static inline int
ipcbench_has_message(void *argument)
{
    const struct lane *lane = argument;
    uint64_t head = __atomic_load_n((uint64_t *)lane->slot, __ATOMIC_ACQUIRE);
    return (head & (IPCBENCH_LAPS - 1)) == lane->lap;
}

/* The length of the next message, which has arrived. Other processes can write to it at any time:
 * the caller compares it with the slot's size. */
static inline size_t
ipcbench_length(const struct lane *lane)
{
    return __atomic_load_n((uint64_t *)lane->slot, __ATOMIC_RELAXED) >> IPCBENCH_LAP_BITS;
}

/* Release the slots before the next message; `rings` in the middle or at the end of a lap. */
static inline ssize_t
ipcbench_free(struct lane *lane, const struct wait_policy *policy, int rings)
{
    __atomic_store_n(lane->freed, lane->count, __ATOMIC_RELEASE);
    if (!rings || !policy->sleeps)
        return 0;
    lane->rung = lane->count;
    return ipcbench_wake(&lane->other);
}

/* Copy the next message, which has arrived: its length, or -EMSGSIZE. */
static inline ssize_t
ipcbench_take(const struct lane *lane, void *buffer, size_t size)
{
    size_t length = ipcbench_length(lane);
    if (size > lane->size)
        size = lane->size;
    if (length > size)
        return -EMSGSIZE;
    ipcbench_copy(buffer, lane->slot + lane->offset, length);
    return (ssize_t)length;
}

/* Receive the next message, which has arrived. Release its slot even if it is too long; otherwise
 * the next call would receive it again. */
static inline ssize_t
ipcbench_get(struct lane *lane, const struct wait_policy *policy, void *buffer, size_t size)
{
    ssize_t found = ipcbench_take(lane, buffer, size);
    ssize_t failed = ipcbench_free(lane, policy, ipcbench_advance(lane));
    return failed < 0 ? failed : found;
}

static inline ssize_t
ipcbench_receive(struct lane *lane, const struct wait_policy *policy, void *buffer, size_t size)
{
    ssize_t found = ipcbench_await(policy, lane->own, ipcbench_has_message, lane);
    return found < 0 ? found : ipcbench_get(lane, policy, buffer, size);
}

/* Receive up to `count` messages of `size` bytes, those that are there: how many, or an error. A
 * message of another length is an error where it is the first one, and else ends the batch. */
static inline ssize_t
ipcbench_receive_many(struct lane *lane, const struct wait_policy *policy, void *buffer,
                      size_t size, size_t count)
{
    ssize_t found = ipcbench_await(policy, lane->own, ipcbench_has_message, lane);
    if (found < 0)
        return found;
    if (ipcbench_length(lane) != size) {
        found = ipcbench_get(lane, policy, buffer, size);
        return found < 0 ? found : -EBADMSG;
    }
    int rings = 0;
    size_t taken = 0;
    do {
        found = ipcbench_take(lane, buffer, size);
        rings |= ipcbench_advance(lane);
    } while (++taken < count && found >= 0 && ipcbench_has_message(lane) &&
             ipcbench_length(lane) == size);
    ssize_t failed = ipcbench_free(lane, policy, rings);
    if (found < 0)
        return found; /* the length has changed between two looks: no process of ours does that */
    return failed < 0 ? failed : (ssize_t)taken;
}

#endif
