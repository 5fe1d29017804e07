"""Numbered messages with checksums, for the check of a channel before anything is timed.

Compiled loops may send and receive several messages by one call, which no single call of an
endpoint does: some messages of the check go through such a loop (`send_row`, `receive_row`).
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
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.loop import Loop
from ipcbench.transports.contract import Endpoint
from ipcbench.transports.native import NativeEndpoint

MESSAGES = 4  # a sender's, one by one
END_MARK = 0xFF  # first byte of the message that tells a competing receiver to stop
ACKNOWLEDGEMENT = memoryview(b"\x06")
_ROW = 64 * 1024  # bytes that go through a compiled loop, about
_HEADER = struct.Struct("<HHII")  # sender, direction, number, checksum of the body


class Corrupt(BenchError):
    """A message that arrived is not the one that was sent; the text says which, and where."""


def message(sender: int, direction: int, number: int, size: int) -> bytes:
    """Return the message `number` of `sender`: every byte depends on all arguments."""
    if size < _HEADER.size:
        short = random.Random(f"{sender} {direction} {number}").randbytes(size)
        return bytes([short[0] & 0x7F]) + short[1:] if short else short
    body = _block(size - _HEADER.size)
    turn = (sender * 31 + number * 7 + direction) % max(1, len(body))
    body = body[turn:] + body[:turn]
    return _HEADER.pack(sender, direction, number, zlib.crc32(body)) + body


@cache
def _block(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def end_mark(size: int) -> bytes:
    """Return the message that stops a competing receiver; no numbered one begins like it."""
    return bytes([END_MARK]) * size


def are_numbered(size: int) -> bool:
    """Say if messages of this size carry their sender and number; smaller ones do not."""
    return size >= _HEADER.size


def sender_of(found: bytes) -> int:
    """Return the sender that a numbered message names."""
    return int(_HEADER.unpack_from(found)[0])


def number_of(found: bytes) -> int:
    """Return the number that a numbered message carries."""
    return int(_HEADER.unpack_from(found)[2])


def send(endpoint: Endpoint, sender: int, direction: int, number: int, size: int) -> None:
    """Send one numbered message. Raises: what the endpoint raises."""
    data = memoryview(message(sender, direction, number, size))
    endpoint.send(endpoint.prepare(data))


def receive(endpoint: Any, size: int) -> bytes:
    """Receive one message of this size.

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
    return bytes(buffer)


def compare(found: bytes, sender: int, direction: int, number: int) -> None:
    """Compare a message with the one that was sent. Raises: Corrupt, naming the first byte."""
    wanted = message(sender, direction, number, len(found))
    if found != wanted:
        at = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
        raise Corrupt(
            f"message {number} of sender {sender}, {len(found)} bytes: byte {at} is "
            f"{found[at]:#04x} and should be {wanted[at]:#04x}"
        )


def ask(endpoint: Endpoint, size: int, index: int) -> None:
    """Send each message and compare its reply: a client's side of a round trip.

    Raises: Corrupt, and what the endpoint raises.
    """
    for number in range(MESSAGES):
        send(endpoint, index, 0, number, size)
        compare(receive(endpoint, size), index, 1, number)


def reply(endpoint: Endpoint, size: int, index: int) -> None:
    """Compare each message and send its reply: a server's side of a round trip.

    Raises: Corrupt, and what the endpoint raises.
    """
    for number in range(MESSAGES):
        compare(receive(endpoint, size), index, 0, number)
        send(endpoint, index, 1, number, size)


def row(endpoint: object, size: int) -> int:
    """Return the number of messages that go through a compiled loop, each numbered `MESSAGES`.

    They come before the others, which reveal one too many or one too few. The default depth
    of a ring makes two batches or more of them. In place, they are received one by one.
    """
    return 2 + min(16, _ROW // max(size, 1)) if isinstance(endpoint, NativeEndpoint) else 0


def numbers_sent(endpoint: object, size: int) -> Iterator[int]:
    """Yield the numbers of the messages that one sender sends, in their order."""
    return chain(repeat(MESSAGES, row(endpoint, size)), range(MESSAGES))


def send_row(loop: Loop, endpoint: Any, sender: int, size: int) -> None:
    """Send the row through the compiled twin of a loop. Raises: what the twin raises."""
    count = row(endpoint, size)
    if count:
        data = aligned_buffer(size)
        data[:] = message(sender, 0, MESSAGES, size)
        native_loops.twin(loop)(endpoint, data, data, count, RealClock())


def receive_row(loop: Loop, endpoint: Any, sender: int, size: int) -> None:
    """Receive the row through the compiled twin of a loop.

    The loop has compared every length, and the last message is left in the buffer.
    Raises: Corrupt, and what the twin raises.
    """
    count = row(endpoint, size)
    if hasattr(endpoint, "peek"):
        for _ in range(count):
            compare(receive(endpoint, size), sender, 0, MESSAGES)
    elif count:
        buffer = aligned_buffer(size)
        try:
            native_loops.twin(loop)(endpoint, buffer, buffer, count, RealClock())
        except OSError as error:
            if error.errno != errno.EBADMSG:
                raise
            raise Corrupt(f"of {count} messages of {size} bytes one had another length") from error
        compare(bytes(buffer), sender, 0, MESSAGES)
