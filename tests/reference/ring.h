/* A bounded buffer in shared memory for each direction: slots, and two counts.
 *
 * The including program defines how to wait: `struct count`, and functions that make a count, take
 * one from it (and wait until there is one) and give one to it. One process takes and one gives;
 * stores before `give_one` are visible after `take_one`.
 */
#ifndef RING_H
#define RING_H

struct ring {
    struct count free_slots, used_slots;
    size_t *lengths;
    char *slots;
    size_t at; /* this side's next slot */
};

static struct ring rings[2], *in, *out;

static size_t ring_bytes(void)
{
    return 2 * CACHE_LINE + lines(depth * sizeof(size_t)) + depth * lines(size);
}

static void make_ring(struct ring *ring, char *memory)
{
    make_count(&ring->free_slots, memory, depth);
    make_count(&ring->used_slots, memory + CACHE_LINE, 0);
    ring->lengths = (size_t *)(memory + 2 * CACHE_LINE);
    ring->slots = memory + 2 * CACHE_LINE + lines(depth * sizeof(size_t));
}

static void create(void)
{
    char *memory = shared_memory(2 * ring_bytes());

    make_ring(&rings[0], memory);
    make_ring(&rings[1], memory + ring_bytes());
}

static void attach(enum side me)
{
    out = &rings[me == A ? 0 : 1];
    in = &rings[me == A ? 1 : 0];
}

static void put(const char *data, size_t length)
{
    take_one(&out->free_slots);
    memcpy(out->slots + out->at * lines(size), data, length);
    out->lengths[out->at] = length;
    give_one(&out->used_slots);
    out->at = out->at + 1 == depth ? 0 : out->at + 1;
}

static void take(char *buffer, size_t length)
{
    take_one(&in->used_slots);
    if (in->lengths[in->at] != length)
        fail("another length");
    memcpy(buffer, in->slots + in->at * lines(size), length);
    give_one(&in->free_slots);
    in->at = in->at + 1 == depth ? 0 : in->at + 1;
}

#endif
