/* The bodies of the loops that transfer several messages a call. Included by _loops.c alone.
 *
 * The messages of a batch are sent together: where a call takes a part of them, the next one takes
 * the rest. The last batch is smaller where the count is no multiple. A receiver takes those that are
 * there, at most a batch, and no more than are due. */
#ifndef IPCBENCH_BATCHES_H
#define IPCBENCH_BATCHES_H

#include "_loops.h"

#define LARGEST_BATCH 1024 /* UIO_MAXIOV: sendmmsg(2) takes no more */

static inline size_t
batch_of(long long left, size_t batch)
{
    return left < (long long)batch ? (size_t)left : batch;
}

/* Leave the loop where an operation returns an error, no message, or more than were asked for. */
#define MUST_MOVE(moved, asked, call)                                                              \
    do {                                                                                           \
        (moved) = (call);                                                                          \
        if ((moved) < 1 || (moved) > (ssize_t)(asked))                                             \
            return (moved) < 0 ? (moved) : -EBADMSG;                                               \
    } while (0)

#define SEND_BATCHES                                                                               \
    for (long long left = count; left > 0;) {                                                      \
        size_t rest = batch_of(left, batch);                                                \
        left -= (long long)rest;                                                                   \
        while (rest > 0) {                                                                         \
            ssize_t sent;                                                                          \
            MUST_MOVE(sent, rest, ops.send_many(ops.ctx, message, message_size, rest));            \
            rest -= (size_t)sent;                                                                  \
        }                                                                                          \
    }

#define RECV_BATCHES                                                                               \
    for (long long left = count; left > 0;) {                                                      \
        ssize_t received;                                                                          \
        size_t most = batch_of(left, batch);                                                \
        MUST_MOVE(received, most, ops.recv_many(ops.ctx, buffer, size, most));                     \
        left -= received;                                                                          \
    }

static ssize_t
batched_stream_sender(struct block *block)
{
    PREPARED;
    const size_t batch = (size_t)block->batch;
    struct one_byte reply;
    read_clock(&block->start);
    SEND_BATCHES
    MUST_BE(1, ops.recv(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    return 0;
}

static ssize_t
batched_stream_receiver(struct block *block)
{
    PREPARED;
    const size_t batch = (size_t)block->batch;
    struct one_byte reply = {.byte = {ACKNOWLEDGEMENT}};
    read_clock(&block->start);
    RECV_BATCHES
    MUST(ops.send(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    return 0;
}

static ssize_t
batched_fan_in_sender(struct block *block)
{
    PREPARED;
    const size_t batch = (size_t)block->batch;
    read_clock(&block->start);
    SEND_BATCHES
    read_clock(&block->end);
    return 0;
}

static ssize_t
batched_fan_in_receiver(struct block *block)
{
    PREPARED;
    const size_t batch = (size_t)block->batch;
    read_clock(&block->start);
    RECV_BATCHES
    read_clock(&block->end);
    return 0;
}

#endif
