/* A ring of messages over words in shared memory: one producer, one consumer, no lock.
 *
 * Header-only, and free of Python, so that it can be tried between threads (tests/native).
 *
 * Message number n (from 1) lies in slot (n - 1) % depth. A slot begins with its *head*, one
 * word of eight bytes that holds the message's length and the lower 24 bits of n; the bytes
 * follow. Whoever finds the number it waits for has the message: it rides on the bytes' own
 * cache line, so a small message costs one line's way from core to core. `freed` counts what
 * the consumer has given back; the producer keeps a copy, and looks anew only where that copy
 * says that the ring is full.
 *
 * Invariants:
 *   (1) freed <= taken <= sent <= freed + depth, where `taken` and `sent` are each one side's
 *       own count. The producer alone writes heads and bytes, the consumer alone `freed`.
 *   (2) The producer writes slot (n - 1) % depth only where n <= freed + depth. It got `freed`
 *       by acquire, which is stored by release after the bytes of message n - depth were read:
 *       so no bytes are overwritten that are still to be read.
 *   (3) A head is stored by release, after its bytes, and read by acquire: so who sees number n
 *       sees the bytes of n. No other number is taken for it: what a slot can hold is n - depth
 *       (or 0, to begin with) and n, and depth < 2^24.
 *   (4) A copy of `freed` that is too old only says "full" too early, since `freed` only grows.
 * Several producers have a lane each; their consumer looks at the lanes in turn, and whoever
 * brings something rings the one bell by which it sleeps (futex.h).
 *
 * Layout of a lane, each part on lines of its own:
 *   freed       8 bytes
 *   bell        4 bytes: by it the producer sleeps while there is no room
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
#define IPCBENCH_BATCH 64 /* messages that are given back, or told of, at once */

struct slots {
    size_t offset; /* of the bytes, from the slot's head */
    size_t stride;
};

/* Up to 56 bytes share the head's line. A little more is packed, so that fewer lines have to
 * go across; what is large lies on lines of its own, since copying likes that. */
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
    return 2 * IPCBENCH_APART + (slots + IPCBENCH_APART - 1) / IPCBENCH_APART * IPCBENCH_APART;
}

/* One side's view of a lane; but for what it points to, nothing of it is shared. */
struct word_lane {
    char *slot; /* of the next message */
    char *slots, *end;
    size_t stride, offset;
    size_t size; /* the largest message */
    uint64_t depth;
    uint64_t count; /* messages sent, or taken */
    uint64_t known; /* the producer's copy of `freed` */
    uint64_t *freed;
    uint32_t *room; /* the bell of who waits for room */
    uint32_t *item; /* the bell of who waits for messages */
};

static inline void
ipcbench_cut(struct word_lane *lane, char *start, uint32_t *item, size_t size, size_t depth)
{
    struct slots cut = ipcbench_slots(size);
    char *slots = start + 2 * IPCBENCH_APART;
    *lane = (struct word_lane){
        .slot = slots,
        .slots = slots,
        .end = slots + cut.stride * depth,
        .stride = cut.stride,
        .offset = cut.offset,
        .size = size,
        .depth = depth,
        .freed = (uint64_t *)start,
        .room = (uint32_t *)(start + IPCBENCH_APART),
        .item = item,
    };
}

/* Small messages without a call; a length known to the compiler is a move or two. */
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

/* Ask for a line, to write into it. `prefetchw` is on every x86-64 at least a no-op, but for the
 * compiler only where it is told so. */
