/* A ring of messages in shared memory for each direction, and a doorbell for each process.
 *
 * A slot has the number of its message, counted from 1, the message's length and its bytes. The
 * receiver waits until its next slot has the next number. It counts the messages that it has
 * received in `received`, for the sender, which waits while the ring is full.
 *
 * A process that waits announces in its doorbell that it will sleep, looks again, and then sleeps.
 * Each side stores to one word and then loads the other one, with a full fence between them, or the
 * load could be executed before the store: so either the process that looks again sees the store,
 * or the other one sees the announcement and wakes it. An announcement stands until it has slept.
 *
 * The sender wakes the receiver after each message, the receiver the sender twice a lap.
 *
 * The including program defines `struct sleeper`, and functions that make one and with which a
 * process sleeps and is woken. With SPINS there are no doorbells: a process looks until there is
 * work.
 */
#ifndef RING_H
#define RING_H

#include <stdatomic.h>

#ifndef SPINS
#define SPINS 0
#endif

struct slot {
    _Atomic uint32_t number;
    uint32_t length;
    char bytes[];
};

/* A direction, as one side sees it. */
struct ring {
    _Atomic uint64_t *received; /* by its receiver */
    char *slots;
    size_t at;      /* this side's next slot */
    uint64_t count; /* messages that this side has sent, or received */
    uint64_t known; /* the sender's last look at `received` */
};

struct doorbell {
    _Atomic uint32_t *word; /* odd: the process will sleep, or sleeps; rises with each wake-up */
    uint32_t announced;     /* the word's value; 0: it has announced nothing */
    struct sleeper sleeper;
};

static struct ring rings[2], *in, *out;
static struct doorbell doorbells[2], *own, *other;
static size_t slot_bytes;

static size_t ring_bytes(void)
{
    return 2 * CACHE_LINE + lines(depth * slot_bytes);
}

static void create(void)
{
    bool small = size <= 256;
    char *memory;

    /* Small messages share lines, so that fewer are fetched. The bytes of larger ones start on a
     * line, behind the number: aligned copies are faster. */
    slot_bytes = sizeof(struct slot) + size;
    slot_bytes = small ? (slot_bytes + 7) / 8 * 8 : lines(slot_bytes);
    memory = shared_memory(2 * ring_bytes() + 4 * CACHE_LINE);
    for (int i = 0; i < 2; i++, memory += ring_bytes()) {
        rings[i].received = (_Atomic uint64_t *)memory;
        rings[i].slots = memory + 2 * CACHE_LINE - (small ? 0 : sizeof(struct slot));
    }
    for (int i = 0; i < 2; i++, memory += 2 * CACHE_LINE) {
        doorbells[i].word = (_Atomic uint32_t *)memory;
        make_sleeper(&doorbells[i].sleeper, doorbells[i].word, memory + CACHE_LINE);
    }
}

static void attach(enum side me)
{
    out = &rings[me == A ? 0 : 1];
    in = &rings[me == A ? 1 : 0];
    own = &doorbells[me];
    other = &doorbells[me == A ? B : A];
}

static inline struct slot *slot_of(const struct ring *ring)
{
    return (struct slot *)(ring->slots + ring->at * slot_bytes);
}

static inline void advance(struct ring *ring)
{
    ring->count++;
    ring->at = ring->at + 1 == depth ? 0 : ring->at + 1;
}

/* Between two looks of a process that waits: announce that it will sleep, or sleep. */
static inline void pause_once(void)
{
    if (SPINS) {
        relax();
    } else if (!own->announced) {
        own->announced = atomic_fetch_or(own->word, 1) | 1;
        atomic_thread_fence(memory_order_seq_cst);
    } else {
        sleep_once(&own->sleeper, own->announced);
        own->announced = 0;
    }
}

/* Wake the other process if it sleeps, or will. */
static inline void ring_doorbell(void)
{
    uint32_t seen;

    if (SPINS)
        return;
    atomic_thread_fence(memory_order_seq_cst);
    seen = atomic_load_explicit(other->word, memory_order_relaxed);
    if (seen % 2 == 1 && atomic_compare_exchange_strong(other->word, &seen, seen + 1))
        wake(&other->sleeper);
}

static inline bool has_free_slot(void)
{
    if (out->count - out->known == depth)
        out->known = atomic_load_explicit(out->received, memory_order_acquire);
    return out->count - out->known < depth;
}

static void put(const char *data, size_t length)
{
    struct slot *slot = slot_of(out);

    while (!has_free_slot())
        pause_once();
    memcpy(slot->bytes, data, length);
    slot->length = length;
    advance(out);
    atomic_store_explicit(&slot->number, (uint32_t)out->count, memory_order_release);
    ring_doorbell();
}

static void take(char *buffer, size_t length)
{
    struct slot *slot = slot_of(in);
    uint32_t next = in->count + 1;

    while (atomic_load_explicit(&slot->number, memory_order_acquire) != next)
        pause_once();
    if (slot->length != length)
        fail("another length");
    memcpy(buffer, slot->bytes, length);
    advance(in);
    atomic_store_explicit(in->received, in->count, memory_order_release);
    if (in->at == 0 || in->at == (depth + 1) / 2)
        ring_doorbell();
}

#endif
