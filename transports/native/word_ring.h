/* Word ring: a ring of messages over words in shared memory, with one producer, one consumer and no
 * lock. Header-only and free of Python, so that tests can run it between threads (tests/native).
 *
 * Message number n (from 1) is in slot (n - 1) % depth. A slot begins with its *head*, one word of
 * eight bytes with the message's length and the lower 24 bits of n; the bytes follow. The consumer
 * waits until the head has the number of its next message. The head is in the same cache line as
 * the first bytes, so a small message costs one transfer of a line from core to core. `freed`
 * counts the slots released by the consumer; the producer keeps a copy, and loads `freed` only
 * when the ring is full by that copy.
 *
 * Invariants:
 *   (1) freed <= received <= sent <= freed + depth, where `received` and `sent` are each one side's
 *       own count. Only the producer writes heads and bytes, only the consumer writes `freed`.
 *   (2) The producer writes slot (n - 1) % depth only if n <= freed + depth. It loaded `freed` with
 *       acquire, and `freed` was stored with release after the bytes of message n - depth were
 *       read: no bytes are overwritten before they are read.
 *   (3) A head is stored with release, after the bytes, and loaded with acquire: a consumer that
 *       sees number n sees the bytes of n. The number cannot be mistaken: a slot holds n - depth
 *       (or 0 at first) or n, and depth < 2^24.
 *   (4) An old copy of `freed` only makes the ring look full too early, since `freed` only grows.
 * Several producers have a lane each. Their consumer looks at the lanes in turn, and all producers
 * ring the one doorbell by which it sleeps (futex.h).
 *
 * Layout of a lane, each part on cache lines of its own:
 *   freed       8 bytes
 *   doorbell    4 bytes: by it the producer sleeps while there is no free slot
 *   slots       depth * stride bytes */
#ifndef IPCBENCH_WORD_RING_H
#define IPCBENCH_WORD_RING_H

#include <stdint.h>
#include <string.h>

#include "futex.h"

#define IPCBENCH_NUMBER_BITS 24
#define IPCBENCH_NUMBERS ((uint64_t)1 << IPCBENCH_NUMBER_BITS)
#define IPCBENCH_LENGTHS ((uint64_t)1 << (64 - IPCBENCH_NUMBER_BITS))
#define IPCBENCH_PAGE 4096
#define IPCBENCH_BATCH 64 /* messages released, or announced, at a time */

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
    return 2 * IPCBENCH_LINE_PAIR +
           (slots + IPCBENCH_LINE_PAIR - 1) / IPCBENCH_LINE_PAIR * IPCBENCH_LINE_PAIR;
}

/* One side's view of a lane: private, but for the memory that it points to. */
struct word_lane {
    char *slot; /* of the next message */
    char *slots, *end;
    size_t stride, offset;
    size_t size; /* the largest message */
    uint64_t depth;
    uint64_t count; /* messages sent, or received */
    uint64_t known; /* the producer's copy of `freed` */
    uint64_t *freed;
    uint32_t *producer_doorbell; /* wakes the producer, which waits for a free slot */
    uint32_t *consumer_doorbell; /* wakes the consumer, which waits for a message */
};

