"""Pattern `counter`: all processes count up one shared variable inside a guard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.patterns.part import Observed, Part, Pattern, Seat, any_number
from ipcbench.transports.contract import Role, Topology, Traits


def count_up(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Increment the shared variable, which `buffer` is, inside the guard."""
    acquire, release, now = endpoint.acquire, endpoint.release, clock.now
    start = now()
    for _ in repeat(None, count):
        acquire()
        buffer[0] += 1
        release()
    return Span(start, now(), count)


def check_member(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Check nothing: the updates are counted after each block."""
    return []


def account(spans: Sequence[Span], variable: int, traits: Traits) -> Observed:
    """Count the lost updates. Raises: Corrupt where the guard should have kept them."""
    wanted = sum(span.handled for span in spans)
    lost = wanted - variable
    if lost and traits.excludes:
        raise Corrupt(f"{lost} of {wanted} guarded updates were lost")
    return {"lost updates": (lost, wanted)}


MEMBER = Part(
    count_up, check_member, starts=True, ends=True, buffer=lambda size, variable: variable
)

COUNTER = Pattern(
    name="counter",
    topology=Topology.GUARD,
    per="update",
    seats=lambda processes: [Seat(0, Role.MEMBER, index, MEMBER) for index in range(processes)],
    units=lambda processes: processes,
    refuses=any_number,
    account=account,
)
