/* Shared memory, with System V semaphores, each a set of one: semop(2). */
#define HAS_DEPTH 1
#include "reference.h"

#include <sys/sem.h>

struct count {
    int set;
};

static int sets[4], made;

static void make_count(struct count *count, char *line, unsigned initial)
{
    (void)line; /* the semaphore is in the kernel */
    count->set = must(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600), "semget");
    sets[made++] = count->set;
    must(semctl(count->set, 0, SETVAL, initial), "semctl");
}

static void add(struct count *count, short how_many)
{
    struct sembuf operation = {.sem_num = 0, .sem_op = how_many, .sem_flg = 0};

    must(semop(count->set, &operation, 1), "semop");
}

static void take_one(struct count *count)
{
    add(count, -1);
}

static void give_one(struct count *count)
{
    add(count, 1);
}

static void destroy(void)
{
    for (int i = 0; i < made; i++)
        semctl(sets[i], 0, IPC_RMID);
}

#include "ring.h"
