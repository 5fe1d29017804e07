"""Patterns `fill` and `scan`: one process writes, or reads, every byte of messages in memory.

They use no channel: their transport is `null`. They stand beside figures of messages that are
written anew (bench/patterns/anew/fresh.py): what producing and reading cost by themselves. On two
CPUs a message takes at least the longer of the two, on one CPU their sum.
"""

from __future__ import annotations

from typing import Any

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.payloads.pool import ABSENT, Messages, memchr, memset
from ipcbench.bench.patterns.part import Part, Pattern, Seat
from ipcbench.transports.contract import Role, Topology


def fill(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write every byte of a buffer, one buffer after the other."""
    size, now = message.size, clock.now
    turns = message.turns(first, count)
    start = now()
    for (place, _), value in turns:
        memset(place, value, size)
    return Span(start, now(), count)


def scan(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Read every byte of a buffer, one buffer after the other."""
    size, now, read = message.size, clock.now, 0
    turns = message.turns(first, count)
    start = now()
    for (place, _), _ in turns:
        read += memchr(place, ABSENT, size) is None
    return Span(start, now(), read)


def check(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Check nothing: nothing is sent."""
    return []


PRODUCER = Part(fill, check, starts=True, ends=True, pool=True, numbers=True)
READER = Part(scan, check, starts=True, ends=True, pool=True, numbers=True)


def _pattern(name: str, part: Part) -> Pattern:
    return Pattern(
        name=name,
        topology=Topology.LINK,
        per="message",
        seats=lambda processes: [Seat(0, Role.CLIENT, 0, part)],
        units=lambda processes: 1,
        refuses=lambda processes: "" if processes == 1 else "has 1 process",
        alone=True,
    )


FILL = _pattern("fill", PRODUCER)
SCAN = _pattern("scan", READER)
