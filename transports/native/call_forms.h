/* The forms of the operations in ops.h, and each with its arguments in one struct. Included by
 * python_calls.c alone. */
#ifndef IPCBENCH_CALL_FORMS_H
#define IPCBENCH_CALL_FORMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef ssize_t (*send_function)(void *ctx, const void *data, size_t size);
typedef ssize_t (*send_to_function)(void *ctx, size_t index, const void *data, size_t size);
typedef ssize_t (*receive_function)(void *ctx, void *buffer, size_t size);
typedef ssize_t (*send_many_function)(void *ctx, const void *data, size_t size, size_t count);
typedef ssize_t (*receive_many_function)(void *ctx, void *buffer, size_t size, size_t count);
typedef ssize_t (*loan_function)(void *ctx, void **slot, size_t size);
typedef ssize_t (*commit_function)(void *ctx, size_t size);
typedef ssize_t (*peek_function)(void *ctx, const void **slot);
typedef ssize_t (*plain_function)(void *ctx);
typedef ssize_t (*read_at_function)(void *ctx, void *buffer, size_t size, uint64_t place);
typedef ssize_t (*write_at_function)(void *ctx, const void *data, size_t size, uint64_t place);

/* An operation with its arguments. `invoke_…` calls it by a pointer to this struct, as
 * ipcbench_call (child_exit.h) needs it. */
struct call {
    union {
        send_function send;
        send_to_function send_to;
        receive_function receive;
        send_many_function send_many;
        receive_many_function receive_many;
        loan_function loan;
        commit_function commit;
        peek_function peek;
        plain_function plain;
        read_at_function read_at;
        write_at_function write_at;
    } operation;
    void *ctx;
    char *bytes;
    size_t size, index, count;
    uint64_t place;
    void *slot;
    const void *message;
};

#define INVOKE(form, ...)                                                                          \
    static ssize_t invoke_##form(void *argument)                                                   \
    {                                                                                              \
        struct call *call = argument;                                                              \
        return call->operation.form(call->ctx, ##__VA_ARGS__);                                    \
    }

INVOKE(send, call->bytes, call->size)
INVOKE(send_to, call->index, call->bytes, call->size)
INVOKE(receive, call->bytes, call->size)
INVOKE(send_many, call->bytes, call->size, call->count)
INVOKE(receive_many, call->bytes, call->size, call->count)
INVOKE(loan, &call->slot, call->size)
INVOKE(commit, call->size)
INVOKE(peek, &call->message)
INVOKE(plain)
INVOKE(read_at, call->bytes, call->size, call->place)
INVOKE(write_at, call->bytes, call->size, call->place)

#undef INVOKE
#endif
