"""Numbered messages with checksums, for the check of a channel before anything is timed.

In the native runtime, some messages of the check go through the compiled loops that are timed,
several of them without a reply between (`send_row`, `receive_row`).
The check is short. Where it hangs, the watchdog ends the run.
"""

from __future__ import annotations

import errno
import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from itertools import chain, repeat
from typing import Any

from ipcbench.bench.errors import BenchError
from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.both_ends import BothEnds
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.loop import Loop
from ipcbench.transports.contract import Endpoint
from ipcbench.transports.native import NativeEndpoint

MESSAGES = 4  # a sender's, one by one
END_MARK = 0xFE  # first byte of the message that tells a competing receiver to stop
ACKNOWLEDGEMENT = memoryview(b"\x06")
LARGE = 16 << 20  # bytes of a message from which on the check sends `FEW`
FEW = 2
_PIECE = 1 << 20  # bytes of a large message that are made, and compared, at a time
_FURTHER = 4099  # a prime: the pieces of a message all differ
_ROW = 64 * 1024  # bytes that go through a compiled loop, about
_HEADER = struct.Struct("<HHII")  # sender, direction, number, checksum of the body


class Corrupt(BenchError):
    """A message that arrived is not the one that was sent; the text says which, and where."""


def message(sender: int, direction: int, number: int, size: int) -> bytes:
    """Return the message `number` of `sender`: every byte depends on all arguments."""
    return bytes(_written(sender, direction, number, size))


def _written(sender: int, direction: int, number: int, size: int) -> memoryview:
    """Write a message into memory of its own: one copy of it, however large it is."""
    whole = memoryview(bytearray(size))
    if size < _HEADER.size:
        short = random.Random(f"{sender} {direction} {number}").randbytes(size)
        whole[:] = bytes([short[0] & 0x7F]) + short[1:] if short else short
        return whole
    checksum, at = 0, _HEADER.size
    for piece in _pieces(sender, direction, number, size):
        whole[at : at + len(piece)] = piece
        checksum = zlib.crc32(piece, checksum)
        at += len(piece)
    _HEADER.pack_into(whole, 0, sender, direction, number, checksum)
    return whole


@cache
def _block(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _pieces(sender: int, direction: int, number: int, size: int) -> Iterator[bytes]:
    """Yield the body of a message in pieces; each is turned further than the one before it.

    A piece in the wrong place is found, and none needs more than its own memory.
    """
    left = size - _HEADER.size
    block = _block(min(left, _PIECE))
    turn = sender * 31 + number * 7 + direction
    while left > 0:
        at = turn % len(block)
        piece = block[at:] + block[:at]
        yield piece[:left]
        left -= len(piece)
        turn += _FURTHER


def end_mark(size: int) -> bytes:
    """Return the message that stops a competing receiver; no numbered one begins like it."""
    return bytes([END_MARK]) * size


def are_numbered(size: int) -> bool:
    """Say if messages of this size carry their sender and number; smaller ones do not."""
    return size >= _HEADER.size


def sender_of(found: bytes | memoryview) -> int:
    """Return the sender that a numbered message names."""
    return int(_HEADER.unpack_from(found)[0])


def number_of(found: bytes | memoryview) -> int:
    """Return the number that a numbered message carries."""
    return int(_HEADER.unpack_from(found)[2])


def count(size: int) -> int:
    """Return the number of messages that a sender sends one by one: fewer large ones."""
    return MESSAGES if size < LARGE else FEW


def send(endpoint: Endpoint, sender: int, direction: int, number: int, size: int) -> None:
    """Send one numbered message. Raises: what the endpoint raises."""
    endpoint.send(endpoint.prepare(_written(sender, direction, number, size)))


def receive(endpoint: Any, size: int) -> bytes | memoryview:
    """Receive one message of this size; a large one is not copied again.

    Raises: Corrupt where it has another size, and what the endpoint raises.
    """
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
    return buffer if size > _PIECE else bytes(buffer)


def compare(found: bytes | memoryview, sender: int, direction: int, number: int) -> None:
    """Compare a message with the one that was sent. Raises: Corrupt, naming the first byte."""
    size = len(found)
    if size < _HEADER.size:
        _compare_piece(found, 0, message(sender, direction, number, size), number, sender)
        return
    checksum, at = 0, _HEADER.size
    for piece in _pieces(sender, direction, number, size):
        _compare_piece(found, at, piece, number, sender)
        checksum = zlib.crc32(piece, checksum)
        at += len(piece)
    header = _HEADER.pack(sender, direction, number, checksum)
    _compare_piece(found, 0, header, number, sender)


def _compare_piece(
    found: bytes | memoryview, start: int, wanted: bytes, number: int, sender: int
) -> None:
    part = bytes(found[start : start + len(wanted)])
    if part != wanted:
        at = next(i for i, (a, b) in enumerate(zip(part, wanted, strict=True)) if a != b)
        raise Corrupt(
            f"message {number} of sender {sender}, {len(found)} bytes: byte {start + at} is "
            f"{part[at]:#04x} and should be {wanted[at]:#04x}"
        )


def ask(endpoint: Endpoint, size: int, index: int) -> None:
    """Send each message and compare its reply: a client's side of a round trip.

    Raises: Corrupt, and what the endpoint raises.
    """
    for number in range(count(size)):
        send(endpoint, index, 0, number, size)
        compare(receive(endpoint, size), index, 1, number)


def reply(endpoint: Endpoint, size: int, index: int) -> None:
    """Compare each message and send its reply: a server's side of a round trip.

    Raises: Corrupt, and what the endpoint raises.
    """
    for number in range(count(size)):
        compare(receive(endpoint, size), index, 0, number)
        send(endpoint, index, 1, number, size)


def row(endpoint: object, size: int) -> int:
    """Return the number of messages that go through a compiled loop, each numbered `MESSAGES`.

    They come before the others, which reveal one too many or one too few. In place, Python
    receives them, since a compiled loop leaves no bytes to compare.
    """
    end = endpoint.receiver if isinstance(endpoint, BothEnds) else endpoint
    return 2 + min(16, _ROW // max(size, 1)) if isinstance(end, NativeEndpoint) else 0


def numbers_sent(endpoint: object, size: int) -> Iterator[int]:
    """Yield the numbers of the messages that one sender sends, in their order."""
    return chain(repeat(MESSAGES, row(endpoint, size)), range(count(size)))


def send_row(loop: Loop, endpoint: Any, sender: int, size: int) -> None:
    """Send the row through the compiled twin of a loop. Raises: what the twin raises."""
    times = row(endpoint, size)
    if times:
        data = aligned_buffer(size)
        data[:] = _written(sender, 0, MESSAGES, size)
        native_loops.twin(loop)(endpoint, data, data, times, RealClock())


def receive_row(loop: Loop, endpoint: Any, sender: int, size: int) -> None:
    """Receive the row through the compiled twin of a loop.

    The loop has compared every length, and the last message is left in the buffer.
    Raises: Corrupt, and what the twin raises.
    """
    times = row(endpoint, size)
    if hasattr(endpoint, "peek"):
        for _ in range(times):
            compare(receive(endpoint, size), sender, 0, MESSAGES)
    elif times:
        buffer = aligned_buffer(size)
        try:
            native_loops.twin(loop)(endpoint, buffer, buffer, times, RealClock())
        except OSError as error:
            if error.errno != errno.EBADMSG:
                raise
            raise Corrupt(f"of {times} messages of {size} bytes one had another length") from error
        compare(buffer, sender, 0, MESSAGES)
