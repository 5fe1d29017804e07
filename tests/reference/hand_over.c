/* The floor of a stream between two CPUs: one writes a block of memory, the other one copies it.
 *
 * There are DEPTH blocks, each with a flag on a line of its own, which names the side whose turn it
 * is. With one block the two sides work in turn; with several they work at the same time.
 */
#define PLAYS "stream"
#define HAS_DEPTH 1
#include "reference.h"

#include <stdatomic.h>

static char *blocks, *flags;
static _Atomic char *done; /* set by B: the acknowledgement */
static size_t at;
static enum side me;

static void create(void)
{
    blocks = shared_memory(depth * lines(size));
    flags = shared_memory((depth + 1) * CACHE_LINE);
    done = (_Atomic char *)(flags + depth * CACHE_LINE);
}

static void attach(enum side mine)
{
    me = mine;
}

static void wait_for(_Atomic char *flag, char value)
{
    while (atomic_load_explicit(flag, memory_order_acquire) != value)
        look_again();
}

/* Wait until the next block's flag is `mine`; return the block. */
static char *next(char mine)
{
    wait_for((_Atomic char *)(flags + at * CACHE_LINE), mine);
    return blocks + at * lines(size);
}

static void pass_on(char others)
{
    atomic_store_explicit((_Atomic char *)(flags + at * CACHE_LINE), others,
                          memory_order_release);
    at = at + 1 == depth ? 0 : at + 1;
}

static void put(const char *data, size_t length)
{
    if (me == B) {
        atomic_store_explicit(done, *data, memory_order_release);
        return;
    }
    memcpy(next(A), data, length);
    pass_on(B);
}

static void take(char *buffer, size_t length)
{
    if (me == A) {
        wait_for(done, 1); /* a message's first byte */
        *buffer = atomic_load_explicit(done, memory_order_relaxed);
        atomic_store_explicit(done, 0, memory_order_relaxed);
        return;
    }
    memcpy(buffer, next(B), length);
    pass_on(A);
}

static void destroy(void)
{
}
