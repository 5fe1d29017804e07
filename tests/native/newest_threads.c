/* A newest value between threads: every value that is read is whole, and newer than the last one.
 *
 *   newest_threads READERS UPDATES BUFFERS SIZE
 *
 * One thread publishes until all readers have seen so many updates. It exits with 1 if a value is
 * torn or old; its alarm ends it if the readers see none. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "newest.h"

enum { MOST = 16, LIFE = 60 };

static char *memory;
static size_t readers, updates, buffers, size;
static size_t left; /* readers that have not ended */

/* A value is full of one byte that depends on its number, with the number in front. */
static void
fill(char *value, uint64_t number)
{
    memset(value, (int)(number % 251), size);
    memcpy(value, &number, sizeof number);
}

static void *
publish(void *unused)
{
    (void)unused;
    struct newest end;
    char *value = malloc(size);
    ipcbench_newest_init(&end, memory, size, buffers);
    for (uint64_t number = 1; __atomic_load_n(&left, __ATOMIC_ACQUIRE) > 0; number++) {
        fill(value, number);
        if (ipcbench_newest_publish(&end, value, size) != 0)
            exit(2);
        for (int i = 0; i < 3; i++) /* a reader of one buffer needs a rest for its copy */
            fill(value, number), sched_yield();
    }
    free(value);
    return NULL;
}

static void *
receive(void *unused)
{
    (void)unused;
    struct newest end;
    char *value = malloc(size), *wanted = malloc(size);
    uint64_t last = 0;
    ipcbench_newest_init(&end, memory, size, buffers);
    for (size_t seen = 0; seen < updates;) {
        ssize_t found = ipcbench_newest_read(&end, value, size);
        if (found == 0)
            continue;
        uint64_t number;
        memcpy(&number, value, sizeof number);
        fill(wanted, number);
        if (found != (ssize_t)size || number <= last || memcmp(value, wanted, size) != 0) {
            fprintf(stderr, "value %zu, behind %zu, is torn or old\n", (size_t)number, (size_t)last);
            exit(1);
        }
        last = number;
        seen++;
    }
    free(value);
    free(wanted);
    __atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
    return NULL;
}

int
main(int count, char **arguments)
{
    if (count != 5 || (readers = atoi(arguments[1])) < 1 || readers > MOST)
        return 2;
    updates = atoi(arguments[2]), buffers = atoi(arguments[3]), size = atoi(arguments[4]);
    size_t bytes = ipcbench_newest_align(ipcbench_newest_bytes(size, buffers), 4096);
    memory = aligned_alloc(4096, bytes);
    memset(memory, 0, bytes);
    left = readers;
    alarm(LIFE);
    pthread_t threads[MOST + 1];
    pthread_create(&threads[0], NULL, publish, NULL);
    for (size_t i = 1; i <= readers; i++)
        pthread_create(&threads[i], NULL, receive, NULL);
    for (size_t i = 0; i <= readers; i++)
        pthread_join(threads[i], NULL);
    free(memory);
    return 0;
}
