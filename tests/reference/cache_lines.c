/* The floor of a round trip between two CPUs: ping-pong over two cache lines, one each way.
 *
 * A message's number is all that there is, and SIZE bytes, which may be none, behind it: up to
 * 56 ride in the number's own line. Each is sent once the one before it has been answered, so
 * there is nothing else to agree on.
 */
#define PLAYS "pingpong"
#define SMALLEST 0
#include "reference.h"

#include <stdatomic.h>

struct line {
    _Atomic uint64_t number;
    char payload[];
};

static struct line *ways[2], *in, *out;
static uint64_t sent, received;

static void create(void)
{
    size_t bytes = lines(sizeof(struct line) + size);
    /* The next line is often fetched with the one asked for: the two are kept apart. */
    char *memory = shared_memory(2 * bytes + CACHE_LINE);

    ways[0] = (struct line *)memory;
    ways[1] = (struct line *)(memory + bytes + CACHE_LINE);
}

static void attach(enum side me)
{
    out = ways[me == A ? 0 : 1];
    in = ways[me == A ? 1 : 0];
}

static void put(const char *data, size_t length)
{
    memcpy(out->payload, data, length);
    atomic_store_explicit(&out->number, ++sent, memory_order_release);
}

static void take(char *buffer, size_t length)
{
    received++;
    while (atomic_load_explicit(&in->number, memory_order_acquire) != received)
        look_again();
    memcpy(buffer, in->payload, length);
}

static void destroy(void)
{
}
