/* Two pipes, one each way: pipe(2). */
#include "reference.h"

static int forth[2], back[2], in, out;

static void create(void)
{
    must(pipe(forth), "pipe");
    must(pipe(back), "pipe");
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
