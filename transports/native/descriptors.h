/* Transfers through one file descriptor. */
#ifndef IPCBENCH_DESCRIPTORS_H
#define IPCBENCH_DESCRIPTORS_H

#include <errno.h>

#include "fd_seat.h"

/* The error of the last call by the rules of ops.h: -EPIPE for all errors of a closed peer
 * (ECONNREFUSED is that of a datagram whose receiver was closed: unix(7)). */
static inline ssize_t
ipcbench_descriptor_error(void)
{
    switch (errno) {
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENOTCONN:
        return -EPIPE;
    default:
        return -errno;
    }
}

/* Transfer the rest of a message of a byte stream, of which a part was transferred: wait also where
 * `fd` is non-blocking. Reading, `size` is the whole message's and `received` the part's. */
ssize_t ipcbench_write_rest(const struct fd_seat *self, int fd, const char *data, size_t size);
ssize_t ipcbench_read_rest(const struct fd_seat *self, int fd, char *buffer, size_t size,
                           size_t received);

/* A `give` and a `take` of sockets of messages, which are transferred as a whole. */
ssize_t ipcbench_message_give(const struct fd_seat *self, int fd, const char *data, size_t size);
ssize_t ipcbench_datagram_take(const struct fd_seat *self, int fd, char *buffer, size_t size);

#endif
