"""Cost model of a round trip on one core: twice the calls and copies, and a constant.

    round trip(size) = 2 * self(size) + c

`self` is the pattern of one process that sends to itself: the calls and the copying of a message,
with no other process to wait for. So the rest of a round trip is what two processes add: one
blocks and the other one is woken, twice. That does not depend on the size as long as a message
fits into the channel, so one small size tells it.

A prediction stands beside the model's leave-one-out error, or is not made. The model is for
round trips of processes that sleep, on one core, at sizes at which one process can send to itself:
so never across a capacity, where the sender sleeps in the middle of a message, and never for
streams, whose two sides work at the same time. Times are in seconds; nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

BySize: TypeAlias = Mapping[int, float]
"""Bytes of a message -> seconds."""

LEAST = 2  # sizes at which both were measured: with one, there is no error to tell


@dataclass(frozen=True, slots=True)
class Constant:
    """Seconds that two processes add to a round trip, and the size that they are known from."""

    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """A round trip of a size.

    `error`: the model's at a size that was measured (predicted by measured, less 1); at one that
    was not, its largest in absolute terms at those that were.
    """

    size: int
    seconds: float
    error: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a round trip, in seconds: their sum is its time.

    Attributes:
        python: the additional time of the Python loop; None: not told apart.
        calls: the calls and the copying of both messages, without what is Python's.
        between: the rest: sleeping and waking.
    """

    python: float | None
    calls: float
    between: float


def constant(alone: BySize, trips: BySize) -> Constant | None:
    """Return the constant, from the smallest size at which both were measured; None: no such size.

    Args:
        alone: a message of a process to itself.
        trips: a round trip.
    """
    size = min(alone.keys() & trips.keys(), default=None)
    return None if size is None else Constant(trips[size] - 2 * alone[size], size)


def leave_one_out(alone: BySize, trips: BySize) -> list[Prediction]:
    """Predict each round trip that was measured by the other ones, the smallest size first.

    Returns:
        Nothing, where fewer than `LEAST` sizes were measured.
    """
    sizes = sorted(alone.keys() & trips.keys())
    if len(sizes) < LEAST:
        return []
    found = []
    for size in sizes:
        from_others = constant(alone, {other: trips[other] for other in sizes if other != size})
        assert from_others is not None
        seconds = 2 * alone[size] + from_others.seconds
        found.append(Prediction(size, seconds, seconds / trips[size] - 1))
    return found


def predictions(alone: BySize, trips: BySize) -> list[Prediction]:
    """Predict the round trips that were not measured, the smallest size first.

    Returns:
        Nothing, where the error of the model is not known.
    """
    known, errors = constant(alone, trips), leave_one_out(alone, trips)
    if known is None or not errors:
        return []
    worst = max(abs(one.error) for one in errors)
    return [
        Prediction(size, 2 * alone[size] + known.seconds, worst)
        for size in sorted(alone.keys() - trips.keys())
    ]


def parts(trip: float, alone: float, native: float | None = None) -> Parts:
    """Split a round trip of processes that sleep.

    What Python costs is the difference between both loops of one process that sends to itself:
    no process sleeps there. In a round trip with sleepers, a slower loop also changes when they
    sleep, and the difference between both loops would include that.

    Args:
        trip: the round trip.
        alone: a message of a process to itself, by the same loop.
        native: the same by the native loop; None: not measured, or by other calls.
    """
    if native is None:
        return Parts(None, 2 * alone, trip - 2 * alone)
    return Parts(2 * (alone - native), 2 * native, trip - 2 * alone)


def parts_awake(trip: float, native_trip: float, native: float) -> Parts:
    """Split a round trip of processes that do not sleep, whose loops can be compared.

    Args:
        trip: the round trip, by the Python loop.
        native_trip: the same by the native loop.
        native: a message of a process to itself, by the native loop.
    """
    return Parts(trip - native_trip, 2 * native, native_trip - 2 * native)
