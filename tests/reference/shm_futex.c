/* Shared memory, with words for futex(2).
 *
 * The giver wakes only if the taker may sleep. Each side stores to one word and then loads the
 * other one, sequentially consistent, or the load could be executed before the store: the giver
 * sees `asleep`, or the taker sees the new total, and then the kernel does not let it sleep.
 */
#define HAS_DEPTH 1
#include "reference.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

struct words {
    _Atomic uint32_t total; /* given so far */
    _Atomic uint32_t asleep;
};

struct count {
    struct words *words;
    uint32_t taken;
};

static void make_count(struct count *count, char *line, unsigned initial)
{
    count->words = (struct words *)line;
    atomic_init(&count->words->total, initial);
}

static void take_one(struct count *count)
{
    struct words *words = count->words;

    while (atomic_load(&words->total) == count->taken) {
        atomic_store(&words->asleep, 1);
        syscall(SYS_futex, &words->total, FUTEX_WAIT, count->taken, NULL);
        atomic_store(&words->asleep, 0);
    }
    count->taken++;
}

static void give_one(struct count *count)
{
    atomic_fetch_add(&count->words->total, 1);
    if (atomic_load(&count->words->asleep))
        syscall(SYS_futex, &count->words->total, FUTEX_WAKE, 1);
}

static void destroy(void)
{
}

#include "ring.h"
