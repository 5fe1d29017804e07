/* The bodies of the timed loops. Included by _loops.c alone.
 *
 * One call transfers one message in each of them, as in Python, but in those of _batches.h. */
#ifndef IPCBENCH_LOOPS_H
#define IPCBENCH_LOOPS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "transports/native/ops.h"

/* As in bench/loops/messages.py. */
#define END_MARK 0xFE      /* first byte of the message that stops a competing receiver */
#define ACKNOWLEDGEMENT 6
#define ALIGNMENT IPCBENCH_HEADROOM
#define NANOSECONDS INT64_C(1000000000) /* of a second */
#define LONGEST_PAUSE (60 * NANOSECONDS)

/* One byte, with its headroom before it. */
struct one_byte {
    _Alignas(ALIGNMENT) char headroom[IPCBENCH_HEADROOM];
    char byte[ALIGNMENT];
};

struct block {
    const struct ipcbench_ops *ops;
    const struct ipcbench_ops *receiving; /* the other end's, where one process holds both */
    const void *message;
    size_t message_size;
    void *buffer;
    size_t size; /* of the buffer */
    long long count;
    long long pause; /* in nanoseconds, of the loops that pause */
    long long turns; /* of the delay, of the loops that have one */
    long long batch; /* messages of a call, of the loops with batches: see _batches.h */
    long long marks; /* the last so many of `count` messages carry the end mark */
    /* Of the loops that write messages anew: see _fresh.h. */
    long long number; /* of the first message, from 0 on */
    void *pool;       /* `rows` buffers, `row` bytes from each one to the next */
    long long rows;
    size_t row;
    int64_t *stamps;   /* stamped + 1 of them, or NULL */
    long long stamped; /* the last so many of `count` loops lie between stamps */
    /* Results. */
    struct timespec start, end;
    long long handled;
};

typedef ssize_t (*loop)(struct block *block);

/* Read the clock of time.perf_counter, which all processes of a machine share. */
static inline void
read_clock(struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
}

static inline double
seconds(const struct timespec *at)
{
    return (double)at->tv_sec + 1e-9 * (double)at->tv_nsec;
}

