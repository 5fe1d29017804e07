/* Two System V message queues, one in each direction: msgop(2). With SPINS, a process that waits
 * does not sleep: it calls again and again, with IPC_NOWAIT. */
#ifndef SYSV_QUEUE_H
#define SYSV_QUEUE_H

#include "reference.h"

#include <sys/ipc.h>
#include <sys/msg.h>

static int queues[2] = {-1, -1}, in, out;

static void create(void)
{
    for (int i = 0; i < 2; i++)
        queues[i] = must(msgget(IPC_PRIVATE, IPC_CREAT | 0600), "msgget");
}

static void attach(enum side me)
{
    out = queues[me == A ? 0 : 1];
    in = queues[me == A ? 1 : 0];
}

/* A message begins with its type, for which there is memory before the bytes. */
static long *begin(const char *data)
{
    return (long *)(data - sizeof(long));
}

static void put(const char *data, size_t length)
{
    *begin(data) = 1;
    while (msgsnd(out, begin(data), length, SPINS ? IPC_NOWAIT : 0) < 0) {
        if (!SPINS || errno != EAGAIN)
            fail("msgsnd");
        look_again();
    }
}

static void take(char *buffer, size_t length)
{
    ssize_t got;

    while ((got = msgrcv(in, begin(buffer), length, 0, SPINS ? IPC_NOWAIT : 0)) < 0) {
        if (!SPINS || errno != ENOMSG)
            fail("msgrcv");
        look_again();
    }
    if ((size_t)got != length)
        fail("another length");
}

static void destroy(void)
{
    for (int i = 0; i < 2; i++)
        if (queues[i] >= 0)
            msgctl(queues[i], IPC_RMID, NULL);
}

#endif
