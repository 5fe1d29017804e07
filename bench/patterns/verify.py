"""Before anything is timed: numbered messages with checksums, whole, once and in order.

Where compiled loops send many messages, some go through those very loops as well, for
these may carry several at once, which no single call does.

What carries nothing is checked by what it is for: a signal's turns come back,
a guard loses no update. That part is short: a hang is the watchdog's.
"""

from __future__ import annotations

import errno
import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from ipcbench.bench.errors import BenchError
from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import room
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.patterns.python_loops import END_MARK
from ipcbench.bench.patterns.table import Part, Seat
from ipcbench.transports.contract import Endpoint
from ipcbench.transports.native import NativeEndpoint

MESSAGES = 4
_ROW = 64 * 1024  # bytes that are sent in a row, about
_HEADER = struct.Struct("<HHII")  # sender, direction, number, checksum of the body


class Corrupt(BenchError):
    """What arrived is not what was sent: which message, from whom, and what differs."""


@cache
def _block(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def end_mark(size: int) -> bytes:
    """Tells a competing receiver to stop: no numbered message begins with this byte."""
    return bytes([END_MARK]) * size


def message(sender: int, direction: int, number: int, size: int) -> bytes:
    """The bytes that `sender` sends as its `number`-th: all of them depend on all of that."""
    if size < _HEADER.size:
        short = random.Random(f"{sender} {direction} {number}").randbytes(size)
        return bytes([short[0] & 0x7F]) + short[1:] if short else short
    body = _block(size - _HEADER.size)
    turn = (sender * 31 + number * 7 + direction) % max(1, len(body))
    body = body[turn:] + body[:turn]
    return _HEADER.pack(sender, direction, number, zlib.crc32(body)) + body


def _send(endpoint: Endpoint, sender: int, direction: int, number: int, size: int) -> None:
    data = memoryview(message(sender, direction, number, size))
    endpoint.send(endpoint.prepare(data))


def _receive(endpoint: Any, size: int) -> bytes:
    if hasattr(endpoint, "peek"):  # in place: `recv_into` would read the bytes, and keep none
        found = bytes(endpoint.peek())
        endpoint.release()
        if len(found) != size:
            raise Corrupt(f"a message of {size} bytes arrived as one of {len(found)}")
        return found
    buffer = memoryview(bytearray(size))
    received = endpoint.recv_into(buffer)
    if received != size:
        raise Corrupt(f"a message of {size} bytes arrived as one of {received}")
    return bytes(buffer)


def _compare(found: bytes, sender: int, direction: int, number: int) -> None:
    wanted = message(sender, direction, number, len(found))
    if found != wanted:
        at = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
        raise Corrupt(
            f"message {number} of sender {sender}, {len(found)} bytes: byte {at} is "
            f"{found[at]:#04x} and should be {wanted[at]:#04x}"
        )


def row(endpoint: object, size: int) -> int:
    """How many messages go through the compiled loops; all of them number `MESSAGES`.

    They come before the others, so that one too many, or too few, is found by those. Rings
    of the default depth carry them as two batches or more. In place, they are received one
    by one.
    """
    return 2 + min(16, _ROW // max(size, 1)) if isinstance(endpoint, NativeEndpoint) else 0


def _send_row(endpoint: Any, sender: int, size: int) -> None:
    count = row(endpoint, size)
    if count:
        data = room(size)
        data[:] = message(sender, 0, MESSAGES, size)
        native_loops.emit(endpoint, data, data, count, RealClock())


def _receive_row(endpoint: Any, sender: int, size: int) -> None:
    """The last one lies in the buffer; how long each was the loop has seen."""
    count = row(endpoint, size)
    if hasattr(endpoint, "peek"):
        for _ in range(count):
            _compare(_receive(endpoint, size), sender, 0, MESSAGES)
    elif count:
        buffer = room(size)
        try:
            native_loops.absorb(endpoint, buffer, buffer, count, RealClock())
        except OSError as error:
            if error.errno != errno.EBADMSG:
                raise
            raise Corrupt(f"of {count} messages of {size} bytes one had another length") from error
        _compare(bytes(buffer), sender, 0, MESSAGES)


def _there_and_back(endpoint: Endpoint, size: int, index: int, near: bool) -> None:
    for number in range(MESSAGES):
        if near:
            _send(endpoint, index, 0, number, size)
            _compare(_receive(endpoint, size), index, 1, number)
        else:
            _compare(_receive(endpoint, size), index, 0, number)
            _send(endpoint, index, 1, number, size)


def _collect(endpoint: Endpoint, size: int, senders: int) -> None:
    """Each sender's messages in its order; tiny ones, which carry no number, at least once each."""
    numbers = [MESSAGES] * row(endpoint, size) + list(range(MESSAGES))
    arrived = [_receive(endpoint, size) for _ in range(senders * len(numbers))]
    if size < _HEADER.size:
        wanted = Counter(
            message(sender, 0, number, size) for sender in range(senders) for number in numbers
        )
        if Counter(arrived) != wanted:
            raise Corrupt(f"messages of {size} bytes: some arrived changed, twice, or never")
        return
    expected: dict[int, Iterator[int]] = {s: iter(numbers) for s in range(senders)}
    for found in arrived:
        sender = _HEADER.unpack_from(found)[0]
        number = next(expected.get(sender, iter(())), None)
        if number is None:
            raise Corrupt(f"a message of sender {sender} too many, or of nobody")
        _compare(found, sender, 0, number)


def _compete(endpoint: Endpoint, size: int) -> list[int]:
    """What this receiver gets, up to its end mark: numbers, or checksums of the tiny ones."""
    numbers: list[int] = []
    while True:
        found = _receive(endpoint, size)
        if found[0] == END_MARK:
            return numbers
        if size < _HEADER.size:
            numbers.append(zlib.crc32(found))
            continue
        number = _HEADER.unpack_from(found)[2]
        _compare(found, 0, 0, number)
        numbers.append(number)


def complete(numbers: list[int], receivers: int, size: int) -> None:
    """Whether competing receivers got every message, each once. Raises: Corrupt."""
    wanted = list(range(receivers * MESSAGES))
    if size < _HEADER.size:
        wanted = [zlib.crc32(message(0, 0, number, size)) for number in wanted]
    if Counter(numbers) != Counter(wanted):
        raise Corrupt(
            f"{len(wanted)} messages were dealt out, and {len(numbers)} arrived: "
            f"{(Counter(wanted) - Counter(numbers)).total()} of them never, or changed"
        )


def _deal(endpoint: Endpoint, size: int, receivers: int) -> None:
    for number in range(receivers * MESSAGES):
        _send(endpoint, 0, 0, number, size)
    for _ in range(receivers):
        endpoint.send(endpoint.prepare(memoryview(end_mark(size))))


def _serve(endpoint: Any, size: int, clients: int) -> None:
    buffer = memoryview(bytearray(size))
    turns: Counter[int] = Counter()
    for _ in range(clients * MESSAGES):
        buffer[:] = end_mark(size)  # a hub tells no length: what is cut shows by what is missing
        index = endpoint.recv_from(buffer)
        _compare(bytes(buffer), index, 0, turns[index])
        reply = memoryview(message(index, 1, turns[index], size))
        endpoint.send_to(index, endpoint.prepare(reply))
        turns[index] += 1


def _turns(endpoint: Any, first: bool) -> None:
    for _ in range(MESSAGES):
        if first:
            endpoint.notify()
            endpoint.wait()
        else:
            endpoint.wait()
            endpoint.notify()


def check(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Play this seat's side of the check; the numbers that a competing receiver got.

    Raises: Corrupt, and what the endpoint raises.
    """
    part = seat.part
    if part in (Part.POUR, Part.EMIT):
        _send_row(endpoint, seat.index, size)
    elif part is Part.DRAIN:
        _receive_row(endpoint, seat.index, size)
    if part in (Part.PING, Part.POUR):
        _there_and_back(endpoint, size, seat.index, near=True)
    elif part in (Part.PONG, Part.DRAIN):
        _there_and_back(endpoint, size, seat.index, near=False)
    elif part is Part.EMIT:
        for number in range(MESSAGES):
            _send(endpoint, seat.index, 0, number, size)
    elif part is Part.ABSORB:
        _collect(endpoint, size, seat.share)
    elif part is Part.DEAL:
        _deal(endpoint, size, seat.share)
    elif part is Part.COMPETE:
        return _compete(endpoint, size)
    elif part is Part.SERVE:
        _serve(endpoint, size, seat.share)
    elif part in (Part.NUDGE, Part.ANSWER):
        _turns(endpoint, first=part is Part.NUDGE)
    return []
