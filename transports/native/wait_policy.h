/* Wait policy: the way in which an end waits, one struct for all facilities. Free of Python. */
#ifndef IPCBENCH_WAIT_POLICY_H
#define IPCBENCH_WAIT_POLICY_H

/* Constant for the life of an end. */
struct wait_policy {
    int nowait;        /* never wait: -EAGAIN */
    int exclusive_cpu; /* no other process uses this CPU: spinning need not yield it */
    int sleeps;        /* after this many looks; else it never sleeps, and spins */
    unsigned looks;
    int interruptible; /* -EINTR from time to time, so that an interpreter can run handlers */
    int poll;          /* for a descriptor: poll(2) first, then the facility's call */
};

/* True if an end looks more than once before it sleeps (spinning.h). */
static inline int
ipcbench_spins(const struct wait_policy *policy)
{
    return !policy->nowait && (!policy->sleeps || policy->looks > 0);
}

/* The policy as a time-out of poll(2) and epoll_wait(2). */
static inline int
ipcbench_timeout(const struct wait_policy *policy)
{
    return policy->nowait ? 0 : -1;
}

/* poll(2), repeated after a signal's handler: 1 for the event, an error or a hang-up, 0 after the
 * time-out, or -errno. */
int ipcbench_poll(int fd, short event, int timeout);

/* Wait with poll(2) until `fd` can be read: 0, -EAGAIN where the policy forbids to wait, -EINTR
 * after a signal's handler where it says `interruptible`, or another -errno. */
int ipcbench_wait_readable(int fd, const struct wait_policy *policy);

#endif
