"""Processes that die with their parent, and the resources that they have used."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ipcbench.bench.loops.loop import Span
from ipcbench.bench.results.records import Usage
from ipcbench.transports.base import refused
from ipcbench.transports.base.forking import fork_child
from ipcbench.transports.base.os_errors import MORE_PROCESSES

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def fork(body: Callable[[], int]) -> int:
    """Fork a child that calls `body` and exits with its return value; return its pid: fork(2).

    The child never returns into the caller's code, even if `body` raises. Raises: Unavailable.
    """

    def whole() -> int:
        try:
            return body()
        finally:
            flush()

    try:
        return fork_child(whole)
    except OSError as error:
        raise refused("fork(2)", error, MORE_PROCESSES) from error


def flush() -> None:
    """Flush standard output; report a failure on standard error."""
    if sys.stdout is None:  # it was closed when Python started
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        with suppress(Exception):  # standard error may be closed as well
            print(f"standard output cannot be written: {error}", file=sys.stderr)


def die_with(parent: int) -> None:
    """Be killed when the thread that forked this process ends; exit if it has ended: prctl(2)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, to wait for them too: prctl(2)."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def usage() -> Usage:
    """Return the resources that this process has used since it began."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        # To the nanosecond and up to now, where getrusage(2) counts in ticks.
        cpu=time.process_time(),
        voluntary=spent.ru_nvcsw,
        involuntary=spent.ru_nivcsw,
        minor_faults=spent.ru_minflt,
        major_faults=spent.ru_majflt,
    )


class Timed(NamedTuple):
    """A block in one process: its span, and the resources used before and after its loop.

    `at_start` and `at_end`: the CPU times of the other processes then, where they were read.
    """

    span: Span
    before: Usage
    after: Usage
    at_start: Sequence[float | None] = ()
    at_end: Sequence[float | None] = ()

    def used(self, at_start: float | None = None, at_end: float | None = None) -> Usage:
        """Return what the block used.

        `at_start` and `at_end`: the process's CPU time when the block began and ended, if the
        loop was entered before, or left after that.
        """
        begin = max(self.before.cpu, at_start or 0.0)
        end = self.after.cpu if at_end is None else min(self.after.cpu, at_end)
        return Usage(
            cpu=max(0.0, end - begin),
            voluntary=self.after.voluntary - self.before.voluntary,
            involuntary=self.after.involuntary - self.before.involuntary,
            minor_faults=self.after.minor_faults - self.before.minor_faults,
            major_faults=self.after.major_faults - self.before.major_faults,
        )


def added(one: Usage, other: Usage) -> Usage:
    """Add two usages."""
    return Usage(
        **{name: getattr(one, name) + getattr(other, name) for name in Usage.__struct_fields__}
    )


def how_it_ended(status: int) -> str:
    """Describe a wait status: waitpid(2)."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with {code}"
