"""Payload `array` of `latency`, `stream`, their pairs, `fill` and `scan`: NumPy arrays.

The sender writes every byte of an array before it sends it, from a pool of as many arrays as
`fresh` has buffers, and the receiver has a real array and takes its maximum, inside the timed loop:
equal work for all transports (bench/loops/payloads/arrays.py). A transport of pickled objects gets
the array itself: what pickling costs shows beside transports that carry the bytes of an array.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.payloads.arrays import Arrays
from ipcbench.bench.loops.payloads.pool import ABSENT, compare, value_of, values
from ipcbench.bench.patterns import alone, latency, stream
from ipcbench.bench.patterns.anew.fresh import Rehearsal, Step, receiving
from ipcbench.bench.patterns.part import Part, Seat, links
from ipcbench.transports.contract import Role


def array_ping(
    endpoint: Any, message: Arrays, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write an array and send it, wait for the reply and read it, in turn."""
    write, read, now = message.writer(endpoint, first), message.reader(endpoint, buffer), clock.now
    found = 0
    start = now()
    for _ in repeat(None, count):
        write()
        found += read()
    span = Span(start, now(), found)
    message.copy_last(buffer)
    return span


def array_pong(
    endpoint: Any, message: Arrays, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Wait for an array and read it, write the reply and send it, in turn."""
    write, read, now = message.writer(endpoint, first), message.reader(endpoint, buffer), clock.now
    found = 0
    start = now()
    for _ in repeat(None, count):
        found += read()
        write()
    span = Span(start, now(), found)
    message.copy_last(buffer)
    return span


def stamped_array_ping(
    endpoint: Any,
    message: Arrays,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
    first: int,
) -> None:
    """Do as `array_ping`, with a time stamp behind each of the last round trips."""
    write, read = message.writer(endpoint, first), message.reader(endpoint, buffer)
    now, number = clock.now_ns, len(stamps) - count - 1
    if not number:
        stamps[0] = now()
    for _ in repeat(None, count):
        write()
        read()
        number += 1
        if number >= 0:
            stamps[number] = now()
    message.copy_last(buffer)


def array_stream_sender(
    endpoint: Any, message: Arrays, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write and send all arrays, then wait until the last one is acknowledged."""
    write, recv_into, now = message.writer(endpoint, first), endpoint.recv_into, clock.now
    reply = buffer[:1]
    start = now()
    for _ in repeat(None, count):
        write()
    recv_into(reply)
    return Span(start, now(), count)


def array_stream_receiver(
    endpoint: Any, message: Arrays, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive and read all arrays, then send one byte back over the reverse link."""
    read, send, now = message.reader(endpoint, buffer), endpoint.send, clock.now
    reply = endpoint.prepare(messages.ACKNOWLEDGEMENT)
    found = 0
    start = now()
    for _ in repeat(None, count):
        found += read()
    send(reply)
    span = Span(start, now(), found)
    message.copy_last(buffer)
    return span


def array_fill(
    endpoint: Any, message: Arrays, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write every byte of an array, one array after the other."""
    now, pool = clock.now, message.pool()
    turns = values(first)
    start = now()
    for number in range(first, first + count):
        pool[number % len(pool)][0][:] = next(turns)
    return Span(start, now(), count)


def array_scan(
    endpoint: Any, message: Arrays, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Read every byte of an array, one array after the other."""
    now, pool, found = clock.now, message.pool(), 0
    start = now()
    for number in range(first, first + count):
        found += bool(pool[number % len(pool)][0].max() != ABSENT)
    return Span(start, now(), found)


def _sending(endpoint: Any, size: int) -> Step:
    arrays, objects = Arrays(size, 1, endpoint.prepare), hasattr(endpoint, "recv_object")

    def send(number: int) -> None:
        frame = arrays.full_of(value_of(number))
        endpoint.send(frame if objects else endpoint.prepare(memoryview(frame).cast("B")))

    return send


def _receiving(endpoint: Any, size: int) -> Step:
    if not hasattr(endpoint, "recv_object"):
        return receiving(endpoint, size)
    return lambda number: compare(memoryview(endpoint.recv_object()).cast("B"), number)


REHEARSAL = Rehearsal(_sending, _receiving)


def _in_place_too(part: Part) -> Part:
    """Complete a part that reads: in place, nothing is left to compare behind a block."""
    return replace(part, in_place=replace(part, reads=False))


CLIENT = _in_place_too(
    replace(
        latency.CLIENT,
        loop=array_ping,
        stamped=stamped_array_ping,
        arrays=True,
        numbers=True,
        reads=True,
        rehearse=(REHEARSAL.client,),
    )
)
SERVER = _in_place_too(
    replace(
        latency.SERVER,
        loop=array_pong,
        arrays=True,
        numbers=True,
        reads=True,
        rehearse=(REHEARSAL.server,),
    )
)
SENDER = replace(
    stream.SENDER,
    loop=array_stream_sender,
    arrays=True,
    numbers=True,
    rehearse=(REHEARSAL.sender,),
)
RECEIVER = _in_place_too(
    replace(
        stream.RECEIVER,
        loop=array_stream_receiver,
        arrays=True,
        reads=True,
        rehearse=(REHEARSAL.receiver,),
    )
)
PRODUCER = replace(alone.PRODUCER, loop=array_fill, pool=False, arrays=True)
READER = replace(alone.READER, loop=array_scan, pool=False, arrays=True)


def _alone(part: Part) -> Callable[[int], list[Seat]]:
    return lambda processes: [Seat(0, Role.CLIENT, 0, part)]


_ROUND_TRIPS, _ONE_WAY = links(CLIENT, SERVER), links(SENDER, RECEIVER)
ARRAYS = {
    pattern.name: replace(pattern, seats=seats)
    for pattern, seats in (
        (latency.LATENCY, _ROUND_TRIPS),
        (latency.PAIRS_LATENCY, _ROUND_TRIPS),
        (stream.STREAM, _ONE_WAY),
        (stream.PAIRS, _ONE_WAY),
        (alone.FILL, _alone(PRODUCER)),
        (alone.SCAN, _alone(READER)),
    )
}
