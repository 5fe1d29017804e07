/* Seats over file descriptors: pipes, sockets and POSIX queues.
 *
 * The descriptors of an end that spins (ipcbench_spins) are non-blocking. */
#ifndef IPCBENCH_FD_SEAT_H
#define IPCBENCH_FD_SEAT_H

#include <poll.h>
#include <sys/epoll.h>

#include "capsule.h"
#include "wait_policy.h"

/* The descriptors of one seat. The endpoint owns and closes them. */
struct fd_seat {
    /* Transfer a whole message through one descriptor: 0 or the bytes received, or -errno. */
    ssize_t (*give)(const struct fd_seat *self, int fd, const char *data, size_t size);
    ssize_t (*take)(const struct fd_seat *self, int fd, char *buffer, size_t size);
    /* Transfer up to `count` messages of `size` bytes, 1 at least, by one call: how many, or -errno.
     * NULL where the facility has no such call. See batches.h. */
    ssize_t (*give_many)(const struct fd_seat *self, int fd, const char *data, size_t size,
                         size_t count);
    ssize_t (*take_many)(const struct fd_seat *self, int fd, char *buffer, size_t size,
                         size_t count);
    struct fd_batch *batch; /* memory of these two */
    int in, out; /* of a seat with one of each */
    struct wait_policy policy;
    size_t size;       /* the largest message of the channel */
    unsigned priority; /* of a queue's messages */
    char *scratch;     /* `size` bytes, where the caller's buffer is too small; or NULL */

    /* Of a seat with several descriptors. */
    int *outs;
    int *index_of; /* by descriptor */
    int epoll;
    int reading, writing; /* the number of each */
    int open, ready;      /* descriptors without end of file; events not served yet */
    struct epoll_event *events;
    struct pollfd *looked_at; /* of an end that spins; fd -1: its peer is gone */
    int next;                 /* the first to be looked at */
};

/* The arguments of a builder. */
struct fd_seat_args {
    PyObject *owner;
    PyObject *reading, *writing; /* tuples of descriptors */
    Py_ssize_t size;
    int several; /* it receives from several peers, or is a hub's server */
    int epoll;   /* over all of `reading` of such an end, or -1 where it spins */
    struct wait_policy policy;
};

#define IPCBENCH_FD_SEAT_FORMAT "OO!O!npiO&"
#define IPCBENCH_FD_SEAT_ADDRESSES(given)                                                          \
    &(given)->owner, &PyTuple_Type, &(given)->reading, &PyTuple_Type, &(given)->writing,           \
        &(given)->size, &(given)->several, &(given)->epoll, ipcbench_wait_policy, &(given)->policy

/* A seat over the descriptors; the caller sets `give` and `take`. NULL with an error set. */
struct fd_seat *ipcbench_fd_seat_new(const struct fd_seat_args *given);
void ipcbench_fd_seat_dispose(void *seat); /* a `dispose`: all but the struct itself */

/* The operations of an end that spins (spinning_seat.c). */
void ipcbench_spinning_operations(struct fd_seat *seat, int several, struct ipcbench_ops *ops);

/* Send through a descriptor of an end that spins: 0, or -errno. */
ssize_t ipcbench_give_spinning(struct fd_seat *seat, int fd, const char *data, size_t size);

/* Those for several messages, of a seat with one descriptor each way (batches.c). */
void ipcbench_batch_operations(const struct fd_seat *seat, struct ipcbench_ops *ops);
void ipcbench_batch_dispose(struct fd_batch *batch);

/* A capsule of the seat's operations; NULL with an error set. */
PyObject *ipcbench_fd_seat_capsule(struct fd_seat *seat, const struct fd_seat_args *given);

#endif
