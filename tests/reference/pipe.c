/* Two pipes, one in each direction: pipe(2). */
#include "reference.h"

static int to_b[2], to_a[2], in, out;

static void create(void)
{
    must(pipe(to_b), "pipe");
    must(pipe(to_a), "pipe");
}

static void attach(enum side me)
{
    in = me == A ? to_a[0] : to_b[0];
    out = me == A ? to_b[1] : to_a[1];
    close(me == A ? to_a[1] : to_b[1]);
    close(me == A ? to_b[0] : to_a[0]);
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
