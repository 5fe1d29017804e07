/* The bodies of the loops that write every byte of a message before they send it, and read every
 * byte of one that they receive: see bench/loops/payloads/pool.py. Included by _loops.c alone.
 *
 * The same functions of the C library write and read in Python: memset(3) and memchr(3). */
#ifndef IPCBENCH_FRESH_H
#define IPCBENCH_FRESH_H

#include <string.h>

#include "_loops.h"

#define VALUES 251  /* of the bytes of messages, from 1 on */
#define ABSENT 0xFF /* a byte that no message contains */

/* The buffers in turn, and the value of the next message. */
struct turn {
    char *first, *next, *end;
    size_t row;
    int value;
};

static inline struct turn
turn_of(const struct block *block)
{
    char *first = block->pool;
    return (struct turn){
        .first = first,
        .next = first + block->number % block->rows * block->row,
        .end = first + block->rows * block->row,
        .row = block->row,
        .value = 1 + (int)(block->number % VALUES),
    };
}

static inline void
write_at(struct turn *turn, void *buffer, size_t size)
{
    memset(buffer, turn->value, size);
    turn->value = turn->value == VALUES ? 1 : turn->value + 1;
}

static inline char *
next_buffer(struct turn *turn)
{
    char *buffer = turn->next;
    turn->next = buffer + turn->row == turn->end ? turn->first : buffer + turn->row;
    return buffer;
}

static inline char *
next_written(struct turn *turn, size_t size)
{
    char *buffer = next_buffer(turn);
    write_at(turn, buffer, size);
    return buffer;
}

/* Write into a slot of the channel, and send it. */
static inline ssize_t
lend(const struct ipcbench_ops *ops, struct turn *turn, size_t size)
{
    void *slot;
    MUST(ops->loan(ops->ctx, &slot, size));
    write_at(turn, slot, size);
    return ops->commit(ops->ctx, size);
}

/* True if all bytes were read: memchr(3) stops at one that is found. */
static inline int
is_read(const void *buffer, size_t size)
{
    return memchr(buffer, ABSENT, size) == NULL;
}

/* The compiler may not move the writes and reads of memory across it, nor leave them out. */
#define MEMORY_BARRIER __asm__ volatile("" ::: "memory")

#define WRITE_AND_SEND MUST(ops.send(ops.ctx, next_written(&turn, size), size))
#define LEND_AND_SEND MUST(lend(&ops, &turn, size))
#define RECV_AND_READ                                                                              \
    do {                                                                                           \
        RECV;                                                                                      \
        read += is_read(buffer, size);                                                             \
    } while (0)

#define PREPARED_TURN                                                                              \
    PREPARED;                                                                                      \
    struct turn turn = turn_of(block)

/* Blocks of `step`, and the same with stamps behind the last ones. */
#define REPEATED(step)                                                                             \
    read_clock(&block->start);                                                                     \
    for (long long i = 0; i < count; i++) {                                                        \
        step;                                                                                      \
    }                                                                                              \
    read_clock(&block->end)

#define STAMPED(step)                                                                              \
    do {                                                                                           \
        int64_t *stamps = block->stamps;                                                           \
        const long long unstamped = count - block->stamped;                                        \
        for (long long i = 0; i < unstamped; i++) {                                                \
            step;                                                                                  \
        }                                                                                          \
        *stamps++ = stamp();                                                                       \
        for (long long i = unstamped; i < count; i++) {                                            \
            step;                                                                                  \
            *stamps++ = stamp();                                                                   \
        }                                                                                          \
    } while (0)

static ssize_t
fresh_ping(struct block *block)
{
    PREPARED_TURN;
    long long read = 0;
    REPEATED(WRITE_AND_SEND; RECV_AND_READ);
    block->handled = read;
    return 0;
}

static ssize_t
fresh_pong(struct block *block)
{
    PREPARED_TURN;
    long long read = 0;
    REPEATED(RECV_AND_READ; WRITE_AND_SEND);
    block->handled = read;
    return 0;
}

static ssize_t
stamped_fresh_ping(struct block *block)
{
    PREPARED_TURN;
    long long read = 0;
    STAMPED(WRITE_AND_SEND; RECV_AND_READ);
    block->handled = read;
    return 0;
}

