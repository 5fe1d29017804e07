"""Batches of the patterns `stream`, `pairs` and `fan-in`: several messages a call.

A sender hands over a batch by one call, which takes all of it or a part, and the rest by the
next. A receiver takes the messages that are there, at most a batch, and never waits for the last
one of a batch. The calls are `send_many` and `recv_many` of native operations (ops.h). No endpoint
has them in Python, so that the compiled twins alone are measured.

A single time would be that of a call, of one message or of many: there is no tail pass.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from typing import Any

from ipcbench.bench.loops import messages, native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import Clock, RealClock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import MESSAGES, Corrupt
from ipcbench.bench.patterns import fan_in, stream
from ipcbench.bench.patterns.part import Part, Pattern, Seat
from ipcbench.transports.native import operations, translating


def batched_stream_sender(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, batch: int
) -> Span:
    """Send all messages in batches, then wait until the last one is acknowledged."""
    send_many, recv_into, now = endpoint.send_many, endpoint.recv_into, clock.now
    reply = buffer[:1] if buffer else memoryview(bytearray(1))
    start = now()
    _send(send_many, message, count, batch)
    recv_into(reply)
    return Span(start, now(), count)


def batched_stream_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, batch: int
) -> Span:
    """Receive all messages in batches, then send one byte back over the reverse link."""
    send, recv_many, now = endpoint.send, endpoint.recv_many, clock.now
    reply = endpoint.prepare(messages.ACKNOWLEDGEMENT)
    start = now()
    _receive(recv_many, buffer, count, batch)
    send(reply)
    return Span(start, now(), count)


def batched_fan_in_sender(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, batch: int
) -> Span:
    """Send all messages in batches."""
    send_many, now = endpoint.send_many, clock.now
    start = now()
    _send(send_many, message, count, batch)
    return Span(start, now(), count)


def batched_fan_in_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, batch: int
) -> Span:
    """Receive all messages in batches."""
    recv_many, now = endpoint.recv_many, clock.now
    start = now()
    _receive(recv_many, buffer, count, batch)
    return Span(start, now(), count)


def _send(send_many: Any, message: Any, count: int, batch: int) -> None:
    while count > 0:
        rest = min(batch, count)
        count -= rest
        while rest > 0:
            rest -= send_many(message, rest)


def _receive(recv_many: Any, buffer: memoryview, count: int, batch: int) -> None:
    while count > 0:
        count -= recv_many(buffer, min(batch, count))


# The check. All messages of a row are the same, since one call sends copies of one message; the
# next row has another number. A row is no multiple of a batch, and not too long where messages
# are large.

_LARGEST_ROW = 16 << 20  # bytes, about


def rows(batch: int, size: int) -> list[int]:
    """Return the lengths of the rows: more than one batch, and less."""
    most = max(2, _LARGEST_ROW // max(size, 1))
    return [min(most, row) for row in (batch + 1, batch - 1)]


def numbers_sent(batch: int, size: int) -> list[int]:
    """Return the numbers of the messages of one sender of a fan-in, in their order."""
    in_rows = [MESSAGES + row for row, times in enumerate(rows(batch, size)) for _ in range(times)]
    return in_rows + list(range(messages.count(size)))


def _send_rows(endpoint: Any, seat: Seat, size: int) -> None:
    (batch,) = seat.part.arguments
    loop = native_loops.twin(batched_fan_in_sender)
    for row, times in enumerate(rows(batch, size)):
        data = aligned_buffer(size)
        data[:] = messages.message(seat.index, 0, MESSAGES + row, size)
        loop(endpoint, data, data, times, RealClock(), batch)


@contextmanager
def _finding(size: int) -> Iterator[None]:
    """Report a message of another length. Raises: Corrupt."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EBADMSG:
            raise
        raise Corrupt(f"of messages of {size} bytes one had another length") from error


