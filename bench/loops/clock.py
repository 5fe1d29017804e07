"""The clock of the timed loops: the machine's, or one made up for tests.

`perf_counter` reads CLOCK_MONOTONIC, which is one clock for all processes of
a machine: stamps that two processes took can be subtracted.
"""

from __future__ import annotations

import hashlib
import time
from array import array
from typing import Protocol

REAL = "perf_counter"
FAKE = "fake"


class Clock(Protocol):
    def begin(self, count: int) -> None:
        """A block of so many messages or round trips is about to be timed."""

    def now(self) -> float:
        """Seconds."""

    def now_ns(self) -> int:
        """Nanoseconds."""

    def told(self, start: float, end: float) -> tuple[float, float]:
        """What counts for a block of which a compiled loop says when it began and ended."""

    def told_ns(self, stamps: array[int]) -> array[int]:
        """The same for its stamps."""


class RealClock:
    def __init__(self) -> None:
        self.now = time.perf_counter
        self.now_ns = time.perf_counter_ns

    def begin(self, count: int) -> None:
        """Time passes by itself."""

    def told(self, start: float, end: float) -> tuple[float, float]:
        return start, end

    def told_ns(self, stamps: array[int]) -> array[int]:
        return stamps


class FakeClock:
    """Time that depends on the cell and the round alone, so that tests can foretell it.

    Each message costs `cost` seconds, more for one of many bytes; the first
    reading after `begin` is 0, the second one the whole block.
    """

    def __init__(self, cell: str, round_number: int, size: int = 0) -> None:
        noise = 1 + 0.02 * _fraction(f"{cell}#{round_number}")
        # About what copying costs, so that a block of large messages has as few as a real one.
        copying = 1 + size / 4096
        self.cost = 1e-6 * (1 + 9 * _fraction(cell)) * noise * copying
        self._count = self._readings = self._stamps = 0

    def begin(self, count: int) -> None:
        self._count = count
        self._readings = 0
        self._stamps = 0

    def now(self) -> float:
        self._readings += 1
        return 0.0 if self._readings % 2 else self._count * self.cost

    def now_ns(self) -> int:
        self._stamps += 1
        return round(self._stamps * self.cost * 1e9)

    def told(self, start: float, end: float) -> tuple[float, float]:
        return self.now(), self.now()

    def told_ns(self, stamps: array[int]) -> array[int]:
        return array("q", (self.now_ns() for _ in stamps))


def _fraction(text: str) -> float:
    """A number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def clock(name: str, cell: str, round_number: int, size: int = 0) -> Clock:
    """The clock of that name. Raises: ValueError where there is none."""
    if name == REAL:
        return RealClock()
    if name == FAKE:
        return FakeClock(cell, round_number, size)
    raise ValueError(f"no clock is called {name!r}: there are {REAL} and {FAKE}")
