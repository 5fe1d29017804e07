/* Several messages by one call over a descriptor.
 *
 * Of a byte stream it is one larger write(2) or read(2), of sockets of messages sendmmsg(2) or
 * recvmmsg(2). A sender waits in that call for space for all of them, unless the descriptor is
 * non-blocking. A receiver takes the messages that are there, and waits for the first one alone; of
 * a byte stream also for the rest of the last one, if a part of it is there. */
#include "capsule.h" /* first, for sendmmsg(2): Python.h defines _GNU_SOURCE */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "batches.h"
#include "descriptors.h"

/* Messages of a byte stream lie side by side in memory of the seat. */

#define MOST_BYTES ((size_t)1 << 20) /* of one call; a larger message is sent by itself */

struct fd_batch {
    char *bytes;
    size_t capacity;
    struct iovec message;      /* of sockets of messages: the bytes of each one */
    struct mmsghdr headers[];  /* of these sockets: as many as a call takes */
};

/* The messages that one call may carry: 1 at least. */
static size_t
fitting(const struct fd_seat *self, size_t size, size_t count)
{
    size_t most = size > 0 ? self->batch->capacity / size : 0;
    if (count > most)
        count = most;
    return count > 0 ? count : 1;
}

static ssize_t
bytes_give_many(const struct fd_seat *self, int fd, const char *data, size_t size, size_t count)
{
    char *bytes = self->batch->bytes;
    ssize_t sent;
    count = fitting(self, size, count);
    if (count == 1) {
        sent = self->give(self, fd, data, size);
        return sent < 0 ? sent : 1;
    }
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * size, data, size);
    do
        sent = write(fd, bytes, size * count);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return ipcbench_descriptor_error();
    size_t done = sent / size, part = sent % size;
    if (part == 0)
        return done;
    ssize_t failed = ipcbench_write_rest(self, fd, bytes + part, size - part);
    return failed < 0 ? failed : (ssize_t)done + 1;
}

static ssize_t
bytes_give_many_now(const struct fd_seat *self, int fd, const char *data, size_t size, size_t count)
{
    int writable = ipcbench_poll(fd, POLLOUT, 0);
    if (writable <= 0)
        return writable == 0 ? -EAGAIN : writable;
    return bytes_give_many(self, fd, data, size, count);
}

static ssize_t
bytes_take_many(const struct fd_seat *self, int fd, char *buffer, size_t size, size_t count)
{
    char *bytes = self->batch->bytes;
    ssize_t received;
    count = fitting(self, size, count);
    if (count == 1) {
        received = self->take(self, fd, buffer, size);
        return received < 0 ? received : 1;
    }
    do
        received = read(fd, bytes, size * count);
    while (received < 0 && errno == EINTR);
    if (received <= 0)
        return received < 0 ? ipcbench_descriptor_error() : -EPIPE;
    size_t done = received / size, part = received % size;
    if (part > 0) {
        ssize_t failed = ipcbench_read_rest(self, fd, bytes + done * size, size, part);
        if (failed < 0)
            return failed;
        done++;
    }
    memcpy(buffer, bytes + (done - 1) * size, size);
    return done;
}

int
ipcbench_batches_of_bytes(struct fd_seat *self, int how)
{
    size_t most = how & IPCBENCH_BATCH_SHARED ? PIPE_BUF : MOST_BYTES;
    size_t wanted = self->size < most ? self->size * IPCBENCH_LARGEST_BATCH : most;
    self->batch = PyMem_RawCalloc(1, sizeof *self->batch);
    if (self->batch == NULL)
        return -1;
    self->batch->capacity = wanted < most ? wanted : most;
    self->batch->bytes = PyMem_RawMalloc(self->batch->capacity);
    if (self->batch->bytes == NULL)
        return -1;
    self->give_many = how & IPCBENCH_BATCH_ASKS ? bytes_give_many_now : bytes_give_many;
    self->take_many = bytes_take_many;
    return 0;
}

/* Sockets of messages: all headers describe the same bytes. */

