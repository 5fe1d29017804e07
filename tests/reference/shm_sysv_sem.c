/* Shared memory, and a System V semaphore, a set of one, by which each process sleeps: semop(2). */
#define HAS_DEPTH 1
#include "reference.h"

#include <sys/sem.h>

struct sleeper {
    int set;
};

static int sets[2], made;

static void make_sleeper(struct sleeper *sleeper, void *word, char *line)
{
    (void)word;
    (void)line; /* the semaphore is in the kernel */
    sleeper->set = must(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600), "semget");
    sets[made++] = sleeper->set;
    must(semctl(sleeper->set, 0, SETVAL, 0), "semctl");
}

static void add(struct sleeper *sleeper, short how_many)
{
    struct sembuf operation = {.sem_num = 0, .sem_op = how_many, .sem_flg = 0};

    must(semop(sleeper->set, &operation, 1), "semop");
}

static void sleep_once(struct sleeper *sleeper, uint32_t announced)
{
    (void)announced;
    add(sleeper, -1);
}

static void wake(struct sleeper *sleeper)
{
    add(sleeper, 1);
}

static void destroy(void)
{
    for (int i = 0; i < made; i++)
        semctl(sets[i], 0, IPC_RMID);
}

#include "ring.h"