static ssize_t
fresh_stream_sender(struct block *block)
{
    PREPARED_TURN;
    struct one_byte reply;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        WRITE_AND_SEND;
    MUST_BE(1, ops.recv(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    return 0;
}

static ssize_t
fresh_stream_receiver(struct block *block)
{
    PREPARED;
    struct one_byte reply = {.byte = {ACKNOWLEDGEMENT}};
    long long read = 0;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        RECV_AND_READ;
    MUST(ops.send(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    block->handled = read;
    return 0;
}

/* Several processes at one channel. */

static ssize_t
fresh_fan_in_sender(struct block *block)
{
    PREPARED_TURN;
    REPEATED(WRITE_AND_SEND);
    return 0;
}

static ssize_t
stamped_fresh_fan_in_sender(struct block *block)
{
    PREPARED_TURN;
    STAMPED(WRITE_AND_SEND);
    return 0;
}

static ssize_t
fresh_fan_in_receiver(struct block *block)
{
    PREPARED;
    long long read = 0;
    REPEATED(RECV_AND_READ);
    block->handled = read;
    return 0;
}

static ssize_t
fresh_fan_out_sender(struct block *block)
{
    PREPARED_TURN;
    const long long unmarked = count - block->marks;
    read_clock(&block->start);
    for (long long i = 0; i < unmarked; i++)
        WRITE_AND_SEND;
    for (long long i = unmarked; i < count; i++) {
        turn.value = END_MARK;
        WRITE_AND_SEND;
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
fresh_fan_out_receiver(struct block *block)
{
    PREPARED;
    const unsigned char *first = buffer;
    long long read = 0;
    read_clock(&block->start);
    do {
        RECV_AND_READ;
    } while (*first != END_MARK);
    read_clock(&block->end);
    block->handled = read;
    return 0;
}

/* A reply has the value of its message, so a client knows it, whatever the order of all of them. */
static ssize_t
fresh_serve(struct block *block)
{
    PREPARED_TURN;
    const unsigned char *first = buffer;
    long long read = 0;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        ssize_t index = ops.recv_from(ops.ctx, buffer, size);
        if (index < 0)
            return index;
        read += is_read(buffer, size);
        turn.value = *first;
        MUST(ops.send_to(ops.ctx, index, next_written(&turn, size), size));
    }
    read_clock(&block->end);
    block->handled = read;
    return 0;
}

/* In place: the sender writes into the channel's slots, and `recv` reads every byte there. */

static ssize_t
fresh_ping_in_place(struct block *block)
{
    PREPARED_TURN;
    REPEATED(LEND_AND_SEND; RECV);
    return 0;
}

static ssize_t
fresh_pong_in_place(struct block *block)
{
    PREPARED_TURN;
    REPEATED(RECV; LEND_AND_SEND);
    return 0;
}

static ssize_t
stamped_fresh_ping_in_place(struct block *block)
{
    PREPARED_TURN;
    STAMPED(LEND_AND_SEND; RECV);
    return 0;
}

static ssize_t
fresh_stream_sender_in_place(struct block *block)
{
    PREPARED_TURN;
    struct one_byte reply;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++)
        LEND_AND_SEND;
    MUST_BE(1, ops.recv(ops.ctx, reply.byte, 1));
    read_clock(&block->end);
    return 0;
}

static ssize_t
fresh_fan_in_sender_in_place(struct block *block)
{
    PREPARED_TURN;
    REPEATED(LEND_AND_SEND);
    return 0;
}

static ssize_t
stamped_fresh_fan_in_sender_in_place(struct block *block)
{
    PREPARED_TURN;
    STAMPED(LEND_AND_SEND);
    return 0;
}

/* One process alone. */

static ssize_t
fill(struct block *block)
{
    PREPARED_TURN;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        next_written(&turn, size);
        MEMORY_BARRIER;
    }
    read_clock(&block->end);
    return 0;
}

static ssize_t
scan(struct block *block)
{
    PREPARED_TURN;
    long long read = 0;
    read_clock(&block->start);
    for (long long i = 0; i < count; i++) {
        read += is_read(next_buffer(&turn), size);
        MEMORY_BARRIER;
    }
    read_clock(&block->end);
    block->handled = read;
    return 0;
}

#endif
