/* Several messages by one call over a descriptor: `give_many` and `take_many` of a seat. */
#ifndef IPCBENCH_BATCHES_H
#define IPCBENCH_BATCHES_H

#include "fd_seat.h"

#define IPCBENCH_LARGEST_BATCH 1024 /* messages; sendmmsg(2) takes no more: UIO_MAXIOV */

/* What a seat may do with its byte stream, besides a plain write(2). */
enum ipcbench_batch {
    IPCBENCH_BATCH_PLAIN = 0,
    IPCBENCH_BATCH_SHARED = 1, /* others write to it: one write is one of PIPE_BUF bytes at most */
    IPCBENCH_BATCH_ASKS = 2,   /* poll(2) is asked for space before it writes */
};

/* Give a seat its calls for several messages: over a byte stream, or over a socket of messages, which
 * are datagrams or packets. They use the seat's `give` and `take`. 0, or -1 where memory lacks. */
int ipcbench_batches_of_bytes(struct fd_seat *seat, int how);
int ipcbench_batches_of_messages(struct fd_seat *seat, int packets);

#endif
