/* Two FIFOs, one each way: fifo(7). */
#include "reference.h"

#include <sys/stat.h>

static int forth[2], back[2], in, out;

/* Both ends, opened by one process: the one that reads first, and without waiting for the other. */
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
    forth[0] = forth[1] = back[0] = back[1] = -1;
    make(forth);
    make(back);
}

static void attach(enum side me)
{
    in = me == A ? back[0] : forth[0];
    out = me == A ? forth[1] : back[1];
    close(me == A ? back[1] : forth[1]);
    close(me == A ? forth[0] : back[0]);
}

static void put(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = must(write(out, data, length), "write");
        data += written;
        length -= written;
    }
}

static void take(char *buffer, size_t length)
{
    while (length > 0) {
        ssize_t got = must(read(in, buffer, length), "read");
        if (got == 0)
            fail("end of file");
        buffer += got;
        length -= got;
    }
}

static void destroy(void)
{
}
