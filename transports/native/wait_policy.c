/* Wait policies: the calls of poll(2), and the conversion from Python. */
#include "wait_policy.h"

#include <errno.h>
#include <poll.h>

#include "capsule.h"

static int
polled(int fd, short event, int timeout, int interruptible)
{
    struct pollfd asked = {.fd = fd, .events = event};
    int found;
    do
        found = poll(&asked, 1, timeout);
    while (found < 0 && errno == EINTR && !interruptible);
    return found < 0 ? -errno : found;
}

int
ipcbench_poll(int fd, short event, int timeout)
{
    return polled(fd, event, timeout, 0);
}

int
ipcbench_wait_readable(int fd, const struct wait_policy *policy)
{
    int found = polled(fd, POLLIN, ipcbench_timeout(policy), policy->interruptible);
    if (found < 0)
        return found;
    return found == 0 ? -EAGAIN : 0;
}

int
ipcbench_wait_policy(PyObject *given, void *converted)
{
    struct wait_policy *policy = converted;
    int looks;
    *policy = (struct wait_policy){0};
    if (!PyTuple_Check(given)) {
        PyErr_Format(PyExc_TypeError, "a WaitPolicy is wanted, not %R", given);
        return 0;
    }
    if (!PyArg_ParseTuple(given, "pppip:WaitPolicy", &policy->nowait, &policy->poll,
                          &policy->exclusive_cpu, &looks, &policy->interruptible))
        return 0;
    policy->sleeps = looks >= 0;
    policy->looks = looks > 0 ? looks : 0;
    return 1;
}
