/* The loops that access places of a file: bench/patterns/single/file.py. Included by _loops.c alone.
 *
 * The places are those of bench/patterns/single/places.py. */
#ifndef IPCBENCH_PLACES_H
#define IPCBENCH_PLACES_H

#include "_loops.h"

/* The place of an access of that number, among 2^bits: a permutation. */
static inline uint64_t
place_of(uint64_t number, unsigned bits)
{
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    const unsigned half = bits / 2 + 1;
    uint64_t place = number * UINT64_C(0x9E3779B97F4A7C15) & mask;
    place ^= place >> half;
    place = place * UINT64_C(0xD1B54A32D192ED03) & mask;
    return place ^ place >> half;
}

/* Set `extent` to the bytes of the file, and leave where it has no place of this size. */
#define PLACED(bytes)                                                                              \
    PREPARED;                                                                                      \
    const ssize_t extent = ops.extent(ops.ctx);                                                    \
    if (extent < 0)                                                                                \
        return extent;                                                                             \
    if ((bytes) == 0 || (size_t)extent < (bytes))                                                  \
        return -EINVAL;                                                                            \
    const uint64_t places = (uint64_t)extent / (bytes)

#define IN_ORDER(bytes, access)                                                                    \
    PLACED(bytes);                                                                                 \
    const uint64_t end = places * (bytes);                                                         \
    uint64_t place = (uint64_t)block->number % places * (bytes);                                   \
    read_clock(&block->start);                                                                     \
    for (long long i = 0; i < count; i++) {                                                        \
        MUST_BE(bytes, access);                                                                    \
        place += (bytes);                                                                          \
        if (place == end)                                                                          \
            place = 0;                                                                             \
    }                                                                                              \
    read_clock(&block->end);                                                                       \
    return 0

#define AT_RANDOM(bytes, access)                                                                   \
    PLACED(bytes);                                                                                 \
    const unsigned bits = 63 - __builtin_clzll(places);                                            \
    const uint64_t number = block->number;                                                         \
    read_clock(&block->start);                                                                     \
    for (long long i = 0; i < count; i++) {                                                        \
        const uint64_t place = place_of(number + i, bits) * (bytes);                               \
        MUST_BE(bytes, access);                                                                    \
    }                                                                                              \
    read_clock(&block->end);                                                                       \
    return 0

static ssize_t
read_in_order(struct block *block)
{
    IN_ORDER(size, ops.read_at(ops.ctx, buffer, size, place));
}

static ssize_t
read_at_random(struct block *block)
{
    AT_RANDOM(size, ops.read_at(ops.ctx, buffer, size, place));
}

static ssize_t
write_in_order(struct block *block)
{
    IN_ORDER(message_size, ops.write_at(ops.ctx, message, message_size, place));
}

static ssize_t
write_at_random(struct block *block)
{
    AT_RANDOM(message_size, ops.write_at(ops.ctx, message, message_size, place));
}

#endif
