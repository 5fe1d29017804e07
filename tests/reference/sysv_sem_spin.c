/* Two System V semaphores, sets of one, by which the processes wake each other in turn. They do not
 * sleep: semop(2), IPC_NOWAIT. */
#define PLAYS "pingpong"
#define SMALLEST 0
#include "reference.h"

#include <sys/sem.h>

static int sets[2] = {-1, -1}, in, out;

static void create(void)
{
    for (int i = 0; i < 2; i++) {
        sets[i] = must(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600), "semget");
        must(semctl(sets[i], 0, SETVAL, 0), "semctl");
    }
}

static void attach(enum side me)
{
    out = sets[me == A ? 0 : 1];
    in = sets[me == A ? 1 : 0];
}

static void put(const char *data, size_t length)
{
    struct sembuf operation = {.sem_num = 0, .sem_op = 1, .sem_flg = 0};

    (void)data, (void)length;
    must(semop(out, &operation, 1), "semop");
}

static void take(char *buffer, size_t length)
{
    struct sembuf operation = {.sem_num = 0, .sem_op = -1, .sem_flg = IPC_NOWAIT};

    (void)buffer, (void)length;
    while (semop(in, &operation, 1) < 0) {
        if (errno != EAGAIN)
            fail("semop");
        look_again();
    }
}

static void destroy(void)
{
    for (int i = 0; i < 2; i++)
        if (sets[i] >= 0)
            semctl(sets[i], 0, IPC_RMID);
}
