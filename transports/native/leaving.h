/* A native operation is left when a child ends.
 *
 * Python runs a signal's handler between its own instructions, and there are none inside a
 * compiled loop; the operations go on after a signal, and a facility that is silent about a
 * peer's death would keep us for ever. A thread that waits for the peers meanwhile would cost
 * some 60 ns a round trip: beside a second thread, the kernel counts each use of a descriptor,
 * and the C library makes each blocking call a point of cancellation.
 *
 * So a handler of ours stands before Python's meanwhile, and jumps out. What it leaves holds no
 * lock and no Python object (ops.h), and there is nothing left to do but to say why. */
#ifndef IPCBENCH_LEAVING_H
#define IPCBENCH_LEAVING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>

#define IPCBENCH_LEFT (-4096)   /* no errno: those end at 4095 */
#define IPCBENCH_RAISED (-4097) /* a handler of Python's has raised: its error is set */

/* Of the thread that may leave; a model that a handler may read (no allocation on the way). */
static _Thread_local sigjmp_buf *ipcbench_way_out __attribute__((tls_model("initial-exec")));
static struct sigaction ipcbench_pythons;

static void
ipcbench_child_ended(int number, siginfo_t *news, void *Py_UNUSED(context))
{
    int saved = errno;
    ipcbench_pythons.sa_handler(number); /* notes it for PyErr_CheckSignals; signal-safe */
    errno = saved;
    int ended = news->si_code == CLD_EXITED || news->si_code == CLD_KILLED ||
                news->si_code == CLD_DUMPED;
    if (ended && ipcbench_way_out != NULL)
        siglongjmp(*ipcbench_way_out, 1);
}

/* Whether Python has a handler, before which ours now stands. SIGCHLD is blocked. */
static inline int
ipcbench_listen(void)
{
    struct sigaction ours = {.sa_sigaction = ipcbench_child_ended,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&ours.sa_mask);
    sigaction(SIGCHLD, NULL, &ipcbench_pythons);
    if (ipcbench_pythons.sa_flags & SA_SIGINFO || ipcbench_pythons.sa_handler == SIG_DFL ||
        ipcbench_pythons.sa_handler == SIG_IGN)
        return 0;
    sigaction(SIGCHLD, &ours, NULL);
    return 1;
}

static inline void
ipcbench_block(sigset_t *before)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, before);
}

/* What `body` returns, or LEFT. SIGCHLD is blocked before and after; meanwhile, `mask` says. */
static inline ssize_t
ipcbench_leavable(ssize_t (*body)(void *), void *argument, const sigset_t *mask)
{
    sigjmp_buf here;
    volatile ssize_t result = IPCBENCH_LEFT;
    const volatile int listens = ipcbench_listen();
    /* The mask that is saved, and is back after a jump, has SIGCHLD in it. */
    if (sigsetjmp(here, 1) == 0) {
        ipcbench_way_out = &here;
        pthread_sigmask(SIG_SETMASK, mask, NULL);
        result = body(argument);
        ipcbench_block(NULL);
    }
    ipcbench_way_out = NULL;
    if (listens)
        sigaction(SIGCHLD, &ipcbench_pythons, NULL);
    return result;
}

/* What `body` returns, called without the interpreter's lock; RAISED where a handler of
 * Python's did, -ECHILD where a child has ended and its handler made nothing of it. */
static inline ssize_t
ipcbench_called(ssize_t (*body)(void *), void *argument)
{
    sigset_t mask;
    ssize_t result;
    ipcbench_block(&mask);
    if (PyErr_CheckSignals() < 0) { /* of a child that ended before we listened */
        pthread_sigmask(SIG_SETMASK, &mask, NULL);
        return IPCBENCH_RAISED;
    }
    Py_BEGIN_ALLOW_THREADS
    result = ipcbench_leavable(body, argument, &mask);
    Py_END_ALLOW_THREADS
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (result != IPCBENCH_LEFT)
        return result;
    return PyErr_CheckSignals() < 0 ? IPCBENCH_RAISED : -ECHILD;
}

#endif
