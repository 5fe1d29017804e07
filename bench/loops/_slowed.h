/* The loop of slowed controls, and its delay: bench/loops/delay.py. Included by _loops.c alone. */
#ifndef IPCBENCH_SLOWED_H
#define IPCBENCH_SLOWED_H

#include "_loops.h"

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

#endif
