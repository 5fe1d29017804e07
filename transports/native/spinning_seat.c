/* Seats that spin: their descriptors are non-blocking, and are looked at again and again. */
#include "fd_seat.h"
#include "spinning.h"

struct transfer {
    struct fd_seat *seat;
    int fd;
    const char *data;
    char *buffer;
    size_t size;
    size_t count; /* of messages, in a call for several */
    int from; /* the place of the descriptor that the message came from */
};

/* One descriptor each way. */

static ssize_t
try_give(void *argument)
{
    struct transfer *made = argument;
    return made->seat->give(made->seat, made->fd, made->data, made->size);
}

ssize_t
ipcbench_give_spinning(struct fd_seat *seat, int fd, const char *data, size_t size)
{
    struct transfer made = {.seat = seat, .fd = fd, .data = data, .size = size};
    return ipcbench_spin_at(&seat->policy, fd, POLLOUT, try_give, &made);
}

static ssize_t
send_spinning(void *ctx, const void *data, size_t size)
{
    struct fd_seat *self = ctx;
    return ipcbench_give_spinning(self, self->out, data, size);
}

static ssize_t
try_take(void *argument)
{
    struct transfer *made = argument;
    return made->seat->take(made->seat, made->fd, made->buffer, made->size);
}

static ssize_t
recv_spinning(void *ctx, void *buffer, size_t size)
{
    struct fd_seat *self = ctx;
    struct transfer made = {.seat = self, .fd = self->in, .buffer = buffer, .size = size};
    return ipcbench_spin_at(&self->policy, self->in, POLLIN, try_take, &made);
}

/* Several messages. */

static ssize_t
try_give_many(void *argument)
{
    struct transfer *made = argument;
    return made->seat->give_many(made->seat, made->fd, made->data, made->size, made->count);
}

static ssize_t
send_many_spinning(void *ctx, const void *data, size_t size, size_t count)
{
    struct fd_seat *self = ctx;
    struct transfer made = {
        .seat = self, .fd = self->out, .data = data, .size = size, .count = count};
    return ipcbench_spin_at(&self->policy, self->out, POLLOUT, try_give_many, &made);
}

static ssize_t
try_take_many(void *argument)
{
    struct transfer *made = argument;
    return made->seat->take_many(made->seat, made->fd, made->buffer, made->size, made->count);
}

static ssize_t
recv_many_spinning(void *ctx, void *buffer, size_t size, size_t count)
{
    struct fd_seat *self = ctx;
    struct transfer made = {
        .seat = self, .fd = self->in, .buffer = buffer, .size = size, .count = count};
    return ipcbench_spin_at(&self->policy, self->in, POLLIN, try_take_many, &made);
}

/* Several descriptors: each one is looked at once before any is looked at again, so that one busy
 * sender does not block the others: as in transports/base/multiplexing.py. */

static inline __attribute__((always_inline)) ssize_t
look_at_each(struct transfer *made, int many)
{
    struct fd_seat *self = made->seat;
    for (int left = self->reading; left > 0; left--) {
        int place = self->next;
        int fd = self->looked_at[place].fd;
        self->next = place + 1 == self->reading ? 0 : place + 1;
        if (fd < 0)
            continue;
        ssize_t found = many ? self->take_many(self, fd, made->buffer, made->size, made->count)
                             : self->take(self, fd, made->buffer, made->size);
        if (found == -EAGAIN)
            continue;
        if (found != -EPIPE || self->open == 1) {
            made->from = place;
            return found;
        }
        self->looked_at[place].fd = -1; /* as in fd_seat.c, gather */
        self->open--;
    }
    return -EAGAIN;
}

static ssize_t
look_at_all(void *argument)
{
    return look_at_each(argument, 0);
}

static ssize_t
look_for_many(void *argument)
{
    return look_at_each(argument, 1);
}

/* poll(2) ignores the entries whose descriptor is negative. */
static inline __attribute__((always_inline)) ssize_t
sleep_until(struct transfer *made, ipcbench_attempt look)
{
    struct fd_seat *self = made->seat;
    ssize_t found;
    do {
        if (poll(self->looked_at, self->reading, -1) < 0 && errno != EINTR)
            return -errno;
        found = look(made);
    } while (found == -EAGAIN);
    return found;
}

static ssize_t
sleep_for_any(void *argument)
{
    return sleep_until(argument, look_at_all);
}

static ssize_t
sleep_for_many(void *argument)
{
    return sleep_until(argument, look_for_many);
}

static ssize_t
gather_spinning(struct fd_seat *self, void *buffer, size_t size, int *from)
{
    struct transfer made = {.seat = self, .buffer = buffer, .size = size};
    ssize_t found = ipcbench_spin(&self->policy, look_at_all, sleep_for_any, &made);
    *from = made.from;
    return found;
}

static ssize_t
recv_any_spinning(void *ctx, void *buffer, size_t size)
{
    int from;
    return gather_spinning(ctx, buffer, size, &from);
}

static ssize_t
recv_many_any_spinning(void *ctx, void *buffer, size_t size, size_t count)
{
    struct fd_seat *self = ctx;
    struct transfer made = {.seat = self, .buffer = buffer, .size = size, .count = count};
    return ipcbench_spin(&self->policy, look_for_many, sleep_for_many, &made);
}

static ssize_t
recv_from_any_spinning(void *ctx, void *buffer, size_t size)
{
    int from;
    ssize_t found = gather_spinning(ctx, buffer, size, &from);
    return found < 0 ? found : from;
}

static ssize_t
send_to_one_spinning(void *ctx, size_t index, const void *data, size_t size)
{
    struct fd_seat *self = ctx;
    if (index >= (size_t)self->writing)
        return -EINVAL;
    return ipcbench_give_spinning(self, self->outs[index], data, size);
}

void
ipcbench_spinning_operations(struct fd_seat *seat, int several, struct ipcbench_ops *ops)
{
    if (!several) {
        ops->send = seat->writing ? send_spinning : NULL;
        ops->recv = seat->reading ? recv_spinning : NULL;
        if (seat->give_many != NULL) {
            ops->send_many = seat->writing ? send_many_spinning : NULL;
            ops->recv_many = seat->reading ? recv_many_spinning : NULL;
        }
        return;
    }
    ops->recv = recv_any_spinning;
    ops->recv_many = seat->take_many != NULL && !seat->writing ? recv_many_any_spinning : NULL;
    if (seat->writing) { /* a hub's server */
        ops->recv_from = recv_from_any_spinning;
        ops->send_to = send_to_one_spinning;
    }
}
