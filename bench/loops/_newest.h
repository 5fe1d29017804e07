/* The loops of a newest value: twins of those in bench/patterns/newest/latest.py. Included by _loops.c alone. */
#ifndef IPCBENCH_LOOPS_NEWEST_H
#define IPCBENCH_LOOPS_NEWEST_H

#include <sched.h>
#include <string.h>

#include "_loops.h"

#define REST 3 /* times the duration of a publication: as in latest.py */

/* A value begins with its number and the time at which its publication began, and ends with its
 * number again. */
struct value {
    uint64_t number;
    int64_t sent;
};

#define LEAST_VALUE (sizeof(struct value) + sizeof(uint64_t))

/* A row of the board: see bench/patterns/newest/board.py. */
struct row {
    uint64_t ended, seen, missed, vain, torn, broken, unused[2];
};

static inline uint64_t
number_at_end(const void *value, size_t size)
{
    uint64_t number;
    memcpy(&number, (const char *)value + size - sizeof number, sizeof number);
    return number;
}

static inline void
rest_from(int64_t began)
{
    int64_t now = stamp(), until = now + REST * (now - began);
    do
        sched_yield();
    while (stamp() < until);
}

/* Its message is the value, and its buffer the board. */
static ssize_t
newest_publisher(struct block *block)
{
    PREPARED;
    struct value *value = (struct value *)message; /* it is writable: WRITES */
    const struct row *rows = buffer;
    const size_t readers = size / sizeof *rows;
    size_t ended = 0;
    long long published = 0;
    uint64_t number = value->number;
    read_clock(&block->start);
    while (ended < readers) {
        int64_t began = stamp();
        value->number = ++number;
        value->sent = began;
        memcpy((char *)value + message_size - sizeof number, &number, sizeof number);
        MUST(ops.publish(ops.ctx, value, message_size));
        published++;
        while (ended < readers && __atomic_load_n(&rows[ended].ended, __ATOMIC_ACQUIRE))
            ended++;
        rest_from(began);
    }
    read_clock(&block->end);
    block->handled = published;
    return 0;
}

/* Read a value that was published since `began`: 1, 0 for none, or -errno. */
static inline ssize_t
read_value(const struct ipcbench_ops *ops, void *buffer, size_t size, int64_t began)
{
    ssize_t length = ops->read(ops->ctx, buffer, size);
    if (length <= 0)
        return length;
    if ((size_t)length != size)
        return -EBADMSG;
    return ((const struct value *)buffer)->sent >= began ? 1 : 0;
}

/* Its message is its row, and its buffer receives the values. */
static ssize_t
newest_reader(struct block *block)
{
    PREPARED;
    struct row *shared = (struct row *)message, row = {.ended = 1}; /* writable, as above */
    const struct value *value = buffer;
    const uint64_t torn = (uint64_t)ops.torn(ops.ctx);
    uint64_t last = 0;
    read_clock(&block->start);
    const int64_t began = stamp();
    while (row.seen < (uint64_t)count) {
        ssize_t found = read_value(&ops, buffer, size, began);
        if (found < 0)
            return found;
        if (found == 0) {
            row.vain++;
            continue;
        }
        uint64_t number = value->number;
        if (number_at_end(buffer, size) != number || number <= last)
            row.broken++;
        else if (last)
            row.missed += number - last - 1;
        last = number;
        row.seen++;
    }
    read_clock(&block->end);
    row.torn = (uint64_t)ops.torn(ops.ctx) - torn;
    memcpy(&shared->seen, &row.seen, sizeof row - sizeof row.ended);
    __atomic_store_n(&shared->ended, 1, __ATOMIC_RELEASE);
    return 0;
}

/* The differences between the stamps are the ages of the last values. */
static ssize_t
stamped_newest_reader(struct block *block)
{
    PREPARED;
    struct row *shared = (struct row *)message;
    const struct value *value = buffer;
    int64_t *stamps = block->stamps;
    const long long unstamped = count - block->stamped;
    const int64_t began = stamp();
    *stamps = 0;
    for (long long seen = 0; seen < count;) {
        ssize_t found = read_value(&ops, buffer, size, began);
        if (found < 0)
            return found;
        if (found == 0)
            continue;
        if (seen++ >= unstamped) {
            stamps[1] = stamps[0] + stamp() - value->sent;
            stamps++;
        }
    }
    __atomic_store_n(&shared->ended, 1, __ATOMIC_RELEASE);
    return 0;
}

#endif
