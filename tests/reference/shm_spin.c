/* Shared memory, with words on which the processes spin.
 *
 * Each side keeps its last value of the other side's word, and loads the word again only when
 * that value does not suffice.
 */
#define HAS_DEPTH 1
#include "reference.h"

#include <stdatomic.h>

struct count {
    _Atomic uint64_t *total; /* given so far */
    uint64_t given, taken, seen;
};

static void make_count(struct count *count, char *line, unsigned initial)
{
    count->total = (_Atomic uint64_t *)line;
    count->given = initial;
    atomic_init(count->total, initial);
}

static void take_one(struct count *count)
{
    while (count->seen == count->taken) {
        count->seen = atomic_load_explicit(count->total, memory_order_acquire);
        if (count->seen == count->taken)
            relax();
    }
    count->taken++;
}

static void give_one(struct count *count)
{
    atomic_store_explicit(count->total, ++count->given, memory_order_release);
}

static void destroy(void)
{
}

#include "ring.h"
