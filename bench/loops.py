"""The timed loops in Python: each is one part that a process plays.

All have one signature: an endpoint, the prepared message, the buffer to
receive into, how many times, and the clock; they return (start, end) in the
clock's seconds. Inside the loops stand the facility's calls and nothing else.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import pairwise, repeat
from typing import Any, TypeAlias

from bench.clock import Clock
from transports import Endpoint

Span: TypeAlias = tuple[float, float]
Loop: TypeAlias = Callable[[Endpoint, Any, memoryview, int, Clock], Span]

ACKNOWLEDGEMENT = memoryview(b"\x06")


def ping(endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send, and wait for the reply."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
        recv_into(buffer)
    return start, now()


def pong(endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Wait for a message, and answer with one of the same size."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
        send(message)
    return start, now()


def pour(endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send all, then wait until the receiver says that it has the last one."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = buffer[:1] if buffer else memoryview(bytearray(1))
    start = now()
    for _ in repeat(None, count):
        send(message)
    recv_into(reply)
    return start, now()


def drain(endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Receive all, then send one byte back over the reverse link."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = endpoint.prepare(ACKNOWLEDGEMENT)
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
    send(reply)
    return start, now()


def emit(endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send all; somebody else says when they have arrived."""
    send, now = endpoint.send, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
    return start, now()


def absorb(endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Receive all."""
    recv_into, now = endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
    return start, now()


def stamped_ping(
    endpoint: Endpoint, message: Any, buffer: memoryview, count: int, clock: Clock
) -> array[int]:
    """`ping` with a time stamp a round trip: the durations, in nanoseconds.

    A pass of its own, so that stamping never touches the mean.
    """
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now_ns
    stamps = array("q", bytes(8 * (count + 1)))
    stamps[0] = now()
    for number in range(1, count + 1):
        send(message)
        recv_into(buffer)
        stamps[number] = now()
    return array("q", (after - before for before, after in pairwise(stamps)))
