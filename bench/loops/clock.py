"""Clock of the timed loops: the machine's, or a fake one for tests.

`perf_counter` reads CLOCK_MONOTONIC, which all processes of a machine share: stamps of two
processes can be subtracted.
"""

from __future__ import annotations

import time
from array import array
from typing import Protocol

from ipcbench.bench.loops.open_loop.timetable import Passages

REAL = "perf_counter"
FAKE = "fake"
NOISY = "fake-noisy"  # as FAKE, with noise that keeps contests open
FAKE_TURNS = 1000  # turns of a delay that double the time of a message, by a made-up clock
_NOISE = {FAKE: 0.02, NOISY: 0.5}


class Clock(Protocol):
    """The two readings of a block, and the stamps of a stamped pass."""

    def begin(self, count: int) -> None:
        """Prepare for a block of `count` messages or round trips."""

    def now(self) -> float:
        """Read the clock, in seconds."""

    def now_ns(self) -> int:
        """Read the clock, in nanoseconds."""

    def block_times(self, start: float, end: float) -> tuple[float, float]:
        """Return the times to use for a block, given those that a compiled loop read."""

    def stamps(self, read: array[int]) -> array[int]:
        """Return the stamps to use, given those that a compiled loop read."""

    def passages(self, read: Passages) -> Passages:
        """Return the passages of messages to use, given those of an open loop."""


class RealClock:
    """The clock of the machine."""

    def __init__(self) -> None:
        self.now = time.perf_counter
        self.now_ns = time.perf_counter_ns

    def begin(self, count: int) -> None:
        """Do nothing: time passes by itself."""

    def block_times(self, start: float, end: float) -> tuple[float, float]:
        """Return the times as the loop read them."""
        return start, end

    def stamps(self, read: array[int]) -> array[int]:
        """Return the stamps as the loop read them."""
        return read

    def passages(self, read: Passages) -> Passages:
        """Return the passages as the loops read them."""
        return read


class FakeClock:
    """Time that depends on the cell and the round alone, so that tests can predict it.

    Each message costs `cost` seconds, and a large one more; another unit as much as `weight` small
    messages. The first reading after `begin`
    is 0, the second one the whole block.
    """

    def __init__(
        self,
        cell: str,
        round_number: int,
        size: int = 0,
        slowed: float = 0.0,
        width: float = _NOISE[FAKE],
        weight: float = 1.0,
    ) -> None:
        noise = 1 + width * _fraction(f"{cell}#{round_number}")
        # About the cost of copying: a block has as few large messages as a real one.
        copying = 1 + size / 4096
        usual = 1e-6 * weight * (1 + 9 * _fraction(cell))
        self.cost = usual * noise * copying * (1 + slowed / 100)
        self._count = self._readings = self._stamped = 0

    def begin(self, count: int) -> None:
        """Set the clock to 0, and the length of the next block."""
        self._count = count
        self._readings = 0
        self._stamped = 0

    def now(self) -> float:
        """Return 0, then the length of the block."""
        self._readings += 1
        return 0.0 if self._readings % 2 else self._count * self.cost

    def now_ns(self) -> int:
        """Return a time that is one message later than the last one."""
        self._stamped += 1
        return round(self._stamped * self.cost * 1e9)

    def block_times(self, start: float, end: float) -> tuple[float, float]:
        """Return two readings of this clock."""
        return self.now(), self.now()

    def stamps(self, read: array[int]) -> array[int]:
        """Return as many readings of this clock."""
        return array("q", (self.now_ns() for _ in read))

    def passages(self, read: Passages) -> Passages:
        """Return as many messages, which all took the time of one, from a sender on time."""
        count, nanoseconds = len(read.latencies), round(self.cost * 1e9)
        return Passages(
            latencies=array("q", [nanoseconds]) * count,
            lags=array("q", [0]) * count,
            sending=(count - 1) * nanoseconds,
            due=read.due,
            sent=read.due,
        )


def _fraction(text: str) -> float:
    """Return a number from 0 to 1 that depends on the text alone."""
    import hashlib  # it loads OpenSSL, which no real run needs

    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def clock(
    name: str,
    cell: str,
    round_number: int,
    size: int = 0,
    slowed: float = 0.0,
    weight: float = 1.0,
) -> Clock:
    """Return the clock of that name. Raises: ValueError where there is none.

    `slowed`: percent that a made-up clock adds to each message. `weight`: as of FakeClock.
    """
    if name == REAL:
        return RealClock()
    if name in _NOISE:
        return FakeClock(cell, round_number, size, slowed, _NOISE[name], weight)
    raise ValueError(f"no clock {name!r}: there are {REAL}, {' and '.join(_NOISE)}")
