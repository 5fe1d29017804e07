/* The floor of a round trip between two CPUs: ping-pong over DEPTH cache lines in each direction.
 *
 * A message is a number and SIZE bytes, or none, behind it: up to 56 are in the line of the number.
 * Each message is sent after the answer to the one before, so no other synchronization is needed.
 * With one line in each direction, the sender must fetch it from the core that still reads it; with
 * several, it prefetches the next one while it waits for the answer.
 */
#define PLAYS "pingpong"
#define SMALLEST 0
#define HAS_DEPTH 1
#include "reference.h"

#include <stdatomic.h>

struct line {
    _Atomic uint64_t number;
    char payload[];
};

/* Prefetch a line for writing. */
static inline void prefetch_for_write(const char *line)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* One direction, as one side sees it. */
struct way {
    char *start, *end;
    char *at; /* the next message's line */
    uint64_t passed;
};

static struct way ways[2], *in, *out;
static size_t apart; /* bytes from line to line */

static void create(void)
{
    char *memory;

    /* The processor often fetches the adjacent line too: leave it unused. */
    apart = lines(sizeof(struct line) + size) + CACHE_LINE;
    memory = shared_memory(2 * depth * apart);
    for (int i = 0; i < 2; i++, memory += depth * apart)
        ways[i] = (struct way){memory, memory + depth * apart, memory, 0};
}

static void attach(enum side me)
{
    out = &ways[me == A ? 0 : 1];
    in = &ways[me == A ? 1 : 0];
}

/* Return the line of the next message; advance `at`. */
static struct line *next(struct way *way)
{
    struct line *line = (struct line *)way->at;

    way->passed++;
    way->at += apart;
    if (way->at == way->end)
        way->at = way->start;
    return line;
}

static void put(const char *data, size_t length)
{
    struct line *line = next(out);

    memcpy(line->payload, data, length);
    atomic_store_explicit(&line->number, out->passed, memory_order_release);
    if (depth > 1)
        prefetch_for_write(out->at);
}

static void take(char *buffer, size_t length)
{
    struct line *line = next(in);

    while (atomic_load_explicit(&line->number, memory_order_acquire) != in->passed)
        look_again();
    memcpy(buffer, line->payload, length);
}

static void destroy(void)
{
}
