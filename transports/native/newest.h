/* Newest value of one publisher in shared memory, for any number of readers, without a lock.
 *
 * Header-only and free of Python, so that tests can run it between threads (tests/native).
 * latest/memory.py has the same in Python: an end of each kind can share a channel.
 *
 * There are one or more *buffers*, each with a *sequence*. Value n, from 1 on, goes into buffer
 * n % buffers. Its sequence is 2n - 1 while the value is written, and 2n when it is whole. With one
 * buffer, this is the sequence lock of Linux's include/linux/seqlock.h. With several, the word
 * `newest` has the number of the last whole value; its buffer is written again only after all
 * others, so a reader has that much time to copy it.
 *
 * A reader copies the bytes and then compares the sequence with the one that it saw before. Where
 * it has changed, the copy is *torn* and is discarded. The publisher never waits, and a call of the
 * reader neither: it returns 0, and the next call looks again.
 *
 * Order: the publisher stores the odd sequence before the bytes, and the even one behind them; the
 * reader loads the sequence before the bytes, and again behind them. A reader that copied a byte of
 * a later value so sees another sequence. Both sides need a fence for it, between the sequence and
 * bytes that are copied by memcpy(3) (Boehm, "Can seqlocks get along with programming language
 * memory models?", 2012). ThreadSanitizer knows no fences, so under it the bytes are copied by
 * atomic operations, which need none.
 *
 * Layout, each part on pairs of cache lines of its own:
 *   newest      8 bytes
 *   heads       one for each buffer: its sequence, and the length of its value, 8 bytes each
 *   values      from a page's size on each begins on a page, since aligned copies are faster */
#ifndef IPCBENCH_NEWEST_H
#define IPCBENCH_NEWEST_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "spinning.h"

#define IPCBENCH_NEWEST_LINES ((size_t)128)
#define IPCBENCH_NEWEST_PAGE ((size_t)4096)
/* From so many bytes on, memcpy(3) may store past the caches on x86, which keeps no order with
 * earlier stores (Intel SDM 3A, 8.2.2): the least x86_non_temporal_threshold of glibc
 * (sysdeps/x86/dl-cacheinfo.h). It orders the stores behind them itself. */
#define IPCBENCH_NEWEST_STREAMED ((size_t)0x4040)

struct newest_head {
    uint64_t sequence, length;
    char rest[112];
};

/* One end's view: private, but for the memory that it points to. */
struct newest {
    uint64_t *newest;
    struct newest_head *heads;
    char *values;
    size_t buffers, size, stride;
    uint64_t number; /* of the last value that this end has published, or read */
    uint64_t torn;   /* copies that this end has discarded */
    struct wait_policy policy;
};

static inline size_t
ipcbench_newest_align(size_t bytes, size_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

static inline size_t
ipcbench_newest_alignment(size_t size)
{
    return size >= IPCBENCH_NEWEST_PAGE ? IPCBENCH_NEWEST_PAGE : IPCBENCH_NEWEST_LINES;
}

/* The place of the first value. */
static inline size_t
ipcbench_newest_values(size_t size, size_t buffers)
{
    size_t heads = IPCBENCH_NEWEST_LINES + buffers * sizeof(struct newest_head);
    return ipcbench_newest_align(heads, ipcbench_newest_alignment(size));
}

static inline size_t
ipcbench_newest_bytes(size_t size, size_t buffers)
{
    return ipcbench_newest_values(size, buffers) +
           buffers * ipcbench_newest_align(size, ipcbench_newest_alignment(size));
}

static inline void
ipcbench_newest_init(struct newest *end, char *memory, size_t size, size_t buffers)
{
    *end = (struct newest){
        .newest = (uint64_t *)memory,
        .heads = (struct newest_head *)(memory + IPCBENCH_NEWEST_LINES),
        .values = memory + ipcbench_newest_values(size, buffers),
        .buffers = buffers,
        .size = size,
        .stride = ipcbench_newest_align(size, ipcbench_newest_alignment(size)),
    };
}

#if defined(__SANITIZE_THREAD__)
#define IPCBENCH_NEWEST_ATOMIC 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IPCBENCH_NEWEST_ATOMIC 1
#endif
#endif

/* Copy into the shared buffer, behind the store of the odd sequence. */
static inline void
ipcbench_newest_write(char *to, const char *from, size_t size)
{
#ifdef IPCBENCH_NEWEST_ATOMIC
    for (size_t i = 0; i < size; i++)
        __atomic_store_n(to + i, from[i], __ATOMIC_RELEASE);
#else
    __atomic_thread_fence(__ATOMIC_RELEASE);
#if defined(__x86_64__)
    if (size >= IPCBENCH_NEWEST_STREAMED)
        __builtin_ia32_sfence();
#endif
    memcpy(to, from, size);
#endif
}

/* Copy out of the shared buffer, before the second load of the sequence. */
static inline void
ipcbench_newest_copy(char *to, const char *from, size_t size)
{
#ifdef IPCBENCH_NEWEST_ATOMIC
    for (size_t i = 0; i < size; i++)
        to[i] = __atomic_load_n(from + i, __ATOMIC_ACQUIRE);
#else
    memcpy(to, from, size);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
}

/* The number of the last value that was published whole. */
static inline uint64_t
ipcbench_newest_number(const struct newest *end)
{
    if (end->buffers == 1)
        return __atomic_load_n(&end->heads->sequence, __ATOMIC_ACQUIRE) / 2;
    return __atomic_load_n(end->newest, __ATOMIC_ACQUIRE);
}

static inline ssize_t
ipcbench_newest_publish(struct newest *end, const void *data, size_t size)
{
    if (size == 0)
        return -EINVAL;
    if (size > end->size)
        return -EMSGSIZE;
    uint64_t number = ++end->number;
    size_t at = number % end->buffers;
    struct newest_head *head = end->heads + at;
    __atomic_store_n(&head->sequence, 2 * number - 1, __ATOMIC_RELAXED);
    ipcbench_newest_write(end->values + at * end->stride, data, size);
    __atomic_store_n(&head->length, size, __ATOMIC_RELAXED);
    __atomic_store_n(&head->sequence, 2 * number, __ATOMIC_RELEASE);
    __atomic_store_n(end->newest, number, __ATOMIC_RELEASE);
    return 0;
}

/* Nothing newer can be had now. */
static inline ssize_t
ipcbench_newest_none(const struct newest *end)
{
    ipcbench_pass_time(&end->policy, IPCBENCH_POLL_BUDGET);
    return 0;
}

static inline ssize_t
ipcbench_newest_read(struct newest *end, void *buffer, size_t size)
{
    uint64_t number = ipcbench_newest_number(end);
    if (number == end->number)
        return ipcbench_newest_none(end);
    size_t at = number % end->buffers;
    struct newest_head *head = end->heads + at;
    if (__atomic_load_n(&head->sequence, __ATOMIC_ACQUIRE) != 2 * number)
        return ipcbench_newest_none(end); /* it is being written */
    uint64_t length = __atomic_load_n(&head->length, __ATOMIC_RELAXED);
    int fits = length <= size && length <= end->size; /* another process may write any length */
    ipcbench_newest_copy(buffer, end->values + at * end->stride, fits ? length : 0);
    if (__atomic_load_n(&head->sequence, __ATOMIC_RELAXED) != 2 * number) {
        end->torn++;
        return ipcbench_newest_none(end);
    }
    if (!fits)
        return -EMSGSIZE;
    end->number = number;
    return (ssize_t)length;
}

#endif
