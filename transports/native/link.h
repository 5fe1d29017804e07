/* Link of transports/passing: packets that describe messages, and answers to them. */
#ifndef IPCBENCH_LINK_H
#define IPCBENCH_LINK_H

#include "capsule.h"
#include "wait_policy.h"

#define IPCBENCH_SLOTS 256 /* an answer is one byte */

/* One process's end. Python owns the sockets, which are non-blocking where the end spins. */
struct link {
    int out, in; /* the pair that it sends on, and the one that it receives on */
    struct wait_policy policy;
    size_t size; /* the largest message */
    /* The sender's slots: a queue of the free ones, `free` of them from `first` on. */
    unsigned depth, first, free;
    unsigned char queue[IPCBENCH_SLOTS], taken[IPCBENCH_SLOTS];
};

/* Prepare a link: 0, or -1 with an error set. */
int ipcbench_link_init(struct link *link, int out, int in, Py_ssize_t size, int depth,
                       const struct wait_policy *policy);

/* The error of the last call by the rules of ops.h: -EPIPE for all errors of a closed peer. */
ssize_t ipcbench_link_error(void);

/* Receive a packet from `out` or `in`: its length, which may be cut, or -errno; -EPIPE at the end.
 * It waits as the policy says, but for poll(2). */
ssize_t ipcbench_link_packet(const struct link *link, int fd, void *packet, size_t size);

/* Wait for a packet as the policy says, and receive it. */
ssize_t ipcbench_link_described(const struct link *link, void *packet, size_t size);

/* Send a packet; `file`: a descriptor to pass, or -1. 0 or -errno. */
ssize_t ipcbench_link_describe(const struct link *link, const void *packet, size_t size, int file);

/* Answer a message with a byte: 0, or -EPIPE where the sender is gone, or -errno. */
ssize_t ipcbench_link_answer(const struct link *link, unsigned char value);

/* Take the next free slot, wait for one: its number, or -errno. Give one back that was not used. */
ssize_t ipcbench_link_take(struct link *link);
void ipcbench_link_restore(struct link *link, unsigned slot);

#endif