def check_stream_sender(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Send rows in batches, then ask in turn. Raises: Corrupt, and what the endpoint raises."""
    _send_rows(endpoint, seat, size)
    messages.ask(endpoint, size, seat.index)
    return []


def check_stream_receiver(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Receive rows in batches, then answer in turn.

    The last message of a row is left in the buffer; a message too many or too few is found by
    the next row, or by the replies. Raises: Corrupt, and what the endpoint raises.
    """
    (batch,) = seat.part.arguments
    loop = native_loops.twin(batched_fan_in_receiver)
    for row, times in enumerate(rows(batch, size)):
        buffer = aligned_buffer(size)
        with _finding(size):
            loop(endpoint, buffer, buffer, times, RealClock(), batch)
        messages.compare(buffer, seat.index, 0, MESSAGES + row)
    messages.reply(endpoint, size, seat.index)
    return []


def check_fan_in_sender(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Send rows in batches, then numbered messages. Raises: what the endpoint raises."""
    _send_rows(endpoint, seat, size)
    for number in range(messages.count(size)):
        messages.send(endpoint, seat.index, 0, number, size)
    return []


def check_fan_in_receiver(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Receive the messages of all senders in batches, and compare the last one of each call.

    A sender's messages come in its order, and the last one of all is the last one of its
    sender. Small messages carry no number: their bytes are some sender's. Raises: Corrupt, and
    what the endpoint raises.
    """
    (batch,) = seat.part.arguments
    numbers = numbers_sent(batch, size)
    receive = translating(operations.Calls(endpoint.capsule).recv_many, "receive")
    buffer, left, asked = bytearray(size), seat.share * len(numbers), cycle((1, batch))
    compare = _Order(seat.share, numbers, size).compare
    while left > 0:
        most = min(next(asked), left)
        with _finding(size):
            taken = receive(buffer, most)
        if not 1 <= taken <= most:
            raise Corrupt(f"a call for {most} messages took {taken}")
        left -= taken
        compare(bytes(buffer), left == 0)
    return []


class _Order:
    """The messages of several senders, of which some are seen."""

    def __init__(self, senders: int, numbers: list[int], size: int) -> None:
        self._order = {number: place for place, number in enumerate(dict.fromkeys(numbers))}
        self._places = [0] * senders
        self.compare: Callable[[bytes, bool], None] = self._compare_numbered
        if not messages.are_numbered(size):
            self.compare = self._compare_small
            self._small = {
                messages.message(sender, 0, number, size)
                for sender in range(senders)
                for number in numbers
            }

    def _compare_numbered(self, found: bytes, is_last: bool) -> None:
        sender, number = messages.sender_of(found), messages.number_of(found)
        place = self._order.get(number)
        if place is None or sender >= len(self._places):
            raise Corrupt(f"message {number} of sender {sender} was never sent")
        messages.compare(found, sender, 0, number)
        if place < self._places[sender] or (is_last and place != len(self._order) - 1):
            raise Corrupt(f"sender {sender}'s messages arrived twice, never, or in another order")
        self._places[sender] = place

    def _compare_small(self, found: bytes, is_last: bool) -> None:
        if found not in self._small:
            raise Corrupt(f"messages of {len(found)} bytes: some arrived changed")


PARTS = {
    stream.SENDER: (batched_stream_sender, check_stream_sender),
    stream.RECEIVER: (batched_stream_receiver, check_stream_receiver),
    fan_in.SENDER: (batched_fan_in_sender, check_fan_in_sender),
    fan_in.RECEIVER: (batched_fan_in_receiver, check_fan_in_receiver),
}


def _batched_part(part: Part, batch: int) -> Part:
    loop, check = PARTS[part]
    return replace(part, loop=loop, check=check, stamped=None, arguments=(batch,))


def batched(pattern: Pattern, batch: int) -> Pattern:
    """Return a pattern with that many messages a call. Raises: KeyError where it has none."""
    parts = {seat.part: _batched_part(seat.part, batch) for seat in pattern.seats(2)}

    def seats(processes: int) -> list[Seat]:
        return [replace(seat, part=parts[seat.part]) for seat in pattern.seats(processes)]

    return replace(pattern, seats=seats, least=max(pattern.least, batch), single="", steady=False)
