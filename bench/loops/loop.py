"""The signature of a timed loop, and the result that it returns.

A loop takes an endpoint, the prepared message, the buffer to receive into, a count, the
clock, and the arguments of its part, if any. It does its calls `count` times, between two
readings of the clock, and nothing beside them.

A stamped loop reads the clock once a round trip instead: it is a pass of its own, so that the
stamps add nothing to the mean. It takes an array behind the clock and fills it: with n + 1
stamps around the last n round trips. The first ones of `count` have no stamps: they include
the barrier and the start of the other processes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Concatenate, NamedTuple, TypeAlias

from ipcbench.bench.loops.clock import Clock


class Span(NamedTuple):
    """One part's share of a block: its start and end in seconds, and the number it handled."""

    start: float
    end: float
    handled: int


# The calls of an endpoint depend on its topology: the contract has a protocol for each.
Loop: TypeAlias = Callable[Concatenate[Any, Any, memoryview, int, Clock, ...], Span]
Stamped: TypeAlias = Callable[
    Concatenate[Any, Any, memoryview, int, Clock, "array[int]", ...], None
]


def durations(stamps: array[int]) -> array[int]:
    """Return the differences between neighbouring stamps, in nanoseconds."""
    return array("q", (after - before for before, after in pairwise(stamps)))
