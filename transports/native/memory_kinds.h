/* Kinds of waiters in shared memory that C alone can use: see memory_waiter.c. */
#ifndef IPCBENCH_MEMORY_KINDS_H
#define IPCBENCH_MEMORY_KINDS_H

#include "capsule.h"
#include "waiters.h"

struct memory_waiter; /* the object of Python */

/* An end of compiled loops: `waiter` first, for rings and signals. */
struct memory_user {
    struct waiter waiter;
    void *place;
    struct memory_waiter *lender;
};

/* The calls of a kind: for Python, and for compiled loops. */
struct memory_kind {
    const char *name;
    size_t bytes;
    ssize_t (*init)(void *place, unsigned long held);
    ssize_t (*attempt)(void *place); /* or -EAGAIN */
    ssize_t (*take_until)(void *place, const struct wait_policy *policy); /* or -EINTR */
    ssize_t (*give)(void *place);
    void (*leave)(void *place); /* before the memory goes, or NULL */
    struct ipcbench_ops ops;    /* of a guard */
    struct waiter waiter;       /* of a counter */
    int sleeps;                 /* a guard that may spin before, or instead */
};

/* The kind of a name; NULL with an error set. */
const struct memory_kind *ipcbench_memory_kind(const char *name);

#endif
