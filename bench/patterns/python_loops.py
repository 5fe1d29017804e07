"""The timed loops in Python: each is one part that a process plays. Their twins in C have
the names that these have, and a face in native_loops.py.

All have one signature: an endpoint, the prepared message, the buffer to
receive into, how many times, and the clock; they return when they started and
ended, in the clock's seconds, and how many messages (or turns, or updates)
they handled. Inside the loops stand the facility's calls and nothing else.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import pairwise, repeat
from typing import Any, NamedTuple, TypeAlias

from ipcbench.bench.loops.clock import Clock

ACKNOWLEDGEMENT = memoryview(b"\x06")
END_MARK = 0xFF  # first byte of the message that tells a competing receiver to stop


class Span(NamedTuple):
    """One part's share of a block."""

    start: float
    end: float
    handled: int


# What an endpoint can do depends on its topology: the contract has the protocols.
Loop: TypeAlias = Callable[[Any, Any, memoryview, int, Clock], Span]
Stamped: TypeAlias = Callable[[Any, Any, memoryview, int, Clock], "array[int]"]


def ping(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send, and wait for the reply."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
        recv_into(buffer)
    return Span(start, now(), count)


def pong(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Wait for a message, and answer with one of the same size."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
        send(message)
    return Span(start, now(), count)


def pour(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send all, then wait until the receiver says that it has the last one."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = buffer[:1] if buffer else memoryview(bytearray(1))
    start = now()
    for _ in repeat(None, count):
        send(message)
    recv_into(reply)
    return Span(start, now(), count)


def drain(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Receive all, then send one byte back over the reverse link."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = endpoint.prepare(ACKNOWLEDGEMENT)
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
    send(reply)
    return Span(start, now(), count)


def emit(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send all; somebody else says when they have arrived."""
    send, now = endpoint.send, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
    return Span(start, now(), count)


def absorb(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Receive all."""
    recv_into, now = endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
    return Span(start, now(), count)


def compete(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Receive what the others leave, up to an end mark."""
    recv_into, now = endpoint.recv_into, clock.now
    start = now()
    handled = 0
    while True:
        recv_into(buffer)
        if buffer[0] == END_MARK:
            break
        handled += 1
    return Span(start, now(), handled)


def serve(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Answer whichever client asks."""
    recv_from, send_to, now = endpoint.recv_from, endpoint.send_to, clock.now
    start = now()
    for _ in repeat(None, count):
        send_to(recv_from(buffer), message)
    return Span(start, now(), count)


def nudge(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Wake the other one, and wait to be woken."""
    notify, wait, now = endpoint.notify, endpoint.wait, clock.now
    start = now()
    for _ in repeat(None, count):
        notify()
        wait()
    return Span(start, now(), count)


def answer(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Wait to be woken, and wake the other one."""
    notify, wait, now = endpoint.notify, endpoint.wait, clock.now
    start = now()
    for _ in repeat(None, count):
        wait()
        notify()
    return Span(start, now(), count)


def count_up(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Count up the one shared variable, inside the guard; `buffer` is that variable."""
    acquire, release, now = endpoint.acquire, endpoint.release, clock.now
    start = now()
    for _ in repeat(None, count):
        acquire()
        buffer[0] += 1
        release()
    return Span(start, now(), count)


def stamped_ping(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
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
    return durations(stamps)


def stamped_nudge(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> array[int]:
    """`nudge` with a time stamp a round trip: the durations, in nanoseconds."""
    notify, wait, now = endpoint.notify, endpoint.wait, clock.now_ns
    stamps = array("q", bytes(8 * (count + 1)))
    stamps[0] = now()
    for number in range(1, count + 1):
        notify()
        wait()
        stamps[number] = now()
    return durations(stamps)


def durations(stamps: array[int]) -> array[int]:
    """What lies between one stamp and the next."""
    return array("q", (after - before for before, after in pairwise(stamps)))
