/* Shared memory, with counters of eventfd(2); each read takes one (EFD_SEMAPHORE). */
#define HAS_DEPTH 1
#include "reference.h"

#include <sys/eventfd.h>

struct count {
    int fd;
};

static void make_count(struct count *count, char *line, unsigned initial)
{
    (void)line; /* the counter is in the kernel */
    count->fd = must(eventfd(initial, EFD_SEMAPHORE), "eventfd");
}

static void take_one(struct count *count)
{
    uint64_t one;

    must(read(count->fd, &one, sizeof(one)), "read");
}

static void give_one(struct count *count)
{
    uint64_t one = 1;

    must(write(count->fd, &one, sizeof(one)), "write");
}

static void destroy(void)
{
}

#include "ring.h"
