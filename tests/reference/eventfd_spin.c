/* Two counters of eventfd(2), by which the processes wake each other in turn; each read takes one
 * (EFD_SEMAPHORE). They do not sleep: EFD_NONBLOCK. */
#define PLAYS "pingpong"
#define SMALLEST 0
#include "reference.h"

#include <sys/eventfd.h>

static int counters[2], in, out;

static void create(void)
{
    for (int i = 0; i < 2; i++)
        counters[i] = must(eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), "eventfd");
}

static void attach(enum side me)
{
    out = counters[me == A ? 0 : 1];
    in = counters[me == A ? 1 : 0];
}

static void put(const char *data, size_t length)
{
    const uint64_t one = 1;

    (void)data, (void)length;
    must(write(out, &one, sizeof(one)), "write");
}

static void take(char *buffer, size_t length)
{
    uint64_t one;

    (void)buffer, (void)length;
    while (read(in, &one, sizeof(one)) < 0) {
        if (errno != EAGAIN)
            fail("read");
        look_again();
    }
}

static void destroy(void)
{
}
