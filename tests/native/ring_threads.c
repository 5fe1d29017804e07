/* The ring between threads, for ThreadSanitizer: every message is whole and in order.
 *
 *   ring_threads PRODUCERS MESSAGES DEPTH SIZE LOOKS MANY COUNTER
 *
 * LOOKS: checks of a word before an end sleeps; -1: it never sleeps. MANY: in batches. COUNTER: it
 * sleeps by a semaphore, not at a word. It exits with 1 if a message differs from the one sent, or
 * if more than one token of a doorbell is left; its alarm ends it if a wake-up is lost. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ring.h"

enum { MOST = 8, LIFE = 60, BATCH = 7 };

/* A thread, with the doorbell by which it sleeps. Thread 0 is the consumer. */
struct side {
    uint32_t *word;
    struct waiter counter;
    sem_t semaphore;
};

static struct side sides[MOST + 1];
static char *starts[MOST]; /* of the lanes */
static size_t producers, messages, depth, size;
static struct wait_policy policy;
static int many, counter;

static struct doorbell
doorbell_of(struct side *side)
{
    return (struct doorbell){.word = side->word, .counter = counter ? &side->counter : NULL};
}

static void
fill(char *message, size_t sender, size_t number)
{
    if (many)
        number = number / BATCH * BATCH;
    for (size_t i = 0; i < size; i++)
        message[i] = (char)(number * 31 + sender * 7 + i);
}

/* The messages that are left of a batch of equal ones. */
static size_t
batch_at(size_t done)
{
    size_t batch = BATCH - done % BATCH;
    return batch < messages - done ? batch : messages - done;
}

static void *
produce(void *argument)
{
    size_t number = *(size_t *)argument;
    struct doorbell own = doorbell_of(&sides[number + 1]);
    struct lane lane;
    char *message = malloc(size + 1);
    ipcbench_init_lane(&lane, starts[number], size, depth, &own, doorbell_of(&sides[0]));
    for (size_t sent = 0; sent < messages;) {
        fill(message, number, sent);
        ssize_t found = many
            ? ipcbench_put_many(&lane, &policy, message, size, batch_at(sent))
            : ipcbench_put(&lane, &policy, message, size);
        if (found < 0)
            exit(1);
        sent += many ? (size_t)found : 1;
    }
    free(message);
    return NULL;
}

static void
check(const char *message, char *wanted, size_t sender, size_t number)
{
    fill(wanted, sender, number);
    if (memcmp(message, wanted, size) != 0) {
        fprintf(stderr, "message %zu of %zu is not what was sent\n", number, sender);
        exit(1);
    }
}

struct multi_wait {
    struct lane lanes[MOST];
    size_t turn;
};

static int
any(void *argument)
{
    struct multi_wait *in = argument;
    for (size_t looked = 0; looked < producers; looked++) {
        if (ipcbench_has_message(&in->lanes[in->turn]))
            return 1;
        in->turn = (in->turn + 1) % producers;
    }
    return 0;
}

/* Receive the next messages of any lane: their number. */
static size_t
receive(struct multi_wait *in, struct doorbell *own, const size_t *taken, char *message)
{
    if (producers == 1) {
        struct lane *lane = &in->lanes[0];
        ssize_t found = many
            ? ipcbench_receive_many(lane, &policy, message, size, batch_at(taken[0]))
            : ipcbench_receive(lane, &policy, message, size);
        if (found < 0 || (!many && found != (ssize_t)size))
            exit(1);
        return many ? (size_t)found : 1;
    }
    if (ipcbench_await(&policy, own, any, in) < 0 ||
        ipcbench_get(&in->lanes[in->turn], &policy, message, size) != (ssize_t)size)
        exit(1);
    return 1;
}

static void *
consume(void *unused)
{
    (void)unused;
    struct multi_wait in = {.turn = 0};
    struct doorbell own = doorbell_of(&sides[0]);
    size_t taken[MOST] = {0};
    char *message = malloc(size + 1), *wanted = malloc(size + 1);
    for (size_t i = 0; i < producers; i++)
        ipcbench_init_lane(&in.lanes[i], starts[i], size, depth, &own, doorbell_of(&sides[i + 1]));
    for (size_t all = 0; all < producers * messages;) {
        size_t found = receive(&in, &own, taken, message);
        taken[in.turn] += found;
        all += found;
        check(message, wanted, in.turn, taken[in.turn] - 1);
        in.turn = (in.turn + 1) % producers;
    }
    free(message);
    free(wanted);
    return NULL;
}

/* Each announcement is answered by one token at most, which the next sleep takes. */
static int
has_tokens(struct side *side)
{
    int tokens;
    sem_getvalue(&side->semaphore, &tokens);
    if (tokens > 1)
        fprintf(stderr, "%d tokens are left\n", tokens);
    return tokens > 1;
}

int
main(int count, char **arguments)
{
    if (count != 8 || (producers = atoi(arguments[1])) < 1 || producers > MOST)
        return 2;
    messages = atoi(arguments[2]), depth = atoi(arguments[3]), size = atoi(arguments[4]);
    int looks = atoi(arguments[5]), left = 0;
    policy = (struct wait_policy){.sleeps = looks >= 0, .looks = looks < 0 ? 0 : looks};
    many = atoi(arguments[6]), counter = atoi(arguments[7]);
    size_t words = (producers + 1) * IPCBENCH_LINE_PAIR, lane = ipcbench_lane_bytes(size, depth);
    char *memory = aligned_alloc(IPCBENCH_LINE_PAIR, words + producers * lane);
    memset(memory, 0, words + producers * lane);
    alarm(LIFE);
    pthread_t threads[MOST + 1];
    size_t numbers[MOST];
    for (size_t i = 0; i <= producers; i++) {
        sides[i].word = (uint32_t *)(memory + i * IPCBENCH_LINE_PAIR);
        sides[i].counter = (struct waiter){.semaphore = &sides[i].semaphore};
        sem_init(&sides[i].semaphore, 1, 0);
    }
    for (size_t i = 0; i < producers; i++)
        numbers[i] = i, starts[i] = memory + words + i * lane;
    pthread_create(&threads[0], NULL, consume, NULL);
    for (size_t i = 0; i < producers; i++)
        pthread_create(&threads[i + 1], NULL, produce, &numbers[i]);
    for (size_t i = 0; i <= producers; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i <= producers; i++)
        left += has_tokens(&sides[i]);
    free(memory);
    return left != 0;
}
