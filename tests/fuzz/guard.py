"""Around each input: warnings are errors, time and memory have an end.

The journal's reader takes what is in order up to half a gigabyte; an input here
is small, so far less is enough.
"""

from __future__ import annotations

import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 20.0
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

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def play(outcome: Callable[[bytes], str], data: bytes) -> str:
    """One input under guard: "" or the refusal. Raises: whatever is a bug."""
    with guarded():
        return outcome(data)
