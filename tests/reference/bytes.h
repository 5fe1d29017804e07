/* Messages over byte streams, for SEND and RECEIVE: a call may transfer a part of a message. With SPINS
 * the calls do not block, and are made again until they transfer some bytes. */
#ifndef SPINS
#define SPINS 0
#endif

static void put(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t sent = SEND(data, length);
        if (SPINS && sent < 0 && errno == EAGAIN) {
            look_again();
            continue;
        }
        must(sent, "send");
        data += sent;
        length -= sent;
    }
}

static void take(char *buffer, size_t length)
{
    while (length > 0) {
        ssize_t got = RECEIVE(buffer, length);
        if (SPINS && got < 0 && errno == EAGAIN) {
            look_again();
            continue;
        }
        if (must(got, "receive") == 0)
            fail("end of file");
        buffer += got;
        length -= got;
    }
}

static void destroy(void)
{
}
