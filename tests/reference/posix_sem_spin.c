/* Two POSIX semaphores in shared memory, by which the processes wake each other in turn. They do not
 * sleep: sem_wait(3), sem_trywait. */
#define PLAYS "pingpong"
#define SMALLEST 0
#include "reference.h"

#include <semaphore.h>

static sem_t *semaphores[2], *in, *out;

static void create(void)
{
    char *memory = shared_memory(4 * CACHE_LINE);

    for (int i = 0; i < 2; i++) {
        semaphores[i] = (sem_t *)(memory + i * 2 * CACHE_LINE);
        must(sem_init(semaphores[i], 1, 0), "sem_init");
    }
}

static void attach(enum side me)
{
    out = semaphores[me == A ? 0 : 1];
    in = semaphores[me == A ? 1 : 0];
}

static void put(const char *data, size_t length)
{
    (void)data, (void)length;
    must(sem_post(out), "sem_post");
}

static void take(char *buffer, size_t length)
{
    (void)buffer, (void)length;
    while (sem_trywait(in) < 0) {
        if (errno != EAGAIN)
            fail("sem_trywait");
        look_again();
    }
}

static void destroy(void)
{
}
