/* The operations of ops.h as a list, in the order of the struct's fields.
 *
 * All other declarations are derived from this list: the methods of `Calls` (python_calls.c), the
 * tuple OPERATIONS of the module, and by it the calls of a native endpoint (endpoint.py).
 *
 *   CALL(field, shape, attribute, action, doc)   an operation that is a call of an endpoint, too
 *   LOOP(field, shape, doc)                      one for compiled loops, and a method for tests
 *
 * `shape` is the form of the call (python_calls.c), `attribute` the name of the call at an endpoint
 * in Python, `action` the name of the call in an error's message. */
#ifndef IPCBENCH_OPERATIONS_H
#define IPCBENCH_OPERATIONS_H

#include "ops.h"

#define IPCBENCH_OPERATIONS(CALL, LOOP)                                                            \
    CALL(send, SEND, "send", "send", "Send one whole message.")                                    \
    CALL(recv, RECEIVE, "recv_into", "receive", "Receive one whole message; return its length.")   \
    CALL(recv_from, RECEIVE_FROM, "recv_from", "receive",                                          \
         "Receive a message of any client; return the client's index.")                            \
    CALL(send_to, SEND_TO, "send_to", "send", "Answer one client: its index, the bytes.")          \
    LOOP(send_many, SEND_MANY, "Send up to so many copies of a message; return how many.")         \
    LOOP(recv_many, RECEIVE_MANY, "Receive up to so many messages; return how many.")              \
    CALL(loan, LOAN, "loan", "send", "Wait for a free slot; return this many of its bytes.")       \
    CALL(commit, COMMIT, "commit", "send", "Send this many of the bytes that were lent.")          \
    CALL(peek, PEEK, "peek", "receive", "Wait for a message; return its bytes in place.")          \
    CALL(release, PLAIN, "release", "release", "Release the message's slot.")                      \
    CALL(notify, PLAIN, "notify", "notify", "Add one.")                                            \
    CALL(wait, PLAIN, "wait", "wait", "Take one.")                                                 \
    CALL(acquire, PLAIN, "acquire", "acquire", "Enter the guarded section.")                       \
    CALL(leave, PLAIN, "release", "release", "Leave the guarded section.")                         \
    CALL(read_at, READ_AT, "read_at", "read", "Fill a buffer from a place of the file.")           \
    CALL(write_at, WRITE_AT, "write_at", "write", "Write bytes to a place of the file.")           \
    CALL(extent, PLAIN, "extent", "extent", "Return the bytes of the file.")                    \
    CALL(publish, SEND, "publish", "publish", "Replace the newest value.")                         \
    CALL(read, RECEIVE, "read_into", "read", "Copy the newest value; return its length, or 0.")    \
    CALL(torn, PLAIN, "torn", "count", "The number of copies that were discarded.")

#define IPCBENCH_COUNT_CALL(field, shape, attribute, action, doc) +1
#define IPCBENCH_COUNT_LOOP(field, shape, doc) +1
_Static_assert(sizeof(struct ipcbench_ops) ==
                   offsetof(struct ipcbench_ops, send) +
                       sizeof(void (*)(void)) *
                           (0 IPCBENCH_OPERATIONS(IPCBENCH_COUNT_CALL, IPCBENCH_COUNT_LOOP)),
               "an operation of ops.h is missing in the list");

#endif
