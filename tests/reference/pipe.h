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
#if SPINS
    must(fcntl(in, F_SETFL, O_NONBLOCK), "fcntl");
    must(fcntl(out, F_SETFL, O_NONBLOCK), "fcntl");
#endif
}

#define SEND(data, length) write(out, data, length)
#define RECEIVE(buffer, length) read(in, buffer, length)
#include "bytes.h"
