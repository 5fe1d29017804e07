/* The loops that let time pass between messages: those of slowed controls, with their delay
 * (bench/loops/delays/delay.py), and those of an open loop, with the resolution of their clock. Included by
 * _loops.c alone.
 *
 * The times of an open loop are those of bench/loops/open_loop/timetable.py: `stamps` of a sender
 * has the start of the schedule, and three numbers a message; that of a receiver has one number a
 * message. */
#ifndef IPCBENCH_PACED_H
#define IPCBENCH_PACED_H

#include "_loops.h"

#define MOST_READINGS 1000000
#define MOST_TURNS (INT64_C(1) << 40) /* of a delay: a few minutes */

/* Wait for the instructions before to end, so that none of a delay's is hidden behind them. */
static inline void
fence(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("lfence" ::: "memory"); /* Intel SDM 2A, LFENCE */
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* Spend some time in user mode: a chain of instructions that depend on each other. It is no inline
 * function, so that it is the same code where it is measured. */
static __attribute__((noinline)) void
spend(long long turns)
{
    fence();
    for (; turns > 0; turns--)
        __asm__ volatile("" : "+r"(turns));
    fence();
}

static ssize_t
slowed_ping(struct block *block)
{
    PREPARED;
    const long long turns = block->turns;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        SEND;
        RECV;
        spend(turns);
    }
    read_clock(&block->end);
    return 0;
}

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
