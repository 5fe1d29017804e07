/* Shared memory, and a POSIX semaphore in it by which each process sleeps: shm_overview(7),
 * sem_overview(7). */
#define HAS_DEPTH 1
#include "reference.h"

#include <semaphore.h>

struct sleeper {
    sem_t *semaphore;
};

static void make_sleeper(struct sleeper *sleeper, void *word, char *line)
{
    (void)word;
    sleeper->semaphore = (sem_t *)line;
    must(sem_init(sleeper->semaphore, 1, 0), "sem_init");
}

static void sleep_once(struct sleeper *sleeper, uint32_t announced)
{
    (void)announced;
    must(sem_wait(sleeper->semaphore), "sem_wait");
}

static void wake(struct sleeper *sleeper)
{
    must(sem_post(sleeper->semaphore), "sem_post");
}

static void destroy(void)
{
}

#include "ring.h"
