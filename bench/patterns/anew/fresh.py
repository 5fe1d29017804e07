"""Payloads `fresh` and `cold` of `latency`, `stream` and their pairs: new bytes in each message.

Those of patterns with several processes at a channel are in several.py.

A sender writes every byte of a buffer before it sends it, from a pool of buffers that it uses in
turn (bench/loops/payloads/pool.py), and a receiver reads every byte of each message, inside the
timed loop: as a camera and a codec do, and as a buffer that stays in the cache does not show. In
place, the sender writes into the channel's slots, and receiving includes the reading (`InPlace`).
The reply of a round trip is as large as the message, and as new; a stream is acknowledged by one
byte.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.payloads.pool import (
    ABSENT,
    FRESH_BUFFERS,
    ROW,
    Messages,
    compare,
    memchr,
    memset,
    place_of,
    value_of,
    values,
)
from ipcbench.bench.patterns import latency, stream
from ipcbench.bench.patterns.part import Run, Seat, links

SLOT = ctypes.c_char.from_buffer
LARGE = 1 << 20  # bytes of a message from which on a rehearsal is shorter
LARGE_ROW = FRESH_BUFFERS + 1
FEW = 2  # messages that a rehearsal writes one by one


def fresh_ping(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write a message and send it, wait for the reply and read it, in turn."""
    send, recv_into, now = message.sender(endpoint), endpoint.recv_into, clock.now
    size, received, read = message.size, place_of(buffer), 0
    turns = message.turns(first, count)
    start = now()
    for (place, data), value in turns:
        memset(place, value, size)
        send(data)
        recv_into(buffer)
        read += memchr(received, ABSENT, size) is None
    return Span(start, now(), read)


