/* The ring over words between threads, for ThreadSanitizer: every message is whole and in order.
 *
 *   ring_threads PRODUCERS MESSAGES DEPTH SIZE LOOKS MANY
 *
 * LOOKS: checks of a word before an end sleeps; -1: it never sleeps. MANY: in batches.
 * It exits with 1 if a message differs from the one sent; its alarm ends it if a wake-up is lost. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "word_ring.h"

enum { MOST = 8, LIFE = 60 };

struct job {
    char *start;
    uint32_t *doorbell;
    size_t size, depth, messages, number;
    struct wait_policy policy;
    int many;
};

static struct job jobs[MOST];
static size_t producers;

static void
fill(char *message, size_t size, size_t sender, size_t number)
{
    for (size_t i = 0; i < size; i++)
        message[i] = (char)(number * 31 + sender * 7 + i);
}

/* Send the messages one by one, or in batches out of seven equal messages. */
static void *
produce(void *argument)
{
    struct job *job = argument;
    struct word_lane lane;
    char *message = malloc(job->size + 1);
    ipcbench_init_word_lane(&lane, job->start, job->doorbell, job->size, job->depth);
    for (size_t sent = 0; sent < job->messages;) {
        size_t batch = job->many ? 7 - sent % 7 : 1;
        if (batch > job->messages - sent)
            batch = job->messages - sent;
        fill(message, job->size, job->number, job->many ? sent / 7 * 7 : sent);
        ssize_t found = job->many
            ? ipcbench_word_send_many(&lane, &job->policy, message, job->size, batch)
            : ipcbench_word_send(&lane, &job->policy, message, job->size);
        if (found < 0)
            exit(1);
        sent += job->many ? (size_t)found : 1;
    }
    free(message);
    return NULL;
}

struct multi_wait {
    struct word_lane lanes[MOST];
    size_t turn;
};

static int
any(void *argument)
{
    struct multi_wait *out = argument;
    for (size_t looked = 0; looked < producers; looked++) {
        if (ipcbench_has_message(&out->lanes[out->turn]))
            return 1;
        out->turn = (out->turn + 1) % producers;
    }
    return 0;
}

static void *
consume(void *argument)
{
    struct job *job = argument;
    struct multi_wait out = {.turn = 0};
    size_t taken[MOST] = {0};
    char *message = malloc(job->size + 1), *wanted = malloc(job->size + 1);
    for (size_t i = 0; i < producers; i++)
        ipcbench_init_word_lane(&out.lanes[i], jobs[i].start, job->doorbell, job->size, job->depth);
    for (size_t i = 0; i < producers * job->messages; i++) {
        if (ipcbench_await(&job->policy, job->doorbell, any, &out) < 0)
            exit(1);
        size_t from = out.turn, number = taken[from]++;
        struct word_lane *lane = &out.lanes[from];
        ssize_t length = ipcbench_take(lane, message, job->size);
        ipcbench_free(lane, &job->policy);
        out.turn = (from + 1) % producers;
        fill(wanted, job->size, from, job->many ? number / 7 * 7 : number);
        if (length != (ssize_t)job->size || memcmp(message, wanted, job->size) != 0) {
            fprintf(stderr, "message %zu of %zu is not what was sent\n", number, from);
            exit(1);
        }
    }
    free(message);
    free(wanted);
    return NULL;
}

int
main(int count, char **arguments)
{
    if (count != 7 || (producers = atoi(arguments[1])) < 1 || producers > MOST)
        return 2;
    size_t depth = atoi(arguments[3]), size = atoi(arguments[4]);
    int looks = atoi(arguments[5]);
    size_t lane = ipcbench_lane_bytes(size, depth);
    char *memory = aligned_alloc(IPCBENCH_LINE_PAIR, IPCBENCH_LINE_PAIR + producers * lane);
    memset(memory, 0, IPCBENCH_LINE_PAIR + producers * lane);
    alarm(LIFE);
    pthread_t threads[MOST], consumer;
    for (size_t i = 0; i < producers; i++) {
        jobs[i] = (struct job){
            .start = memory + IPCBENCH_LINE_PAIR + i * lane,
            .doorbell = (uint32_t *)memory,
            .size = size,
            .depth = depth,
            .messages = atoi(arguments[2]),
            .number = i,
            .policy = {.sleeps = looks >= 0, .looks = looks < 0 ? 0 : looks},
            .many = atoi(arguments[6]),
        };
    }
    pthread_create(&consumer, NULL, consume, &jobs[0]);
    for (size_t i = 0; i < producers; i++)
        pthread_create(&threads[i], NULL, produce, &jobs[i]);
    for (size_t i = 0; i < producers; i++)
        pthread_join(threads[i], NULL);
    pthread_join(consumer, NULL);
    free(memory);
    return 0;
}