static unsigned
set_message(const struct fd_seat *self, const char *bytes, size_t size, size_t count)
{
    self->batch->message = (struct iovec){(void *)bytes, size};
    return count < IPCBENCH_LARGEST_BATCH ? (unsigned)count : IPCBENCH_LARGEST_BATCH;
}

static ssize_t
messages_give_many(const struct fd_seat *self, int fd, const char *data, size_t size, size_t count)
{
    if (size > self->size)
        return -EMSGSIZE;
    unsigned most = set_message(self, data, size, count);
    int sent;
    do
        sent = sendmmsg(fd, self->batch->headers, most, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? ipcbench_descriptor_error() : sent;
}

/* Receive messages: how many have `size` bytes before one that has not, or -errno. `*other` is the
 * header of that one, or NULL. With MSG_TRUNC, it says the full length of a message that is cut:
 * recv(2). */
static ssize_t
receive(const struct fd_seat *self, int fd, char *buffer, size_t size, size_t count,
        const struct mmsghdr **other)
{
    struct mmsghdr *headers = self->batch->headers;
    unsigned most = set_message(self, buffer, size, count);
    int received, same = 0;
    do
        received = recvmmsg(fd, headers, most, MSG_TRUNC | MSG_WAITFORONE, NULL);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return ipcbench_descriptor_error();
    while (same < received && headers[same].msg_len == size)
        same++;
    *other = same < received ? headers + same : NULL;
    return same;
}

/* All that were received are lost with one of another length. */
static ssize_t
datagrams_take_many(const struct fd_seat *self, int fd, char *buffer, size_t size, size_t count)
{
    const struct mmsghdr *other = NULL;
    ssize_t found = receive(self, fd, buffer, size, count, &other);
    if (found < 0 || other == NULL)
        return found;
    return other->msg_len > size ? -EMSGSIZE : -EBADMSG;
}

/* A packet of no bytes is the end of file, which each further call finds again. */
static ssize_t
packets_take_many(const struct fd_seat *self, int fd, char *buffer, size_t size, size_t count)
{
    const struct mmsghdr *other = NULL;
    ssize_t found = receive(self, fd, buffer, size, count, &other);
    if (found < 0 || other == NULL)
        return found;
    if (other->msg_len == 0)
        return found > 0 ? found : -EPIPE;
    return other->msg_len > size ? -EMSGSIZE : -EBADMSG;
}

int
ipcbench_batches_of_messages(struct fd_seat *self, int packets)
{
    size_t headers = IPCBENCH_LARGEST_BATCH * sizeof(struct mmsghdr);
    struct fd_batch *batch = self->batch = PyMem_RawCalloc(1, sizeof *batch + headers);
    if (batch == NULL)
        return -1;
    for (int i = 0; i < IPCBENCH_LARGEST_BATCH; i++) {
        batch->headers[i].msg_hdr.msg_iov = &batch->message;
        batch->headers[i].msg_hdr.msg_iovlen = 1;
    }
    self->give_many = messages_give_many;
    self->take_many = packets ? packets_take_many : datagrams_take_many;
    return 0;
}

void
ipcbench_batch_dispose(struct fd_batch *batch)
{
    if (batch != NULL)
        PyMem_RawFree(batch->bytes);
    PyMem_RawFree(batch);
}

/* Operations of a seat with one descriptor each way. */

static ssize_t
send_many(void *ctx, const void *data, size_t size, size_t count)
{
    struct fd_seat *self = ctx;
    return self->give_many(self, self->out, data, size, count);
}

static ssize_t
recv_many(void *ctx, void *buffer, size_t size, size_t count)
{
    struct fd_seat *self = ctx;
    return self->take_many(self, self->in, buffer, size, count);
}

static ssize_t
recv_many_polled(void *ctx, void *buffer, size_t size, size_t count)
{
    struct fd_seat *self = ctx;
    int found = ipcbench_wait_readable(self->in, &self->policy);
    return found < 0 ? found : recv_many(ctx, buffer, size, count);
}

void
ipcbench_batch_operations(const struct fd_seat *self, struct ipcbench_ops *ops)
{
    ops->send_many = self->writing ? send_many : NULL;
    if (self->reading)
        ops->recv_many = self->policy.poll ? recv_many_polled : recv_many;
}
