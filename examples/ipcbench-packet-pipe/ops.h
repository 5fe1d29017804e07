/* What a compiled loop calls: the operations behind one endpoint, over the handles that its
 * transport made.
 *
 * `Endpoint.native()` gives a capsule (PyCapsule) called IPCBENCH_OPS whose pointer is a
 * `struct ipcbench_ops`. The capsule keeps the endpoint alive, and the struct lives as long as
 * the capsule does. A plug-in needs this header alone: it makes such a capsule, and is measured
 * with no rebuilding of ours.
 *
 * Rules, for all operations:
 *   - one that a seat does not have is NULL;
 *   - what is returned is a count of 0 or more, or -errno. EINTR never is: where a signal's
 *     handler ran, the operation goes on by itself;
 *   - -EPIPE says that the peer is gone, -EAGAIN that a spec's `nowait` would have had to wait,
 *     -EMSGSIZE that a message is too large: that message is lost, and it alone;
 *   - they are called without the interpreter's lock, by one thread at a time, and touch no
 *     Python object. When a peer dies they may be left at any point, by siglongjmp(3), and are
 *     not called again: they hold no lock that closing the endpoint would want;
 *   - `data` and `buffer` lie behind IPCBENCH_HEADROOM bytes that the operation may overwrite
 *     (System V's queues want a message's type right before its bytes, msgop(2)), and are
 *     aligned to that many;
 *   - what `loan` and `peek` point to is mapped for as long as the capsule is there, closed or
 *     not: a view of it harms nobody who kept it for too long.
 */
#ifndef IPCBENCH_OPS_H
#define IPCBENCH_OPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IPCBENCH_OPS "ipcbench.ops"
#define IPCBENCH_ABI 1
#define IPCBENCH_HEADROOM 64

/* Flags. */
/* Of both ends. Read in place: `recv` looks at the bytes where they lie and leaves `buffer` alone,
 * and a check of what arrives goes by `peek` and `release`. Other rings may have those too. */
#define IPCBENCH_IN_PLACE 1u

struct ipcbench_ops {
    uint32_t abi;         /* IPCBENCH_ABI; another one is refused */
    /* sizeof(struct ipcbench_ops), as its maker knew it. Fields are only added, at the end: those
     * that a maker did not know are absent, and those that a caller does not know unused. */
    uint32_t struct_size;
    uint64_t flags;
    void *ctx; /* the first argument of every operation */

    /* Carrying. `send` sends a whole message of `size` bytes and returns 0; `recv` receives one
     * into `buffer` of `size` bytes and returns how many came. */
    ssize_t (*send)(void *ctx, const void *data, size_t size);
    ssize_t (*recv)(void *ctx, void *buffer, size_t size);

    /* A server's end with several clients: `recv_from` returns the index of the client. */
    ssize_t (*recv_from)(void *ctx, void *buffer, size_t size);
    ssize_t (*send_to)(void *ctx, size_t index, const void *data, size_t size);

    /* The same for `count` messages in a row, as one call: the sender may tell of several at
     * once, the receiver may give several back at once. Both return 0; `recv_many` -EBADMSG where
     * a message had another length than `size`: all `count` are over all the same. Optional. */
    ssize_t (*send_many)(void *ctx, const void *data, size_t size, size_t count);
    ssize_t (*recv_many)(void *ctx, void *buffer, size_t size, size_t count);

    /* In place. `loan` waits for a free slot and points to its `size` bytes, `commit` sends the
     * first `size` bytes that were written there, at most as many as were lent; each loan is
     * committed before anything else is sent. `peek` waits for a message and returns its length,
     * `release` gives its slot back. */
    ssize_t (*loan)(void *ctx, void **slot, size_t size);
    ssize_t (*commit)(void *ctx, size_t size);
    ssize_t (*peek)(void *ctx, const void **slot);
    ssize_t (*release)(void *ctx);

    /* What carries nothing: both ends of a signal. */
    ssize_t (*notify)(void *ctx);
    ssize_t (*wait)(void *ctx);

    /* A guard. */
    ssize_t (*acquire)(void *ctx);
    ssize_t (*leave)(void *ctx);
};

#endif
