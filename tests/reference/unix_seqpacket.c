/* A connected pair of sockets of messages, in order: unix(7), socketpair(2). */
#include "reference.h"

static int ends[2], mine;

static void create(void)
{
    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), "socketpair");
}

static void attach(enum side me)
{
    mine = ends[me];
    close(ends[me == A ? B : A]);
}

static void put(const char *data, size_t length)
{
    must(send(mine, data, length, MSG_NOSIGNAL), "send");
}

static void take(char *buffer, size_t length)
{
    /* The full length of the message, even if it is truncated. */
    if ((size_t)must(recv(mine, buffer, length, MSG_TRUNC), "recv") != length)
        fail("another length");
}

static void destroy(void)
{
}
