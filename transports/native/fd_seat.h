/* What seats over file descriptors share, whatever goes through those. */
#ifndef IPCBENCH_ENDS_H
#define IPCBENCH_ENDS_H

#include <sys/epoll.h>

#include "capsule.h"

/* One seat's descriptors, which its endpoint owns and closes. */
struct ends {
    /* A whole message through one descriptor: 0 or bytes received, or -errno. */
    ssize_t (*give)(const struct ends *self, int fd, const char *data, size_t size);
    ssize_t (*take)(const struct ends *self, int fd, char *buffer, size_t size);
    int in, out; /* of a seat with one of each */
    int nowait;
    size_t size;       /* the largest message of the channel */
    unsigned priority; /* of a queue's messages */
    char *scratch;     /* `size` bytes for what a smaller buffer would refuse, or NULL */

    /* Of a seat with several: whom to answer, and who was found ready and not served yet. */
    int *outs;
    int *index_of; /* by descriptor */
    int epoll;
    int reading, writing; /* how many of each */
    int left, ready;      /* who has not left; how many events wait */
    struct epoll_event *events;
};

/* What Python gives a builder: see the `spec` of the contract. */
struct wanted {
    PyObject *owner;
    PyObject *reading, *writing; /* tuples of descriptors */
    Py_ssize_t size;
    int epoll; /* that waits for all of `reading`, or -1 where there is one alone */
    int poll, nowait;
};

#define IPCBENCH_WANTED "OO!O!nipp"
#define IPCBENCH_WANTED_TO(w)                                                                      \
    &(w)->owner, &PyTuple_Type, &(w)->reading, &PyTuple_Type, &(w)->writing, &(w)->size,           \
        &(w)->epoll, &(w)->poll, &(w)->nowait

/* Ends over the descriptors; what goes through them is the caller's to fill in. */
struct ends *ipcbench_ends(const struct wanted *wanted);
void ipcbench_end(void *ends); /* a `dispose`: all but the struct itself */

/* A capsule over them, with the operations that such a seat has; NULL with an error set. */
PyObject *ipcbench_seat(struct ends *ends, const struct wanted *wanted);

/* Wait with poll(2): whether the event, an error or a hang-up is there; or -errno. */
int ipcbench_poll(int fd, short event, int timeout);

#endif
