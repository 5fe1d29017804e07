/* Shared memory, with POSIX semaphores in it: shm_overview(7), sem_overview(7). */
#define HAS_DEPTH 1
#include "reference.h"

#include <semaphore.h>

struct count {
    sem_t *semaphore;
};

static void make_count(struct count *count, char *line, unsigned initial)
{
    count->semaphore = (sem_t *)line;
    must(sem_init(count->semaphore, 1, initial), "sem_init");
}

static void take_one(struct count *count)
{
    must(sem_wait(count->semaphore), "sem_wait");
}

static void give_one(struct count *count)
{
    must(sem_post(count->semaphore), "sem_post");
}

static void destroy(void)
{
}

#include "ring.h"
