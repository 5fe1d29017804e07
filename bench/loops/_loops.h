/* The timed loops themselves: see _loops.c, which alone includes this. */
#ifndef IPCBENCH_LOOPS_H
#define IPCBENCH_LOOPS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "transports/native/ops.h"

#define END_MARK 0xFF      /* of loops.py: tells a competing receiver to stop */
#define ACKNOWLEDGEMENT 6  /* of loops.py */
#define ALIGNMENT IPCBENCH_HEADROOM

/* One byte behind its headroom. */
struct one_byte {
    _Alignas(ALIGNMENT) char headroom[IPCBENCH_HEADROOM];
    char byte[ALIGNMENT];
};

struct play {
    const struct ipcbench_ops *ops;
    const void *message;
    size_t message_size;
    void *buffer;
    size_t size; /* of the buffer */
    long long count;
    int64_t *stamps; /* count + 1 of them, or NULL */
    /* What comes of it. */
    struct timespec start, end;
    long long handled;
};

typedef ssize_t (*loop)(struct play *play);

/* The clock of time.perf_counter: one for all processes of a machine. */
static inline void
look(struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
}

static inline int64_t
stamp(void)
{
    struct timespec now;
    look(&now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* What an operation returned is what it has to be; else the error, and for a message of
 * another length EBADMSG. */
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

/* What a loop reads of its play before it starts the clock. */
#define PREPARED                                                                                   \
    const struct ipcbench_ops ops = *play->ops;                                                    \
    const void *const message = play->message;                                                     \
    const size_t message_size = play->message_size;                                                \
    void *const buffer = play->buffer;                                                             \
    const size_t size = play->size;                                                                \
    const long long count = play->count;                                                           \
    (void)&ops, (void)message, (void)message_size, (void)buffer, (void)size, (void)count;          \
    play->handled = count

static ssize_t
send_all(const struct play *play)
{
    const struct ipcbench_ops ops = *play->ops;
    if (ops.send_many != NULL)
        return ops.send_many(ops.ctx, play->message, play->message_size, play->count);
    for (long long i = 0; i < play->count; i++)
        MUST(ops.send(ops.ctx, play->message, play->message_size));
    return 0;
}

/* Several at once hold each to `size` themselves: ops.h. */
static ssize_t
recv_all(const struct play *play)
{
    const struct ipcbench_ops ops = *play->ops;
    if (ops.recv_many != NULL)
        return ops.recv_many(ops.ctx, play->buffer, play->size, play->count);
    for (long long i = 0; i < play->count; i++)
        MUST_BE(play->size, ops.recv(ops.ctx, play->buffer, play->size));
    return 0;
}

static ssize_t
ping(struct play *play)
{
    PREPARED;
    look(&play->start);
    for (long long i = 0; i < count; i++) {
        SEND;
        RECV;
    }
    look(&play->end);
    return 0;
}

static ssize_t
pong(struct play *play)
{
    PREPARED;
    look(&play->start);
    for (long long i = 0; i < count; i++) {
        RECV;
        SEND;
    }
    look(&play->end);
    return 0;
}

static ssize_t
pour(struct play *play)
{
    PREPARED;
    struct one_byte reply;
    look(&play->start);
    MUST(send_all(play));
    MUST_BE(1, ops.recv(ops.ctx, reply.byte, 1));
    look(&play->end);
    return 0;
}

static ssize_t
drain(struct play *play)
{
    PREPARED;
    struct one_byte reply = {.byte = {ACKNOWLEDGEMENT}};
    look(&play->start);
    MUST(recv_all(play));
    MUST(ops.send(ops.ctx, reply.byte, 1));
    look(&play->end);
    return 0;
}

static ssize_t
emit(struct play *play)
{
    PREPARED;
    look(&play->start);
    MUST(send_all(play));
    look(&play->end);
    return 0;
}

static ssize_t
absorb(struct play *play)
{
    PREPARED;
    look(&play->start);
    MUST(recv_all(play));
    look(&play->end);
    return 0;
}

static ssize_t
compete(struct play *play)
{
    PREPARED;
    const unsigned char *first = buffer;
    long long handled = 0;
    look(&play->start);
    for (;;) {
        RECV;
        if (*first == END_MARK)
            break;
        handled++;
    }
    look(&play->end);
    play->handled = handled;
    return 0;
}

static ssize_t
serve(struct play *play)
{
    PREPARED;
    look(&play->start);
    for (long long i = 0; i < count; i++) {
        ssize_t index = ops.recv_from(ops.ctx, buffer, size);
        if (index < 0)
            return index;
        MUST(ops.send_to(ops.ctx, index, message, message_size));
    }
    look(&play->end);
    return 0;
}

static ssize_t
nudge(struct play *play)
{
    PREPARED;
    look(&play->start);
    for (long long i = 0; i < count; i++) {
        MUST(ops.notify(ops.ctx));
        MUST(ops.wait(ops.ctx));
    }
    look(&play->end);
    return 0;
}

static ssize_t
answer(struct play *play)
{
    PREPARED;
    look(&play->start);
    for (long long i = 0; i < count; i++) {
        MUST(ops.wait(ops.ctx));
        MUST(ops.notify(ops.ctx));
    }
    look(&play->end);
    return 0;
}

static ssize_t
count_up(struct play *play)
{
    PREPARED;
    /* A load and a store, as in Python: what keeps others out is the guard alone. */
    volatile uint64_t *variable = buffer;
    look(&play->start);
    for (long long i = 0; i < count; i++) {
        MUST(ops.acquire(ops.ctx));
        *variable = *variable + 1;
        MUST(ops.leave(ops.ctx));
    }
    look(&play->end);
    return 0;
}

static ssize_t
stamped_ping(struct play *play)
{
    PREPARED;
    int64_t *stamps = play->stamps;
    *stamps++ = stamp();
    for (long long i = 0; i < count; i++) {
        SEND;
        RECV;
        *stamps++ = stamp();
    }
    return 0;
}

static ssize_t
stamped_nudge(struct play *play)
{
    PREPARED;
    int64_t *stamps = play->stamps;
    *stamps++ = stamp();
    for (long long i = 0; i < count; i++) {
        MUST(ops.notify(ops.ctx));
        MUST(ops.wait(ops.ctx));
        *stamps++ = stamp();
    }
    return 0;
}

#endif
