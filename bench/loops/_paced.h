/* The loops of an open loop, and the resolution of their clock. Included by _loops.c alone.
 *
 * Their times are those of bench/loops/timetable.py: `times` of a sender has the start of the
 * schedule, and three numbers a message; that of a receiver has one number a message. */
#ifndef IPCBENCH_PACED_H
#define IPCBENCH_PACED_H

#include "_loops.h"

#define MOST_READINGS 1000000

/* No `pause` between two readings: it would make the sender late by some 40 to 140 cycles. */
static ssize_t
paced_sender(struct block *block)
{
    PREPARED;
    int64_t *const times = block->stamps;
    const int64_t *const due = times + 1;
    int64_t *const ready = times + 1 + count, *const sent = ready + count;
    read_clock(&block->start);
    const int64_t origin = stamp();
    times[0] = origin;
    for (long long i = 0; i < count; i++) {
        const int64_t until = origin + due[i];
        int64_t at = stamp();
        ready[i] = at;
        while (at < until)
            at = stamp();
        sent[i] = at;
        SEND;
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
paced_receiver(struct block *block)
{
    PREPARED;
    int64_t *const times = block->stamps;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        RECV;
        times[i] = stamp();
    }
    read_clock(&block->end);
    return 0;
}

/* Return the seconds of a reading, from `count` in a row. */
static double
resolution(long long count)
{
    const int64_t start = stamp();
    int64_t at = start;
    for (long long i = 0; i < count; i++)
        at = stamp();
    return (double)(at - start) / (double)NANOSECONDS / (double)count;
}

#endif
