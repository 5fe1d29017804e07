"""Timetable of an open loop: when each message is due, handed over and received.

The schedule is drawn before a block. The times are in memory that the processes of a run share,
so that the worker reads those of the receiver without a message. They are nanoseconds of
CLOCK_MONOTONIC, which all processes of a machine share. Each process has written to its own times
before a block begins, so that no page of them is missing in the block: mmap(2).
"""

from __future__ import annotations

import mmap
import random
from array import array
from itertools import accumulate
from typing import NamedTuple

MOST = 1 << 20  # messages of a block
SECOND = 1_000_000_000  # nanoseconds
_WORD = 8  # bytes of a time
_BY_SENDER = 1 + 3 * MOST


class Passages(NamedTuple):
    """The messages of a block, in nanoseconds.

    Attributes:
        latencies: from the time at which a message was due to its arrival.
        lags: from the time at which a message was due to its hand-over, of those for which the
            sender was ready in time. A late one has no lag of its own: `send` held the sender back.
        sending: all calls of `send` but the last one together.
        due: from the start of the schedule to the time at which the last message was due.
        sent: from the start of the schedule to the hand-over of the last message.
    """

    latencies: array[int]
    lags: array[int]
    sending: int
    due: int
    sent: int

    @property
    def late(self) -> int:
        """The messages for which the sender was not ready in time."""
        return len(self.latencies) - len(self.lags)


class Timetable:
    """The times of a block's messages.

    The sender's are the start of the schedule; for each message, when it is due after the start;
    when the sender was ready for it; and when it handed the message over. The receiver's are the
    arrivals.
    """

    def __init__(self) -> None:
        whole = memoryview(mmap.mmap(-1, _WORD * (_BY_SENDER + MOST))).cast("q")
        self._sender, self._receiver = whole[:_BY_SENDER], whole[_BY_SENDER:]
        self._due = array("q")

    def draw(self, due: array[int]) -> None:
        """Set the schedule of the next block. Raises: ValueError for one that is too long."""
        if len(due) > MOST:
            raise ValueError(f"over {MOST} messages in a block")
        self._due = due

    def of_sender(self, count: int) -> memoryview:
        """Return the sender's times, with the schedule in them."""
        times = self._sender[: 1 + 3 * count]
        times[0] = 0
        times[1 : 1 + count] = self._due
        times[1 + count :] = array("q", bytes(2 * _WORD * count))
        return times

    def of_receiver(self, count: int) -> memoryview:
        """Return the receiver's times, all 0."""
        times = self._receiver[:count]
        times[:] = array("q", bytes(_WORD * count))
        return times

    def passages(self) -> Passages:
        """Return what the last block has shown."""
        count, due = len(self._due), self._due
        start, times = self._sender[0], self._sender[1 : 1 + 3 * count]
        ready, sent = times[count : 2 * count], times[2 * count :]
        received = self._receiver[:count]
        arrived = zip(received, due, strict=True)
        kept = zip(ready, sent, due, strict=True)
        return Passages(
            latencies=array("q", (at - start - then for at, then in arrived)),
            lags=array("q", (at - start - then for free, at, then in kept if free - start <= then)),
            sending=sum(ready[1:]) - sum(sent[:-1]),
            due=due[-1],
            sent=sent[-1] - start,
        )


def closed(count: int) -> array[int]:
    """Draw a schedule that is always behind: each message is sent as soon as it may."""
    return array("q", bytes(_WORD * count))


def fixed(count: int, rate: float) -> array[int]:
    """Draw a schedule of fixed intervals; the first message is due after one of them."""
    return array("q", (round(number * SECOND / rate) for number in range(1, count + 1)))


def poisson(count: int, rate: float, seed: str) -> array[int]:
    """Draw a schedule of a Poisson process: intervals are independent, and exponential."""
    draw = random.Random(seed).expovariate
    return array("q", map(round, accumulate(draw(rate / SECOND) for _ in range(count))))
