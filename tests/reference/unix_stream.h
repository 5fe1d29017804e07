/* A connected pair of stream sockets: unix(7), through a path that is removed at once. */
#include "reference.h"

#include <sys/un.h>

static int ends[2], mine;

static void create(void)
{
    const char *place = getenv("TMPDIR");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[80];
    int listener = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket"), bound;

    snprintf(folder, sizeof(folder), "%s/ipcbench-XXXXXX", place ? place : "/tmp");
    if (mkdtemp(folder) == NULL)
        fail("mkdtemp");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    bound = bind(listener, (struct sockaddr *)&address, sizeof(address));
    if (bound == 0 && listen(listener, 1) == 0) {
        ends[A] = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
        bound = connect(ends[A], (struct sockaddr *)&address, sizeof(address));
    }
    unlink(address.sun_path);
    rmdir(folder);
    must(bound, "bind and connect");
    ends[B] = must(accept(listener, NULL, NULL), "accept");
    close(listener);
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
