/* Two POSIX message queues, one in each direction: mq_overview(7). Names are removed at once. With
 * SPINS, a process that waits does not sleep: the queues are opened with O_NONBLOCK, and it calls
 * again and again. */
#ifndef POSIX_QUEUE_H
#define POSIX_QUEUE_H

#include "reference.h"

#include <mqueue.h>

static mqd_t queues[2], in, out;

/* Make a queue of the default number of messages; of half as many, and so on, where
 * RLIMIT_MSGQUEUE is too low. */
static mqd_t make(void)
{
    char name[40];
    unsigned long random;
    mqd_t queue = -1;

    must(getrandom(&random, sizeof(random), 0), "getrandom");
    snprintf(name, sizeof(name), "/ipcbench-%016lx", random);
    for (long most = 10; queue < 0 && most > 0; most /= 2) {
        struct mq_attr attributes = {.mq_maxmsg = most, .mq_msgsize = size};
        int flags = O_RDWR | O_CREAT | O_EXCL | (SPINS ? O_NONBLOCK : 0);
        queue = mq_open(name, flags, 0600, &attributes);
    }
    must(queue, "mq_open");
    must(mq_unlink(name), "mq_unlink");
    return queue;
}

static void create(void)
{
    queues[0] = make();
    queues[1] = make();
}

static void attach(enum side me)
{
    out = queues[me == A ? 0 : 1];
    in = queues[me == A ? 1 : 0];
}

static void put(const char *data, size_t length)
{
    while (mq_send(out, data, length, 0) < 0) {
        if (!SPINS || errno != EAGAIN)
            fail("mq_send");
        look_again();
    }
}

static void take(char *buffer, size_t length)
{
    ssize_t got;

    /* The buffer must be as large as the longest message: mq_receive(3). */
    while ((got = mq_receive(in, buffer, size, NULL)) < 0) {
        if (!SPINS || errno != EAGAIN)
            fail("mq_receive");
        look_again();
    }
    if ((size_t)got != length)
        fail("another length");
}

static void destroy(void)
{
}

#endif
