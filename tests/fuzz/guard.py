"""Around each input: warnings are errors, time and memory have an end.

The journal's reader takes what is in order up to half a gigabyte; an input here
is small, so far less is enough.
"""

from __future__ import annotations

import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

SECONDS = 20.0  # of this process's CPU time: a busy machine may stand still meanwhile
PATIENCE = 5  # times as long by the clock on the wall, for what waits for ever
BYTES = 4 << 30  # of address space, which counts what is mapped and never touched too


class TooLong(BaseException):
    """No refusal and no result in time; no `except Exception` takes it."""


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


@contextmanager
def guarded(seconds: float = SECONDS) -> Iterator[None]:
    """Raises: TooLong, or a warning as an error."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"over {seconds} s")

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, PATIENCE * seconds),
    )
    with ExitStack() as undo:
        for timer, number, span in timers:
            undo.callback(signal.signal, number, signal.signal(number, over))
            undo.callback(signal.setitimer, timer, 0)
            signal.setitimer(timer, span)
        undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error")
        yield


def play(outcome: Callable[[bytes], str], data: bytes) -> str:
    """One input under guard: "" or the refusal. Raises: whatever is a bug."""
    with guarded():
        return outcome(data)