def fresh_pong(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Wait for a message and read it, write the reply and send it, in turn."""
    send, recv_into, now = message.sender(endpoint), endpoint.recv_into, clock.now
    size, received, read = message.size, place_of(buffer), 0
    turns = message.turns(first, count)
    start = now()
    for (place, data), value in turns:
        recv_into(buffer)
        read += memchr(received, ABSENT, size) is None
        memset(place, value, size)
        send(data)
    return Span(start, now(), read)


def stamped_fresh_ping(
    endpoint: Any,
    message: Messages,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
    first: int,
) -> None:
    """Do as `fresh_ping`, with a time stamp behind each of the last round trips."""
    send, recv_into, now = message.sender(endpoint), endpoint.recv_into, clock.now_ns
    size, received, number = message.size, place_of(buffer), len(stamps) - count - 1
    turns = message.turns(first, count)
    if not number:
        stamps[0] = now()
    for (place, data), value in turns:
        memset(place, value, size)
        send(data)
        recv_into(buffer)
        memchr(received, ABSENT, size)
        number += 1
        if number >= 0:
            stamps[number] = now()


def fresh_stream_sender(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write and send all messages, then wait until the last one is acknowledged."""
    send, recv_into, now = message.sender(endpoint), endpoint.recv_into, clock.now
    size, reply = message.size, buffer[:1]
    turns = message.turns(first, count)
    start = now()
    for (place, data), value in turns:
        memset(place, value, size)
        send(data)
    recv_into(reply)
    return Span(start, now(), count)


def fresh_stream_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive and read all messages, then send one byte back over the reverse link."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = endpoint.prepare(messages.ACKNOWLEDGEMENT)
    size, received, read = ctypes.c_size_t(len(buffer)), place_of(buffer), 0
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
        read += memchr(received, ABSENT, size) is None
    send(reply)
    return Span(start, now(), read)


# In place: the sender writes into a slot, and `recv_into` reads every byte of one.


def fresh_ping_in_place(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write a message into a slot and send it, wait for the reply, in turn."""
    loan, commit, recv_into, now = endpoint.loan, endpoint.commit, endpoint.recv_into, clock.now
    length, size = len(buffer), ctypes.c_size_t(len(buffer))
    turns = islice(values(first), count)
    start = now()
    for value in turns:
        memset(ctypes.byref(SLOT(loan(length))), value, size)
        commit(length)
        recv_into(buffer)
    return Span(start, now(), count)


def fresh_pong_in_place(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Wait for a message, write the reply into a slot and send it, in turn."""
    loan, commit, recv_into, now = endpoint.loan, endpoint.commit, endpoint.recv_into, clock.now
    length, size = len(buffer), ctypes.c_size_t(len(buffer))
    turns = islice(values(first), count)
    start = now()
    for value in turns:
        recv_into(buffer)
        memset(ctypes.byref(SLOT(loan(length))), value, size)
        commit(length)
    return Span(start, now(), count)


def stamped_fresh_ping_in_place(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
    first: int,
) -> None:
    """Do as `fresh_ping_in_place`, with a time stamp behind each of the last round trips."""
    loan, commit, recv_into, now = endpoint.loan, endpoint.commit, endpoint.recv_into, clock.now_ns
    length, size, number = len(buffer), ctypes.c_size_t(len(buffer)), len(stamps) - count - 1
    turns = islice(values(first), count)
    if not number:
        stamps[0] = now()
    for value in turns:
        memset(ctypes.byref(SLOT(loan(length))), value, size)
        commit(length)
        recv_into(buffer)
        number += 1
        if number >= 0:
            stamps[number] = now()


def fresh_stream_sender_in_place(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write all messages into slots and send them, then wait until the last is acknowledged."""
    loan, commit, recv_into, now = endpoint.loan, endpoint.commit, endpoint.recv_into, clock.now
    length, size, reply = len(buffer), ctypes.c_size_t(len(buffer)), buffer[:1]
    turns = islice(values(first), count)
    start = now()
    for value in turns:
        memset(ctypes.byref(SLOT(loan(length))), value, size)
        commit(length)
    recv_into(reply)
    return Span(start, now(), count)


# Rehearsals: each side runs the loop that is timed against messages that the other one writes and
# compares one by one.


def row_of(size: int) -> int:
    """Return the messages that a rehearsal writes through a loop: some buffers are used again."""
    return ROW if size < LARGE else LARGE_ROW


Step = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The rehearsals of both sides of a round trip and of a stream.

    `sending` and `receiving`: given an endpoint and a size, how one message is sent, or received
    and compared, by its number.

    Raises: Corrupt, what the endpoint raises.
    """

    sending: Callable[[Any, int], Step]
    receiving: Callable[[Any, int], Step]

    def client(self, endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
        """Ask through the loop, then message by message."""
        send, receive = self.sending(endpoint, size), self.receiving(endpoint, size)
        run(row_of(size))
        for number in range(FEW):
            send(number)
            receive(number)
        return []

    def server(self, endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
        """Answer message by message, then through the loop."""
        send, receive = self.sending(endpoint, size), self.receiving(endpoint, size)
        for number in range(row_of(size)):
            receive(number)
            send(number)
        run(FEW)
        return []

    def sender(self, endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
        """Send through the loop, then message by message."""
        send = self.sending(endpoint, size)
        run(row_of(size))
        for number in range(FEW):
            send(number)
        endpoint.recv_into(memoryview(bytearray(1)))
        return []

    def receiver(self, endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
        """Receive message by message, then through the loop."""
        receive = self.receiving(endpoint, size)
        for number in range(row_of(size)):
            receive(number)
        endpoint.send(endpoint.prepare(messages.ACKNOWLEDGEMENT))
        run(FEW)
        return []


def sending(endpoint: Any, size: int) -> Step:
    """Send a message that is written into memory of its own."""
    return lambda number: endpoint.send(endpoint.prepare(full_of(number, size)))


def full_of(number: int, size: int) -> memoryview:
    """Return a message, in memory of its own."""
    return memoryview(bytearray([value_of(number)]) * size)


def receiving(endpoint: Any, size: int) -> Step:
    """Receive the bytes of a message, and compare them."""
    return lambda number: compare(messages.receive(endpoint, size), number)


REHEARSAL = Rehearsal(sending, receiving)

CLIENT = replace(
    latency.CLIENT,
    loop=fresh_ping,
    stamped=stamped_fresh_ping,
    pool=True,
    numbers=True,
    reads=True,
    rehearse=(REHEARSAL.client,),
    in_place=replace(
        latency.CLIENT,
        loop=fresh_ping_in_place,
        stamped=stamped_fresh_ping_in_place,
        numbers=True,
        rehearse=(REHEARSAL.client,),
    ),
)
SERVER = replace(
    latency.SERVER,
    loop=fresh_pong,
    pool=True,
    numbers=True,
    reads=True,
    rehearse=(REHEARSAL.server,),
    in_place=replace(
        latency.SERVER, loop=fresh_pong_in_place, numbers=True, rehearse=(REHEARSAL.server,)
    ),
)
SENDER = replace(
    stream.SENDER,
    loop=fresh_stream_sender,
    pool=True,
    numbers=True,
    rehearse=(REHEARSAL.sender,),
    in_place=replace(
        stream.SENDER, loop=fresh_stream_sender_in_place, numbers=True, rehearse=(REHEARSAL.sender,)
    ),
)
RECEIVER = replace(
    stream.RECEIVER,
    loop=fresh_stream_receiver,
    reads=True,
    rehearse=(REHEARSAL.receiver,),
    in_place=replace(stream.RECEIVER, rehearse=(REHEARSAL.receiver,)),
)

_ROUND_TRIPS, _ONE_WAY = links(CLIENT, SERVER), links(SENDER, RECEIVER)
FRESH = {
    pattern.name: replace(pattern, seats=seats)
    for pattern, seats in (
        (latency.LATENCY, _ROUND_TRIPS),
        (latency.PAIRS_LATENCY, _ROUND_TRIPS),
        (stream.STREAM, _ONE_WAY),
        (stream.PAIRS, _ONE_WAY),
    )
}
