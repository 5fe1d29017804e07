"""Actors: processes that call functions for a test.

A test never waits for an endpoint itself. An `Actor` makes the call in a process of
its own, and the test waits for its answer with a time limit. So a call that hangs is
a failed test (`Stuck`), never a hung run. On a machine with too few CPUs a call that takes
longer is waited for as long as processes run (hangs/).
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from ipcbench.transports.base.forking import FAILED, fork_child
from ipcbench.transports.testing.hangs.evidence import (
    LONGEST,
    WINDOW,
    Observed,
    Pair,
    Sample,
    hung,
    of_machine,
    of_memory,
    of_process,
)

CALL_LIMIT = 10.0  # seconds: a call that takes longer hangs, or has too little CPU time
LIFE = int(1.5 * LONGEST)  # seconds after a call at which the kernel ends an actor (alarm(2))

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_STACK, _STDERR = signal.SIGUSR2, 2  # an actor writes its Python stack
_TO_WRITE = 0.1  # seconds for that

_alive: list[Actor] = []

unraised: list[BaseException | None] = []
"""In an actor: exceptions and warnings that could not be raised to a caller."""


class Stuck(AssertionError):
    """An actor gave no answer in time."""


class Died(AssertionError):
    """An actor ended instead of answering."""


class Actor:
    """A forked process that holds one state and calls functions on it.

    `start` makes the state in the process. `do(function, *arguments)` calls
    `function(state, *arguments)` there, and returns or raises the outcome. Functions
    and arguments are pickled, `start` is inherited. The process is killed with its
    parent (prctl(2), PR_SET_PDEATHSIG), or by an alarm.
    """

    pid: int
    _pidfd: int

    def __init__(self, start: Callable[[], Any]) -> None:
        self._connection, theirs = Pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            # os.fork warns of threads; the one of faulthandler's watchdog holds no locks.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = fork_child(lambda: self._live(theirs, parent, start))
        theirs.close()
        self._pidfd = os.pidfd_open(self.pid)
        self._ended = False
        self._call, self._cpu = "start", 0.0
        self.observed: Observed | None = None
        _alive.append(self)

    def _live(self, theirs: Connection[Any, Any], parent: int, start: Callable[[], Any]) -> int:
        self._connection.close()
        for other in _alive:
            other._connection.close()
            os.close(other._pidfd)
        return _run(theirs, parent, start)

    def do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function in the process, and wait for the answer."""
        self.begin(function, *arguments)
        return self.answer()

    def begin(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Start to call the function in the process; `answer` returns the outcome."""
        self._call, self._cpu = function.__name__, self.sample().ran
        self._connection.send((function, arguments))

    def answer(self) -> Any:
        """Return or raise the outcome of the function.

        Raises: Stuck, Died.
        """
        window = min(WINDOW, CALL_LIMIT / 2)
        if self.waits(CALL_LIMIT - window):
            self._await(CALL_LIMIT - window, window)
        try:
            error, outcome = self._connection.recv()
        except (EOFError, ConnectionResetError):
            raise Died("the process ended before it answered") from None
        if error:
            raise outcome
        return outcome

    def _await(self, elapsed: float, window: float) -> None:
        """Wait for an answer while processes run. Raises: Stuck."""
        before = [actor.sample() for actor in _alive]
        while self.waits(window):
            elapsed += window
            after = [actor.sample() for actor in _alive]
            pairs = [Pair(*pair) for pair in zip(before, after, strict=True)]
            spent = sum(now.ran - one._cpu for one, now in zip(_alive, after, strict=True))
            why = hung(pairs, window, spent=spent, elapsed=elapsed, limit=CALL_LIMIT)
            if why:
                raise _stuck(f"no answer within {elapsed:.1f} s: {why}", pairs, window)
            before = after

    def sample(self) -> Sample:
        """Sample its state and its times."""
        return Sample.of(self.pid)

    def waits(self, seconds: float) -> bool:
        """Return True if there is no answer after so many seconds."""
        return not wait([self._connection, self._pidfd], seconds)

    def cpu(self) -> float:
        """Return the seconds that it has spent on a CPU."""
        return self.sample().ran

    def runnable(self) -> float:
        """Return seconds on a CPU or in wait for one."""
        found = self.sample()
        return found.ran + found.waited

    def asleep(self) -> bool:
        """Return True if it sleeps in the kernel now."""
        return self.sample().state == "S"

    def kill(self) -> None:
        """Kill it with SIGKILL: it runs no more code. May be called twice."""
        if not self._ended:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._reap()

    def leave(self) -> None:
        """Let it end, or kill it where it does not. May be called twice."""
        if not self._ended:
            with suppress(OSError):
                self._connection.send(None)
            if not wait([self._pidfd], CALL_LIMIT):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._reap()

    def _reap(self) -> None:
        os.waitpid(self.pid, 0)
        os.close(self._pidfd)
        self._connection.close()
        self._ended = True
        _alive.remove(self)

    def __enter__(self) -> Actor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave() if error is None else self.kill()


def _stuck(why: str, pairs: Sequence[Pair], window: float) -> Stuck:
    """Make the error of a call that hangs, with the evidence as a note.

    The Python stack of each actor is written to the standard error.
    """
    lines = of_machine()
    for number, (actor, pair) in enumerate(zip(_alive, pairs, strict=True)):
        lines.append(of_process(actor.pid, f"actor {number}, {actor._call}", pair, window))
    for actor in [actor for actor in _alive if actor.observed][:1]:  # all of them share it
        lines += of_memory(actor.pid, actor.observed)
    for actor in _alive:
        signal.pidfd_send_signal(actor._pidfd, _STACK)
        time.sleep(_TO_WRITE)  # else the stacks are mixed
    error = Stuck(why)
    error.add_note("\n".join(lines))
    return error


def _run(connection: Connection[Any, Any], parent: int, start: Callable[[], Any]) -> int:
    """Run an actor to its end; return its exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the call of prctl(2)
        return FAILED
    with suppress(EOFError):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIFE)
        faulthandler.register(_STACK, file=_STDERR)
        warnings.simplefilter("error")
        sys.unraisablehook = lambda hook: unraised.append(hook.exc_value)
        state = start()
        while True:
            request = connection.recv()
            if request is None:
                break
            signal.alarm(LIFE)
            connection.send(_perform(state, *request))
    return 0


def _perform(
    state: Any, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[bool, Any]:
    """Return True and the error, or False and the result."""
    try:
        returned = function(state, *arguments)
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        return True, error
    if unraised:  # for example a descriptor that the garbage collector had to close
        return True, AssertionError(f"{function.__name__}: {unraised}")
    return False, returned


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for a condition; return True if it comes true in time."""
    end = time.monotonic() + CALL_LIMIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def check_asleep(actor: Actor) -> None:
    """Check that a process sleeps while it waits. Raises: AssertionError."""
    assert eventually(actor.asleep)
    before = actor.cpu()
    assert actor.waits(0.2)
    used = actor.cpu() - before
    assert used < 0.02, f"{used} s of CPU in 0.2 s of waiting"


def check_spinning(actor: Actor) -> None:
    """Check that a process uses its CPU while it waits, or wants one. Raises: AssertionError.

    The kernel adds a wait for a CPU to the account at its end (sched-stats.rst), which a busy
    machine delays.
    """
    wanted, began = actor.runnable(), time.monotonic()
    assert actor.waits(0.2)
    assert eventually(lambda: actor.runnable() - wanted > (time.monotonic() - began) / 2), (
        f"{actor.runnable() - wanted} s of CPU wanted in {time.monotonic() - began} s"
    )
