/* Exit from a native operation when a child process ends.
 *
 * Python runs signal handlers between its own instructions, and a compiled loop has none. The
 * operations continue after a signal, and where a facility does not report the death of a peer,
 * they would wait for ever. A second thread that waits for the peers would cost some 60 ns a round
 * trip: with two threads the kernel counts each use of a descriptor, and the C library makes each
 * blocking call a cancellation point.
 *
 * So for the time of the call, the handler of this file replaces Python's, and leaves the call by
 * siglongjmp(3). An operation holds no lock and no Python object (ops.h). */
#ifndef IPCBENCH_CHILD_EXIT_H
#define IPCBENCH_CHILD_EXIT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IPCBENCH_LEFT (-4096)   /* not an errno: those end at 4095 */
#define IPCBENCH_RAISED (-4097) /* a Python handler has raised: its error is set */

/* The jump target of the thread. With glibc, the TLS model must be initial-exec: the default one
 * may allocate memory at the first access, which a signal handler must not do. musl allocates TLS
 * in advance, and cannot load a module with this model. */
#ifdef __GLIBC__
#define IPCBENCH_INITIAL_EXEC __attribute__((tls_model("initial-exec")))
#else
#define IPCBENCH_INITIAL_EXEC
#endif
static _Thread_local sigjmp_buf *ipcbench_jump_target IPCBENCH_INITIAL_EXEC;

/* Python's handler, and the number of threads in a call; both are written with the interpreter's
 * lock held. Each module that includes this file has its own copy, and its own handler: a thread in
 * a call of one module does not exit while another thread is in a call of the other. Of several
 * threads in calls, the one that gets the signal from the kernel exits. */
static struct sigaction ipcbench_python_handler;
static int ipcbench_callers;

/* True if the signal reports an exit. One sent by kill(2) means that an earlier signal was missed
 * (bench/workers/fork_parent.py): it reports an exit if a child can be waited for. */
static inline int
ipcbench_reports_an_exit(const siginfo_t *info)
{
    siginfo_t ended = {0};
    if (info->si_code == SI_USER) /* the bare system call: it is no cancellation point */
        return syscall(SYS_waitid, P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT, NULL) == 0 &&
               ended.si_pid != 0;
    return info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
           info->si_code == CLD_DUMPED;
}

static void
ipcbench_child_ended(int number, siginfo_t *info, void *Py_UNUSED(context))
{
    int saved = errno;
    ipcbench_python_handler.sa_handler(number); /* for PyErr_CheckSignals; signal-safe */
    int leave = ipcbench_jump_target != NULL && ipcbench_reports_an_exit(info);
    errno = saved;
    if (leave)
        siglongjmp(*ipcbench_jump_target, 1);
}

static inline int
ipcbench_is_ours(const struct sigaction *handler)
{
    return handler->sa_flags & SA_SIGINFO && handler->sa_sigaction == ipcbench_child_ended;
}

/* Install the handler in place of Python's: 1, or 0 where it must not be. SIGCHLD is blocked. Any
 * handler with SA_SIGINFO is not Python's and is kept, since it could not be called. */
static inline int
ipcbench_install_handler(void)
{
    struct sigaction now, handler = {.sa_sigaction = ipcbench_child_ended,
                                     .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&handler.sa_mask);
    sigaction(SIGCHLD, NULL, &now);
    if (!ipcbench_is_ours(&now)) {
        if (now.sa_flags & SA_SIGINFO || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
            return 0;
        ipcbench_python_handler = now;
        sigaction(SIGCHLD, &handler, NULL);
    }
    ipcbench_callers++;
    return 1;
}

/* After the last call, restore Python's handler, unless another one was installed meanwhile. */
static inline void
ipcbench_restore_handler(void)
{
    struct sigaction now;
    if (--ipcbench_callers > 0)
        return;
    sigaction(SIGCHLD, NULL, &now);
    if (ipcbench_is_ours(&now))
        sigaction(SIGCHLD, &ipcbench_python_handler, NULL);
}

static inline void
ipcbench_block(sigset_t *before)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, before);
}

/* Call `body`: its result, or LEFT. SIGCHLD is blocked before and after; `mask` holds meanwhile. */
static inline ssize_t
ipcbench_call_with_exit(ssize_t (*body)(void *), void *argument, const sigset_t *mask)
{
    sigjmp_buf here;
    volatile ssize_t result = IPCBENCH_LEFT;
    /* The saved mask, restored by a jump, blocks SIGCHLD. */
    if (sigsetjmp(here, 1) == 0) {
        ipcbench_jump_target = &here;
        pthread_sigmask(SIG_SETMASK, mask, NULL);
        result = body(argument);
        ipcbench_block(NULL);
    }
    ipcbench_jump_target = NULL;
    return result;
}

/* Call `body` without the interpreter's lock: its result, RAISED after an exception of a Python
 * handler, or -ECHILD where a child has ended and the handler raised nothing. */
static inline ssize_t
ipcbench_call(ssize_t (*body)(void *), void *argument)
{
    sigset_t mask;
    ssize_t result;
    ipcbench_block(&mask);
    if (PyErr_CheckSignals() < 0) { /* of a child that ended before the handler is installed */
        pthread_sigmask(SIG_SETMASK, &mask, NULL);
        return IPCBENCH_RAISED;
    }
    const int installed = ipcbench_install_handler();
    Py_BEGIN_ALLOW_THREADS
    result = ipcbench_call_with_exit(body, argument, &mask);
    Py_END_ALLOW_THREADS
    if (installed)
        ipcbench_restore_handler();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (result != IPCBENCH_LEFT)
        return result;
    return PyErr_CheckSignals() < 0 ? IPCBENCH_RAISED : -ECHILD;
}

#endif