static inline void
ipcbench_own(const char *line)
{
#if defined(__x86_64__)
    __asm__ __volatile__("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* Write a message into its slot. The lines of a slot are in the cache of who read them last:
 * where that is another core, those of a page further on (the next slot's, at the end) are
 * asked for while a page is copied. 8 and 64 KiB one way took 12 to 15 % less by it. A round
 * trip of 1 or 2 KiB took 10 % more, whose next slot nobody waits for: so large ones alone. */
static inline void
ipcbench_fill(const struct patience *how, char *slot, const char *from, size_t size)
{
    if (size < IPCBENCH_PAGE || !how->alone) {
        ipcbench_copy(slot, from, size);
        return;
    }
    while (size > 0) {
        size_t part = size < IPCBENCH_PAGE ? size : IPCBENCH_PAGE;
        for (size_t at = 0; at < part; at += 64)
            ipcbench_own(slot + IPCBENCH_PAGE + at);
        memcpy(slot, from, part);
        slot += part, from += part, size -= part;
    }
}

static inline void
ipcbench_step(struct word_lane *lane)
{
    lane->count++;
    lane->slot += lane->stride;
    if (lane->slot == lane->end)
        lane->slot = lane->slots;
}

/* The producer's side. */

static inline int
ipcbench_has_room(void *what)
{
    struct word_lane *lane = what;
    lane->known = __atomic_load_n(lane->freed, __ATOMIC_ACQUIRE);
    return lane->count - lane->known < lane->depth;
}

/* Wait for a free slot. */
static inline ssize_t
ipcbench_loan(struct word_lane *lane, const struct patience *how)
{
    if (lane->count - lane->known < lane->depth)
        return 0;
    return ipcbench_await(how, lane->room, ipcbench_has_room, lane);
}

/* What was written into the slot is a message of `size` bytes from now on; told, where it may
 * be waited for asleep, by `ipcbench_ring`. */
static inline void
ipcbench_publish(struct word_lane *lane, size_t size)
{
    uint64_t number = (lane->count + 1) & (IPCBENCH_NUMBERS - 1);
    uint64_t head = (uint64_t)size << IPCBENCH_NUMBER_BITS | number;
    __atomic_store_n((uint64_t *)lane->slot, head, __ATOMIC_RELEASE);
    ipcbench_step(lane);
}

static inline ssize_t
ipcbench_word_send(struct word_lane *lane, const struct patience *how, const void *data,
                   size_t size)
{
    if (size > lane->size)
        return -EMSGSIZE;
    ssize_t found = ipcbench_loan(lane, how);
    if (found < 0)
        return found;
    ipcbench_fill(how, lane->slot + lane->offset, data, size);
    ipcbench_publish(lane, size);
    if (how->alone) /* a round trip is up to a tenth shorter by it; a batch gains nothing */
        ipcbench_own(lane->slot);
    if (how->sleeps)
        ipcbench_ring(lane->item);
    return 0;
}

/* Room for so many; a producer that spins waits for all of them, and leaves the consumer's line
 * alone meanwhile. One that sleeps takes what there is, or it would be woken for each. */
struct word_batch {
    struct word_lane *lane;
    uint64_t wanted;
};

static inline int
ipcbench_has_much_room(void *what)
{
    struct word_batch *batch = what;
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

/* How many may be sent in one go, or an error. */
static inline ssize_t
ipcbench_loan_many(struct word_lane *lane, const struct patience *how, size_t left)
{
    uint64_t wanted = ipcbench_batch(lane, left);
    uint64_t free = lane->depth - (lane->count - lane->known);
    if (free >= wanted)
        return (ssize_t)wanted;
    struct word_batch batch = {lane, how->sleeps || how->nowait ? 1 : wanted};
    ssize_t found = ipcbench_await(how, lane->room, ipcbench_has_much_room, &batch);
    if (found < 0)
        return found;
    free = lane->depth - (lane->count - lane->known);
    return (ssize_t)(free < wanted ? free : wanted);
}

static inline ssize_t
ipcbench_word_send_many(struct word_lane *lane, const struct patience *how, const void *data,
                        size_t size, size_t count)
{
    if (size > lane->size)
        return -EMSGSIZE;
    while (count > 0) {
        ssize_t batch = ipcbench_loan_many(lane, how, count);
        if (batch < 0)
            return batch;
        for (ssize_t i = 0; i < batch; i++) {
            ipcbench_fill(how, lane->slot + lane->offset, data, size);
            ipcbench_publish(lane, size);
        }
        if (how->sleeps)
            ipcbench_ring(lane->item);
        count -= batch;
    }
    return 0;
}

/* The consumer's side. */

/* Whether the message `ahead` of the next one is there. */
static inline int
ipcbench_is_there(const struct word_lane *lane, uint64_t ahead)
{
    char *slot = lane->slot + ahead * lane->stride;
    if (slot >= lane->end)
        slot -= lane->end - lane->slots;
    uint64_t head = __atomic_load_n((uint64_t *)slot, __ATOMIC_ACQUIRE);
    return (head & (IPCBENCH_NUMBERS - 1)) == ((lane->count + ahead + 1) & (IPCBENCH_NUMBERS - 1));
}

static inline int
ipcbench_has_item(void *what)
{
    return ipcbench_is_there(what, 0);
}

/* The length of the next message, which is there: as its sender has it, and any other process
 * that has the memory, so whoever takes the message holds it to the slot's size. */
static inline size_t
ipcbench_length(const struct word_lane *lane)
{
    return __atomic_load_n((uint64_t *)lane->slot, __ATOMIC_RELAXED) >> IPCBENCH_NUMBER_BITS;
}

/* All slots up to the next message's are the producer's again. */
static inline void
ipcbench_free(struct word_lane *lane, const struct patience *how)
{
    __atomic_store_n(lane->freed, lane->count, __ATOMIC_RELEASE);
    if (how->sleeps)
        ipcbench_ring(lane->room);
}

/* Take the next message, which is there; its slot is not yet given back. Its length, or
 * -EMSGSIZE: it is over all the same, or whoever asks next would get it again. */
static inline ssize_t
ipcbench_take(struct word_lane *lane, void *buffer, size_t size)
{
    size_t length = ipcbench_length(lane);
    if (size > lane->size)
        size = lane->size;
    if (length <= size)
        ipcbench_copy(buffer, lane->slot + lane->offset, length);
    ipcbench_step(lane);
    return length <= size ? (ssize_t)length : -EMSGSIZE;
}

static inline ssize_t
ipcbench_word_recv(struct word_lane *lane, const struct patience *how, void *buffer, size_t size)
{
    ssize_t found = ipcbench_await(how, lane->item, ipcbench_has_item, lane);
    if (found < 0)
        return found;
    found = ipcbench_take(lane, buffer, size);
    ipcbench_free(lane, how);
    return found;
}

static inline int
ipcbench_has_batch(void *what)
{
    struct word_batch *batch = what;
    return ipcbench_is_there(batch->lane, batch->wanted - 1);
}

/* How many messages may be taken in one go: 1 at least, or an error. Who spins waits for the
 * last of a batch, and leaves the lines alone that the producer writes meanwhile; that many fit
 * into the ring, since all before them have been given back. */
static inline ssize_t
ipcbench_await_many(struct word_lane *lane, const struct patience *how, size_t left)
{
    struct word_batch batch = {lane, ipcbench_batch(lane, left)};
    uint64_t wanted = batch.wanted;
    if (how->sleeps || how->nowait)
        batch.wanted = 1;
    ssize_t found = ipcbench_await(how, lane->item, ipcbench_has_batch, &batch);
    if (found < 0)
        return found;
    uint64_t there = batch.wanted;
    while (there < wanted && ipcbench_is_there(lane, there))
        there++;
    return (ssize_t)there;
}

static inline ssize_t
ipcbench_word_recv_many(struct word_lane *lane, const struct patience *how, void *buffer,
                        size_t size, size_t count)
{
    ssize_t answer = 0;
    while (count > 0) {
        ssize_t batch = ipcbench_await_many(lane, how, count);
        if (batch < 0)
            return batch;
        for (ssize_t i = 0; i < batch; i++) {
            ssize_t found = ipcbench_take(lane, buffer, size);
            if (found != (ssize_t)size)
                answer = found < 0 ? found : -EBADMSG;
        }
        ipcbench_free(lane, how);
        count -= batch;
    }
    return answer;
}

#endif
