"""Actors: processes that call functions for a test.

A test never waits for an endpoint itself. An `Actor` makes the call in a process of
its own, and the test waits for its answer with a time limit. So a call that hangs is
a failed test (`Stuck`), never a hung run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from ipcbench.transports.base.forking import FAILED, fork_child

CALL_LIMIT = 10.0  # seconds: a call that takes longer hangs
LIFE = 60  # seconds after which the kernel ends an actor (alarm(2))

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

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
        self._connection.send((function, arguments))

    def answer(self) -> Any:
        """Return or raise the outcome of the function.

        Raises: Stuck, Died.
        """
        if not wait([self._connection, self._pidfd], CALL_LIMIT):
            raise Stuck(f"no answer within {CALL_LIMIT} s")
        try:
            error, outcome = self._connection.recv()
        except (EOFError, ConnectionResetError):
            raise Died("the process ended before it answered") from None
        if error:
            raise outcome
        return outcome

    def waits(self, seconds: float) -> bool:
        """Return True if there is no answer after so many seconds."""
        return not wait([self._connection, self._pidfd], seconds)

    def cpu(self) -> float:
        """Return the seconds that it has spent on a CPU (/proc/PID/schedstat, first field)."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    def runnable(self) -> float:
        """Return seconds on a CPU or in wait for one (proc_pid_schedstat, first two fields)."""
        fields = Path(f"/proc/{self.pid}/schedstat").read_text().split()
        return sum(map(int, fields[:2])) / 1e9

    def asleep(self) -> bool:
        """Return True if it sleeps in the kernel now (proc_pid_stat(5), field 3)."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"

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


def _run(connection: Connection[Any, Any], parent: int, start: Callable[[], Any]) -> int:
    """Run an actor to its end; return its exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the call of prctl(2)
        return FAILED
    with suppress(EOFError):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIFE)
        warnings.simplefilter("error")
        sys.unraisablehook = lambda hook: unraised.append(hook.exc_value)
        state = start()
        while True:
            request = connection.recv()
            if request is None:
                break
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
