/* A TCP connection over the loopback interface, without delay: tcp(7), TCP_NODELAY. */
#include "reference.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static int ends[2], mine;

static void create(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in own, others;
    socklen_t length = sizeof(address);
    int listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;

    must(bind(listener, (struct sockaddr *)&address, length), "bind");
    must(listen(listener, 1), "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    ends[A] = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    must(connect(ends[A], (struct sockaddr *)&address, length), "connect");
    must(getsockname(ends[A], (struct sockaddr *)&own, &length), "getsockname");
    ends[B] = must(accept(listener, (struct sockaddr *)&others, &length), "accept");
    if (own.sin_port != others.sin_port) { /* another program has connected */
        errno = ECONNREFUSED;
        fail("accept");
    }
    close(listener);
    for (int i = 0; i < 2; i++)
        must(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
}

static void attach(enum side me)
{
    mine = ends[me];
    close(ends[me == A ? B : A]);
}

#if SPINS
#define FLAGS MSG_DONTWAIT
#else
#define FLAGS 0
#endif
#define SEND(data, length) send(mine, data, length, MSG_NOSIGNAL | FLAGS)
#define RECEIVE(buffer, length) recv(mine, buffer, length, FLAGS)
#include "bytes.h"