static inline void
ipcbench_init_word_lane(struct word_lane *lane, char *start, uint32_t *consumer_doorbell,
                        size_t size, size_t depth)
{
    struct slots layout = ipcbench_slots(size);
    char *slots = start + 2 * IPCBENCH_LINE_PAIR;
    *lane = (struct word_lane){
        .slot = slots,
        .slots = slots,
        .end = slots + layout.stride * depth,
        .stride = layout.stride,
        .offset = layout.offset,
        .size = size,
        .depth = depth,
        .freed = (uint64_t *)start,
        .producer_doorbell = (uint32_t *)(start + IPCBENCH_LINE_PAIR),
        .consumer_doorbell = consumer_doorbell,
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

/* Prefetch a line for writing. Every x86-64 executes `prefetchw`, at least as a no-op, but the
 * compiler emits it only for processors that are known to have it. */
static inline void
ipcbench_prefetch_for_write(const char *line)
{
#if defined(__x86_64__)
    __asm__ __volatile__("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* Write a message into its slot. The lines of a slot are in the cache of the core that read them
 * last. Where that is another core, the lines one page ahead (at the end, those of the next slot)
 * are prefetched while a page is copied: messages of 8 and 64 KiB took 12 to 15 % less time one
 * way. A round trip of 1 or 2 KiB, which does not use the next slot at once, took 10 % more: so
 * only large messages are copied in this way. */
static inline void
ipcbench_fill(const struct wait_policy *policy, char *slot, const char *from, size_t size)
{
    if (size < IPCBENCH_PAGE || !policy->exclusive_cpu) {
        ipcbench_copy(slot, from, size);
        return;
    }
    while (size > 0) {
        size_t part = size < IPCBENCH_PAGE ? size : IPCBENCH_PAGE;
        for (size_t at = 0; at < part; at += 64)
            ipcbench_prefetch_for_write(slot + IPCBENCH_PAGE + at);
        memcpy(slot, from, part);
        slot += part, from += part, size -= part;
    }
}

static inline void
ipcbench_word_advance(struct word_lane *lane)
{
    lane->count++;
    lane->slot += lane->stride;
    if (lane->slot == lane->end)
        lane->slot = lane->slots;
}

/* The producer's side. */

static inline int
ipcbench_has_free_slot(void *argument)
{
    struct word_lane *lane = argument;
    lane->known = __atomic_load_n(lane->freed, __ATOMIC_ACQUIRE);
    return lane->count - lane->known < lane->depth;
}

/* Wait for a free slot. */
static inline ssize_t
ipcbench_loan(struct word_lane *lane, const struct wait_policy *policy)
{
    if (lane->count - lane->known < lane->depth)
        return 0;
    return ipcbench_await(policy, lane->producer_doorbell, ipcbench_has_free_slot, lane);
}

/* Make a message of `size` bytes of the slot. Where the consumer sleeps, `ipcbench_wake` must
 * follow. */
static inline void
ipcbench_publish(struct word_lane *lane, size_t size)
{
    uint64_t number = (lane->count + 1) & (IPCBENCH_NUMBERS - 1);
    uint64_t head = (uint64_t)size << IPCBENCH_NUMBER_BITS | number;
    __atomic_store_n((uint64_t *)lane->slot, head, __ATOMIC_RELEASE);
    ipcbench_word_advance(lane);
}

static inline ssize_t
ipcbench_word_send(struct word_lane *lane, const struct wait_policy *policy, const void *data,
                   size_t size)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_loan(lane, policy);
    if (found < 0)
        return found;
    ipcbench_fill(policy, lane->slot + lane->offset, data, size);
    ipcbench_publish(lane, size);
    if (policy->exclusive_cpu) /* a round trip takes up to a tenth less time, a batch does not */
        ipcbench_prefetch_for_write(lane->slot);
    if (policy->sleeps)
        ipcbench_wake(lane->consumer_doorbell);
    return 0;
}

/* Free slots for a batch. */
struct word_batch {
    struct word_lane *lane;
    uint64_t wanted;
};

static inline int
ipcbench_has_free_batch(void *argument)
{
    struct word_batch *batch = argument;
    struct word_lane *lane = batch->lane;
    lane->known = __atomic_load_n(lane->freed, __ATOMIC_ACQUIRE);
    return lane->count - lane->known + batch->wanted <= lane->depth;
}

static inline uint64_t
ipcbench_batch(const struct word_lane *lane, size_t left)
{
    uint64_t most = lane->depth / 4 + 1;
    if (most > IPCBENCH_BATCH)
        most = IPCBENCH_BATCH;
    return left < most ? left : most;
}

/* Wait for free slots: how many messages may be sent at a time, or an error. */
static inline ssize_t
ipcbench_loan_batch(struct word_lane *lane, const struct wait_policy *policy, size_t left)
{
    uint64_t wanted = ipcbench_batch(lane, left);
    uint64_t free = lane->depth - (lane->count - lane->known);
    if (free >= wanted)
        return (ssize_t)wanted;
    struct word_batch batch = {lane, 1};
    ssize_t found =
        ipcbench_await(policy, lane->producer_doorbell, ipcbench_has_free_batch, &batch);
    if (found < 0)
        return found;
    free = lane->depth - (lane->count - lane->known);
    return (ssize_t)(free < wanted ? free : wanted);
}

static inline ssize_t
ipcbench_word_send_many(struct word_lane *lane, const struct wait_policy *policy, const void *data,
                        size_t size, size_t count)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t batch = ipcbench_loan_batch(lane, policy, count);
    if (batch < 0)
        return batch;
    for (ssize_t i = 0; i < batch; i++) {
        ipcbench_fill(policy, lane->slot + lane->offset, data, size);
        ipcbench_publish(lane, size);
    }
    if (policy->sleeps)
        ipcbench_wake(lane->consumer_doorbell);
    return batch;
}

/* The consumer's side. */

/* True if the message `ahead` of the next one has arrived. */
static inline int
ipcbench_message_is_there(const struct word_lane *lane, uint64_t ahead)
{
    char *slot = lane->slot + ahead * lane->stride;
    if (slot >= lane->end)
        slot -= lane->end - lane->slots;
    uint64_t head = __atomic_load_n((uint64_t *)slot, __ATOMIC_ACQUIRE);
    return (head & (IPCBENCH_NUMBERS - 1)) == ((lane->count + ahead + 1) & (IPCBENCH_NUMBERS - 1));
}

static inline int
ipcbench_has_message(void *argument)
{
    return ipcbench_message_is_there(argument, 0);
}

/* The length of the next message, which has arrived. Other processes can write to it at any time:
 * the caller compares it with the slot's size. */
static inline size_t
ipcbench_length(const struct word_lane *lane)
{
    return __atomic_load_n((uint64_t *)lane->slot, __ATOMIC_RELAXED) >> IPCBENCH_NUMBER_BITS;
}

/* Release all slots before the next message. */
static inline void
ipcbench_free(struct word_lane *lane, const struct wait_policy *policy)
{
    __atomic_store_n(lane->freed, lane->count, __ATOMIC_RELEASE);
    if (policy->sleeps)
        ipcbench_wake(lane->producer_doorbell);
}

/* Receive the next message, which has arrived, and do not release its slot yet: its length, or
 * -EMSGSIZE. It is consumed even if it is too long; otherwise the next call would get it again. */
static inline ssize_t
ipcbench_take(struct word_lane *lane, void *buffer, size_t size)
{
    size_t length = ipcbench_length(lane);
    if (size > lane->size)
        size = lane->size;
    if (length <= size)
        ipcbench_copy(buffer, lane->slot + lane->offset, length);
    ipcbench_word_advance(lane);
    return length <= size ? (ssize_t)length : -EMSGSIZE;
}

static inline ssize_t
ipcbench_word_recv(struct word_lane *lane, const struct wait_policy *policy, void *buffer,
                   size_t size)
{
    ssize_t found = ipcbench_await(policy, lane->consumer_doorbell, ipcbench_has_message, lane);
    if (found < 0)
        return found;
    found = ipcbench_take(lane, buffer, size);
    ipcbench_free(lane, policy);
    return found;
}

static inline int
ipcbench_has_batch(void *argument)
{
    struct word_batch *batch = argument;
    return ipcbench_message_is_there(batch->lane, batch->wanted - 1);
}

/* Wait for a message: how many can be received now, or an error. The batch fits into the ring,
 * since all earlier messages have been released. */
static inline ssize_t
ipcbench_await_batch(struct word_lane *lane, const struct wait_policy *policy, size_t left)
{
    struct word_batch batch = {lane, 1};
    uint64_t wanted = ipcbench_batch(lane, left);
    ssize_t found = ipcbench_await(policy, lane->consumer_doorbell, ipcbench_has_batch, &batch);
    if (found < 0)
        return found;
    uint64_t there = batch.wanted;
    while (there < wanted && ipcbench_message_is_there(lane, there))
        there++;
    return (ssize_t)there;
}

static inline ssize_t
ipcbench_word_recv_many(struct word_lane *lane, const struct wait_policy *policy, void *buffer,
                        size_t size, size_t count)
{
    ssize_t batch = ipcbench_await_batch(lane, policy, count);
    if (batch < 0)
        return batch;
    ssize_t taken = 0, found;
    do {
        found = ipcbench_take(lane, buffer, size);
        taken++;
    } while (found == (ssize_t)size && taken < batch && ipcbench_length(lane) == size);
    ipcbench_free(lane, policy);
    if (found < 0)
        return found;
    return found == (ssize_t)size ? taken : -EBADMSG;
}

#endif
