/* Two FIFOs, one in each direction: fifo(7). */
#include "reference.h"

#include <sys/stat.h>

static int to_b[2], to_a[2], in, out;

/* Open both ends in one process: first the reading end, with O_NONBLOCK. */
static void make(int ends[2])
{
    const char *place = getenv("TMPDIR");
    char folder[256], path[300];

    snprintf(folder, sizeof(folder), "%s/ipcbench-XXXXXX", place ? place : "/tmp");
    if (mkdtemp(folder) == NULL)
        fail("mkdtemp");
    snprintf(path, sizeof(path), "%s/fifo", folder);
    if (mkfifo(path, 0600) == 0) {
        ends[0] = open(path, O_RDONLY | O_NONBLOCK);
        ends[1] = open(path, O_WRONLY);
        unlink(path);
    }
    rmdir(folder);
    must(ends[0], "mkfifo");
    must(ends[1], "open");
    must(fcntl(ends[0], F_SETFL, O_RDONLY), "fcntl");
}

static void create(void)
{
    to_b[0] = to_b[1] = to_a[0] = to_a[1] = -1;
    make(to_b);
    make(to_a);
}

static void attach(enum side me)
{
    in = me == A ? to_a[0] : to_b[0];
    out = me == A ? to_b[1] : to_a[1];
    close(me == A ? to_a[1] : to_b[1]);
    close(me == A ? to_b[0] : to_a[0]);
#if SPINS
    must(fcntl(in, F_SETFL, O_NONBLOCK), "fcntl");
    must(fcntl(out, F_SETFL, O_NONBLOCK), "fcntl");
#endif
}

#define SEND(data, length) write(out, data, length)
#define RECEIVE(buffer, length) read(in, buffer, length)
#include "bytes.h"
