"""Limits for each input: warnings are errors, time and memory are bounded.

The journal's reader accepts valid input up to half a gigabyte; inputs here are small, so
much less is enough.
"""

from __future__ import annotations

import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

SECONDS = 20.0  # of this process's CPU time, which other load does not extend
WALL_FACTOR = 5  # times as long in wall-clock time, for inputs that make it block
BYTES = 4 << 30  # of address space, which includes mapped pages that are never used


class TooLong(BaseException):
    """Neither refusal nor result in time; `except Exception` does not catch it."""


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


@contextmanager
def guarded(seconds: float = SECONDS) -> Iterator[None]:
    """Limit the time and turn warnings into errors. Raises: TooLong, Warning."""

    def time_out(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"over {seconds} s")

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, WALL_FACTOR * seconds),
    )
    with ExitStack() as undo:
        for timer, number, span in timers:
            undo.callback(signal.signal, number, signal.signal(number, time_out))
            undo.callback(signal.setitimer, timer, 0)
            signal.setitimer(timer, span)
        undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error")
        yield


def run(outcome: Callable[[bytes], str], data: bytes) -> str:
    """Run one input within the limits; return "" or the refusal. Raises: any bug's exception."""
    with guarded():
        return outcome(data)
