/* Mutexes and the counter between threads, for ThreadSanitizer.
 *
 *   mutex_threads KIND THREADS UPDATES
 *
 * KIND: plain, robust, futex, spin or pausing: the threads count up a variable inside. cond: two threads
 * write it in turn, each after the other one's notification. It exits with 1 if an update is lost;
 * its alarm ends it if a wake-up is. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cond_counter.h"

enum { MOST = 8, LIFE = 60 };

static const char *kind;
static long updates, variable;
static pthread_mutex_t mutex;
static uint32_t word;
static struct cond_counter counters[2];
static struct wait_policy policy;

static void
check(ssize_t failed)
{
    if (failed < 0) {
        fprintf(stderr, "%s: error %zd\n", kind, -failed);
        exit(1);
    }
}

static int
spins(void)
{
    return strcmp(kind, "spin") == 0 || strcmp(kind, "pausing") == 0;
}

static void
enter(void)
{
    if (strcmp(kind, "futex") == 0)
        check(ipcbench_futex_mutex_lock(&word));
    else if (spins())
        check(ipcbench_spin_lock(&word, &policy));
    else
        check(ipcbench_mutex_lock(&mutex));
}

static void
leave(void)
{
    if (strcmp(kind, "futex") == 0)
        ipcbench_futex_mutex_unlock(&word);
    else if (spins())
        ipcbench_spin_unlock(&word);
    else
        check(ipcbench_mutex_unlock(&mutex));
}

static void *
count_up(void *argument)
{
    (void)argument;
    for (long i = 0; i < updates; i++) {
        enter();
        variable++;
        leave();
    }
    return NULL;
}

static void *
take_turns(void *argument)
{
    size_t number = (struct cond_counter *)argument - counters;
    for (long i = 0; i < updates; i++) {
        check(ipcbench_counter_take(&counters[number]));
        variable++;
        check(ipcbench_counter_add(&counters[1 - number]));
    }
    return NULL;
}

int
main(int count, char **given)
{
    pthread_t threads[MOST];
    if (count != 4)
        return 2;
    kind = given[1];
    long number = atol(given[2]);
    updates = atol(given[3]);
    int turns = strcmp(kind, "cond") == 0;
    if (number < 1 || number > (turns ? 2 : MOST))
        return 2;
    policy.exclusive_cpu = strcmp(kind, "pausing") == 0;
    alarm(LIFE);
    check(ipcbench_mutex_init(&mutex, strcmp(kind, "robust") == 0));
    for (int i = 0; i < 2; i++)
        check(ipcbench_counter_init(&counters[i], i == 0));
    for (long i = 0; i < number; i++)
        pthread_create(&threads[i], NULL, turns ? take_turns : count_up, &counters[i % 2]);
    for (long i = 0; i < number; i++)
        pthread_join(threads[i], NULL);
    if (variable != number * updates)
        fprintf(stderr, "%ld of %ld updates are lost\n", number * updates - variable,
                number * updates);
    return variable != number * updates;
}
