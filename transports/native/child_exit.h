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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IPCBENCH_LEFT (-4096)   /* no errno: those end at 4095 */
#define IPCBENCH_RAISED (-4097) /* a handler of Python's has raised: its error is set */

/* Of the thread that may leave. With glibc, a model that a handler may read: the other one may
 * allocate on the way. musl allocates all of it beforehand, and loads no module of this one. */
#ifdef __GLIBC__
#define IPCBENCH_READABLE __attribute__((tls_model("initial-exec")))
#else
#define IPCBENCH_READABLE
#endif
static _Thread_local sigjmp_buf *ipcbench_way_out IPCBENCH_READABLE;

/* What ours stands before, and how many threads it does so for: the interpreter's lock, which
 * whoever writes either has, orders them. Each module that includes this has its own, and its own
 * handler: a thread in a call of the one is not left while a thread is in a call of the other.
 * Of several threads in calls, the one is left that the kernel gives the signal to. */
static struct sigaction ipcbench_pythons;
static int ipcbench_listeners;

/* Whether the news is of an end. Where kill(2) sent it, it says that one went unheard
 * (bench/workers/fork_parent.py): so it is one if a child is there to be waited for. */
static inline int
ipcbench_of_an_end(const siginfo_t *news)
{
    siginfo_t ended = {0};
    if (news->si_code == SI_USER) /* the call itself: no point of cancellation */
        return syscall(SYS_waitid, P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT, NULL) == 0 &&
               ended.si_pid != 0;
    return news->si_code == CLD_EXITED || news->si_code == CLD_KILLED ||
           news->si_code == CLD_DUMPED;
}

static void
ipcbench_child_ended(int number, siginfo_t *news, void *Py_UNUSED(context))
{
    int saved = errno;
    ipcbench_pythons.sa_handler(number); /* notes it for PyErr_CheckSignals; signal-safe */
    int leave = ipcbench_way_out != NULL && ipcbench_of_an_end(news);
    errno = saved;
    if (leave)
        siglongjmp(*ipcbench_way_out, 1);
}

static inline int
ipcbench_is_ours(const struct sigaction *handler)
{
    return handler->sa_flags & SA_SIGINFO && handler->sa_sigaction == ipcbench_child_ended;
}

/* Whether ours stands before Python's handler from now on. SIGCHLD is blocked. What is another
 * one's, or takes more than Python's does, is left alone: we could not call it. */
static inline int
ipcbench_listen(void)
{
    struct sigaction now, ours = {.sa_sigaction = ipcbench_child_ended,
                                  .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&ours.sa_mask);
    sigaction(SIGCHLD, NULL, &now);
    if (!ipcbench_is_ours(&now)) {
        if (now.sa_flags & SA_SIGINFO || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
            return 0;
        ipcbench_pythons = now;
        sigaction(SIGCHLD, &ours, NULL);
    }
    ipcbench_listeners++;
    return 1;
}

/* The last one who listened puts Python's back, unless that was set anew meanwhile. */
static inline void
ipcbench_listen_no_more(void)
{
    struct sigaction now;
    if (--ipcbench_listeners > 0)
        return;
    sigaction(SIGCHLD, NULL, &now);
    if (ipcbench_is_ours(&now))
        sigaction(SIGCHLD, &ipcbench_pythons, NULL);
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
    /* The mask that is saved, and is back after a jump, has SIGCHLD in it. */
    if (sigsetjmp(here, 1) == 0) {
        ipcbench_way_out = &here;
        pthread_sigmask(SIG_SETMASK, mask, NULL);
        result = body(argument);
        ipcbench_block(NULL);
    }
    ipcbench_way_out = NULL;
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
    const int listens = ipcbench_listen();
    Py_BEGIN_ALLOW_THREADS
    result = ipcbench_leavable(body, argument, &mask);
    Py_END_ALLOW_THREADS
    if (listens)
        ipcbench_listen_no_more();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (result != IPCBENCH_LEFT)
        return result;
    return PyErr_CheckSignals() < 0 ? IPCBENCH_RAISED : -ECHILD;
}

#endif
