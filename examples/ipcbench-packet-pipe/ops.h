/* Native operations: the functions of one endpoint that compiled loops call, over the handles
 * that its transport made.
 *
 * `Endpoint.native()` gives a capsule (PyCapsule) called IPCBENCH_OPS whose pointer is a
 * `struct ipcbench_ops`. The capsule keeps the endpoint alive, and the struct lives as long as
 * the capsule does. The endpoint keeps no such capsule, or neither would ever be freed. A plug-in
 * needs this header alone: it makes such a capsule, and nothing of ipcbench has to be rebuilt.
 *
 * Rules, for all operations:
 *   - an operation that a seat does not have is NULL;
 *   - an operation returns a number of 0 or more, or -errno. It never returns -EINTR: after a
 *     signal's handler it continues;
 *   - -EPIPE: the peer is gone; -EAGAIN: it would have to wait, and the spec says `nowait`;
 *     -EMSGSIZE: a message is too large, and only that message is lost;
 *   - they are called without the interpreter's lock, by one thread at a time, and use no
 *     Python object. When a peer dies they may be left at any point, by siglongjmp(3), and are
 *     not called again: they must hold no lock that closing the endpoint needs;
 *   - `data` and `buffer` lie behind IPCBENCH_HEADROOM bytes that the operation may overwrite
 *     (a System V queue needs a message's type right before its bytes, msgop(2)), and are
 *     aligned to IPCBENCH_HEADROOM;
 *   - the memory that `loan` and `peek` return stays mapped as long as the capsule exists, even
 *     after the endpoint is closed, so an old view of it is harmless.
 */
#ifndef IPCBENCH_OPS_H
#define IPCBENCH_OPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IPCBENCH_OPS "ipcbench.ops"
#define IPCBENCH_ABI 2
#define IPCBENCH_HEADROOM 64

/* Flags. */
/* Set at both ends. Messages are read in place: `recv` reads the bytes in their slot and does not
 * write to `buffer`; the check of the channel uses `peek` and `release`. Operations without this
 * flag may have these two as well. */
#define IPCBENCH_IN_PLACE 1u

struct ipcbench_ops {
    uint32_t abi;         /* IPCBENCH_ABI; another one is refused */
    /* sizeof(struct ipcbench_ops) in the header of its maker. Fields are only added, at the end.
     * One that the maker does not know counts as NULL, and a caller ignores further ones. */
    uint32_t struct_size;
    uint64_t flags;
    void *ctx; /* the first argument of every operation */

    /* Data transfer. `send` sends a whole message of `size` bytes and returns 0; `recv` receives
     * one into `buffer` of `size` bytes and returns its length. */
    ssize_t (*send)(void *ctx, const void *data, size_t size);
    ssize_t (*recv)(void *ctx, void *buffer, size_t size);

    /* A server's end with several clients: `recv_from` returns the index of the client. */
    ssize_t (*recv_from)(void *ctx, void *buffer, size_t size);
    ssize_t (*send_to)(void *ctx, size_t index, const void *data, size_t size);

    /* Up to `count` messages in one call, `count` being 1 at least. Both return how many were
     * transferred: 1 at least. An error that stops a later one is the next call's. Optional.
     * `send_many` sends the same `size` bytes several times. It waits for the first message only, and
     * sends as many as there is space for now; a call of the kernel (sendmmsg(2), one larger write(2)
     * of a byte stream) may wait for space for all of them.
     * `recv_many` takes the messages of `size` bytes that are there now, and waits for the first one
     * only; each overwrites `buffer`. It stops before a message of another length. Where that is the
     * first one, it consumes it and returns -EBADMSG, or -EMSGSIZE if it is longer than `size`. A
     * call of the kernel (recvmmsg(2)) consumes all of them before their lengths are known: then one
     * of another length is that error, and the others are lost with it. */
    ssize_t (*send_many)(void *ctx, const void *data, size_t size, size_t count);
    ssize_t (*recv_many)(void *ctx, void *buffer, size_t size, size_t count);

    /* In place. `loan` waits for a free slot and sets `*slot` to its `size` bytes; `commit` sends
     * the first `size` of these bytes. Each loan is committed before anything else is sent. `peek`
     * waits for a message, sets `*slot` and returns its length; `release` frees its slot. */
    ssize_t (*loan)(void *ctx, void **slot, size_t size);
    ssize_t (*commit)(void *ctx, size_t size);
    ssize_t (*peek)(void *ctx, const void **slot);
    ssize_t (*release)(void *ctx);

    /* Both ends of a signal, which carries no data. */
    ssize_t (*notify)(void *ctx);
    ssize_t (*wait)(void *ctx);

    /* A member's end of a guard: `acquire` and `release` of Python. */
    ssize_t (*acquire)(void *ctx);
    ssize_t (*leave)(void *ctx);

    /* A member's end of a file. `read_at` fills `buffer` from a place of the file, `write_at` writes
     * `data` there; both return `size`, and -EINVAL where that reaches beyond `extent`, the bytes of
     * the file. They need no headroom. */
    ssize_t (*read_at)(void *ctx, void *buffer, size_t size, uint64_t place);
    ssize_t (*write_at)(void *ctx, const void *data, size_t size, uint64_t place);
    ssize_t (*extent)(void *ctx);

    /* Ends of a newest value, which none of them waits for. `publish` replaces the value of `size`
     * bytes and returns 0. `read` copies the newest value into `buffer` of `size` bytes and returns
     * its length, or 0 where no newer one than the last one of this end can be had now; then the
     * content of `buffer` is undefined. `torn` returns the copies that `read` has discarded, since
     * they were changed meanwhile. */
    ssize_t (*publish)(void *ctx, const void *data, size_t size);
    ssize_t (*read)(void *ctx, void *buffer, size_t size);
    ssize_t (*torn)(void *ctx);
};

#endif
