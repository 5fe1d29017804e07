"""Patterns `file`, `file-random`, `file-write`, `file-write-random`: accesses to a file in memory.

One process reads the places of a file (or writes them) one after the other, in order or at
random. The transport is the way of access: system calls, or a map (transports/files/access.py).
Each access goes on where the one before it has ended, in the next block too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ipcbench.bench.loops import messages, native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import Clock, RealClock
from ipcbench.bench.loops.loop import Loop, Span
from ipcbench.bench.patterns.part import Part, Pattern, Seat
from ipcbench.bench.patterns.single.places import at_random, in_order
from ipcbench.bench.results.axes import FILE, FILE_RANDOM, FILE_WRITE, FILE_WRITE_RANDOM
from ipcbench.transports.contract import Role, Topology
from ipcbench.transports.native import NativeEndpoint

FEW = 6  # accesses of the check in each order


def _read(
    endpoint: Any, buffer: memoryview, places: Iterator[int], count: int, clock: Clock
) -> Span:
    read_at, now = endpoint.read_at, clock.now
    start = now()
    for place in places:
        read_at(buffer, place)
    return Span(start, now(), count)


def _write(endpoint: Any, message: Any, places: Iterator[int], count: int, clock: Clock) -> Span:
    write_at, now = endpoint.write_at, clock.now
    start = now()
    for place in places:
        write_at(message, place)
    return Span(start, now(), count)


def read_in_order(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Read each place of a file after the one before it."""
    places = in_order(first, count, len(buffer), endpoint.extent())
    return _read(endpoint, buffer, places, count, clock)


def read_at_random(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Read places of a file at random."""
    places = at_random(first, count, len(buffer), endpoint.extent())
    return _read(endpoint, buffer, places, count, clock)


def write_in_order(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write each place of a file after the one before it."""
    places = in_order(first, count, len(buffer), endpoint.extent())
    return _write(endpoint, message, places, count, clock)


def write_at_random(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write places of a file at random."""
    places = at_random(first, count, len(buffer), endpoint.extent())
    return _write(endpoint, message, places, count, clock)


_Order = Callable[[int, int, int, int], Iterator[int]]
_ORDERS: tuple[tuple[_Order, Loop, Loop], ...] = (
    (in_order, read_in_order, write_in_order),
    (at_random, read_at_random, write_at_random),
)


def check(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Write numbered messages in both orders, read them, and compare.

    Each is written and read by the loops themselves, which are the compiled ones in a native
    run. Raises: Corrupt, and what the endpoint raises.
    """
    native, few = isinstance(endpoint, NativeEndpoint), FEW if size < messages.LARGE else 2
    for order, read, write in _ORDERS:
        if native:
            read, write = native_loops.twin(read), native_loops.twin(write)
        buffer = aligned_buffer(size)
        last: dict[int, int] = {}  # place -> the number of what was written there last
        for number, place in enumerate(order(0, few, size, endpoint.extent())):
            buffer[:] = messages.message(seat.index, 0, number, size)
            write(endpoint, endpoint.prepare(buffer), buffer, 1, RealClock(), number)
            last[place] = number
        for number, place in enumerate(order(0, few, size, endpoint.extent())):
            read(endpoint, buffer, buffer, 1, RealClock(), number)
            messages.compare(buffer, seat.index, 0, last[place])
    return []


def _pattern(name: str, loop: Loop) -> Pattern:
    part = Part(loop, check, starts=True, ends=True, numbers=True)
    return Pattern(
        name=name,
        topology=Topology.FILE,
        per="access",
        seats=lambda processes: [Seat(0, Role.MEMBER, 0, part)],
        units=lambda processes: 1,
        refuses=lambda processes: "" if processes == 1 else "has 1 process",
    )


READS = _pattern(FILE, read_in_order)
READS_AT_RANDOM = _pattern(FILE_RANDOM, read_at_random)
WRITES = _pattern(FILE_WRITE, write_in_order)
WRITES_AT_RANDOM = _pattern(FILE_WRITE_RANDOM, write_at_random)
