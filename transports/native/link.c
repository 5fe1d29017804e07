/* Links of transports/passing: link.py and slots.py explain them. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "link.h"
#include "spinning.h"

ssize_t
ipcbench_link_error(void)
{
    switch (errno) {
    case ECONNRESET:
    case ENOTCONN:
        return -EPIPE;
    default:
        return -errno;
    }
}

int
ipcbench_link_init(struct link *link, int out, int in, Py_ssize_t size, int depth,
                   const struct wait_policy *policy)
{
    if (out < 0 || in < 0 || size < 0 || depth < 1 || depth > IPCBENCH_SLOTS) {
        PyErr_Format(PyExc_ValueError,
                     "no link over the descriptors %d and %d has %d slots of %zd bytes", out, in,
                     depth, size);
        return -1;
    }
    *link = (struct link){.out = out, .in = in, .policy = *policy, .size = size, .depth = depth,
                          .free = depth};
    for (int i = 0; i < depth; i++)
        link->queue[i] = (unsigned char)i;
    return 0;
}

struct look {
    int fd;
    void *packet;
    size_t size;
};

static ssize_t
receive(void *argument)
{
    const struct look *look = argument;
    ssize_t length;
    do
        length = recv(look->fd, look->packet, look->size, 0);
    /* ECONNRESET is reported once where the other end was closed with answers unread
     * (unix_release_sock() of Linux's net/unix/af_unix.c): packets may follow. */
    while (length < 0 && (errno == EINTR || errno == ECONNRESET));
    if (length < 0)
        return ipcbench_link_error();
    return length == 0 ? -EPIPE : length;
}

ssize_t
ipcbench_link_packet(const struct link *link, int fd, void *packet, size_t size)
{
    struct look look = {fd, packet, size};
    if (ipcbench_spins(&link->policy))
        return ipcbench_spin_at(&link->policy, fd, POLLIN, receive, &look);
    return receive(&look);
}

ssize_t
ipcbench_link_described(const struct link *link, void *packet, size_t size)
{
    int failed = link->policy.poll ? ipcbench_wait_readable(link->in, &link->policy) : 0;
    return failed < 0 ? failed : ipcbench_link_packet(link, link->in, packet, size);
}

ssize_t
ipcbench_link_describe(const struct link *link, const void *packet, size_t size, int file)
{
    char control[CMSG_SPACE(sizeof file)] __attribute__((aligned(sizeof(size_t))));
    struct iovec part = {(void *)packet, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (file >= 0) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof file);
        memcpy(CMSG_DATA(rights), &file, sizeof file);
    }
    ssize_t sent;
    do
        sent = sendmsg(link->out, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? ipcbench_link_error() : 0;
}

ssize_t
ipcbench_link_answer(const struct link *link, unsigned char value)
{
    ssize_t sent;
    do
        sent = send(link->in, &value, 1, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? ipcbench_link_error() : 0;
}

/* Read one answer. Another process has sent it: a slot that is not taken is ignored. */
static ssize_t
read_answer(struct link *link)
{
    unsigned char answer[2];
    ssize_t length = ipcbench_link_packet(link, link->out, answer, sizeof answer);
    if (length < 0)
        return length;
    if (length == 1 && answer[0] < link->depth && link->taken[answer[0]]) {
        link->taken[answer[0]] = 0;
        link->queue[(link->first + link->free++) % link->depth] = answer[0];
    }
    return 0;
}

ssize_t
ipcbench_link_take(struct link *link)
{
    while (link->free == 0) {
        ssize_t failed = read_answer(link);
        if (failed < 0)
            return failed;
    }
    unsigned slot = link->queue[link->first];
    link->first = (link->first + 1) % link->depth;
    link->free--;
    link->taken[slot] = 1;
    return slot;
}

void
ipcbench_link_restore(struct link *link, unsigned slot)
{
    link->first = (link->first + link->depth - 1) % link->depth;
    link->queue[link->first] = (unsigned char)slot;
    link->free++;
    link->taken[slot] = 0;
}
