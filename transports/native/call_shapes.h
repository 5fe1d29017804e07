/* The shapes of operations.h: the function of python_calls.c that makes the call, the flags of its
 * method, and whether only ends that send and receive in place have it. Included by python_calls.c
 * alone. */
#ifndef IPCBENCH_CALL_SHAPES_H
#define IPCBENCH_CALL_SHAPES_H

#define SEND call_send
#define SEND_METH METH_O
#define SEND_IN_PLACE 0
#define SEND_TO call_send_to
#define SEND_TO_METH METH_VARARGS
#define SEND_TO_IN_PLACE 0
#define RECEIVE call_receive
#define RECEIVE_METH METH_O
#define RECEIVE_IN_PLACE 0
#define RECEIVE_FROM call_receive_from
#define RECEIVE_FROM_METH METH_O
#define RECEIVE_FROM_IN_PLACE 0
#define SEND_MANY call_send_many
#define SEND_MANY_METH METH_VARARGS
#define RECEIVE_MANY call_receive_many
#define RECEIVE_MANY_METH METH_VARARGS
#define LOAN call_loan
#define LOAN_METH METH_O
#define LOAN_IN_PLACE 1
#define COMMIT call_commit
#define COMMIT_METH METH_O
#define COMMIT_IN_PLACE 1
#define PEEK call_peek
#define PEEK_METH METH_NOARGS
#define PEEK_IN_PLACE 1
#define PLAIN call_plain
#define PLAIN_METH METH_NOARGS
#define PLAIN_IN_PLACE 0
#define READ_AT call_read_at
#define READ_AT_METH METH_VARARGS
#define READ_AT_IN_PLACE 0
#define WRITE_AT call_write_at
#define WRITE_AT_METH METH_VARARGS
#define WRITE_AT_IN_PLACE 0

#endif