static inline int64_t
stamp(void)
{
    struct timespec now;
    read_clock(&now);
    return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

/* Leave the loop where an operation returns an error, or another length than is due: EBADMSG. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        ssize_t failed_ = (call);                                                                  \
        if (failed_ < 0)                                                                           \
            return failed_;                                                                        \
    } while (0)

#define MUST_BE(wanted, call)                                                                      \
    do {                                                                                           \
        ssize_t found_ = (call);                                                                   \
        if (found_ != (ssize_t)(wanted))                                                           \
            return found_ < 0 ? found_ : -EBADMSG;                                                 \
    } while (0)

#define SEND MUST(ops.send(ops.ctx, message, message_size))
#define RECV MUST_BE(size, ops.recv(ops.ctx, buffer, size))

/* Read the block into locals before the clock starts. */
#define PREPARED                                                                                   \
    const struct ipcbench_ops ops = *block->ops;                                                   \
    const void *const message = block->message;                                                    \
    const size_t message_size = block->message_size;                                               \
    void *const buffer = block->buffer;                                                            \
    const size_t size = block->size;                                                               \
    const long long count = block->count;                                                          \
    (void)&ops, (void)message, (void)message_size, (void)buffer, (void)size, (void)count;          \
    block->handled = count

static ssize_t
ping(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        SEND;
        RECV;
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
send_and_receive(struct block *block)
{
    PREPARED;
    const struct ipcbench_ops receiving = *block->receiving;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        SEND;
        MUST_BE(size, receiving.recv(receiving.ctx, buffer, size));
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
pong(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        RECV;
        SEND;
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
stream_sender(struct block *block)
{
    PREPARED;
    struct one_byte reply;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        SEND;
    MUST_BE(1, ops.recv(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    return 0;
}

static ssize_t
stream_receiver(struct block *block)
{
    PREPARED;
    struct one_byte reply = {.byte = {ACKNOWLEDGEMENT}};
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        RECV;
    MUST(ops.send(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    return 0;
}

static ssize_t
fan_in_sender(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        SEND;
    read_clock(&block->end);
    return 0;
}

static ssize_t
fan_in_receiver(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        RECV;
    read_clock(&block->end);
    return 0;
}

/* The buffer is the memory of the message: the mark costs no other one, which would lie in another
 * place of the caches. */
static ssize_t
fan_out_sender(struct block *block)
{
    PREPARED;
    unsigned char *const first = buffer, plain = *first;
    const long long unmarked = count - block->marks;
    read_clock(&block->start);
    for (long long i = 0; i < unmarked; i++)
        SEND;
    *first = END_MARK;
    for (long long i = unmarked; i < count; i++)
        SEND;
    read_clock(&block->end);
    *first = plain;
    return 0;
}

static ssize_t
fan_out_receiver(struct block *block)
{
    PREPARED;
    const unsigned char *first = buffer;
    long long handled = 0;
    read_clock(&block->start);
    do {
        RECV;
        handled++;
    } while (*first != END_MARK);
    read_clock(&block->end);
    block->handled = handled;
    return 0;
}

static ssize_t
serve(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        ssize_t index = ops.recv_from(ops.ctx, buffer, size);
        if (index < 0)
            return index;
        MUST(ops.send_to(ops.ctx, index, message, message_size));
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
signal_initiator(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        MUST(ops.notify(ops.ctx));
        MUST(ops.wait(ops.ctx));
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
signal_responder(struct block *block)
{
    PREPARED;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        MUST(ops.wait(ops.ctx));
        MUST(ops.notify(ops.ctx));
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
count_up(struct block *block)
{
    PREPARED;
    /* A load and a store, as in Python: nothing but the guard excludes the other processes. */
    volatile uint64_t *variable = buffer;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        MUST(ops.acquire(ops.ctx));
        *variable = *variable + 1;
        MUST(ops.leave(ops.ctx));
    }
    read_clock(&block->end);
    return 0;
}

/* Sleep. The time is absolute, so a signal that interrupts the sleep does not lengthen it:
 * clock_nanosleep(2). */
static void
sleep_for(long long nanoseconds)
{
    struct timespec until;
    read_clock(&until);
    long long whole = until.tv_nsec + nanoseconds;
    until.tv_sec += whole / NANOSECONDS;
    until.tv_nsec = whole % NANOSECONDS;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* The block ends after the sum of the round trips: the pauses are not timed. */
static ssize_t
paused_ping(struct block *block)
{
    PREPARED;
    int64_t total = 0;
    for (long long i = 0; i < count; i++) {
        sleep_for(block->pause);
        int64_t start = stamp();
        SEND;
        RECV;
        total += stamp() - start;
    }
    block->end.tv_sec = total / NANOSECONDS;
    block->end.tv_nsec = total % NANOSECONDS;
    return 0;
}

/* The differences between the stamps are the round trips, without the pauses. */
static ssize_t
stamped_paused_ping(struct block *block)
{
    PREPARED;
    int64_t *stamps = block->stamps;
    const long long unstamped = count - block->stamped;
    *stamps = 0;
    for (long long i = 0; i < count; i++) {
        sleep_for(block->pause);
        int64_t start = stamp();
        SEND;
        RECV;
        if (i >= unstamped) {
            stamps[1] = stamps[0] + stamp() - start;
            stamps++;
        }
    }
    return 0;
}

static ssize_t
stamped_ping(struct block *block)
{
    PREPARED;
    int64_t *stamps = block->stamps;
    const long long unstamped = count - block->stamped;
    for (long long i = 0; i < unstamped; i++) {
        SEND;
        RECV;
    }
    *stamps++ = stamp();
    for (long long i = unstamped; i < count; i++) {
        SEND;
        RECV;
        *stamps++ = stamp();
    }
    return 0;
}

static ssize_t
stamped_fan_in_sender(struct block *block)
{
    PREPARED;
    int64_t *stamps = block->stamps;
    const long long unstamped = count - block->stamped;
    for (long long i = 0; i < unstamped; i++)
        SEND;
    *stamps++ = stamp();
    for (long long i = unstamped; i < count; i++) {
        SEND;
        *stamps++ = stamp();
    }
    return 0;
}

static ssize_t
stamped_signal_initiator(struct block *block)
{
    PREPARED;
    int64_t *stamps = block->stamps;
    const long long unstamped = count - block->stamped;
    for (long long i = 0; i < unstamped; i++) {
        MUST(ops.notify(ops.ctx));
        MUST(ops.wait(ops.ctx));
    }
    *stamps++ = stamp();
    for (long long i = unstamped; i < count; i++) {
        MUST(ops.notify(ops.ctx));
        MUST(ops.wait(ops.ctx));
        *stamps++ = stamp();
    }
    return 0;
}

#endif
