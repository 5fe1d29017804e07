"""Before anything is timed: numbered messages with checksums, whole, once and in order."""

from __future__ import annotations

import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache

from bench.patterns import Part, Seat
from transports import Endpoint

MESSAGES = 4
_HEADER = struct.Struct("<HHII")  # sender, direction, number, checksum of the body


class Corrupt(Exception):
    """What arrived is not what was sent: which message, from whom, and what differs."""


@cache
def _block(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def message(sender: int, direction: int, number: int, size: int) -> bytes:
    """The bytes that `sender` sends as its `number`-th: all of them depend on all of that."""
    if size < _HEADER.size:
        return random.Random(f"{sender} {direction} {number}").randbytes(size)
    body = _block(size - _HEADER.size)
    turn = (sender * 31 + number * 7 + direction) % max(1, len(body))
    body = body[turn:] + body[:turn]
    return _HEADER.pack(sender, direction, number, zlib.crc32(body)) + body


def _send(endpoint: Endpoint, sender: int, direction: int, number: int, size: int) -> None:
    data = memoryview(message(sender, direction, number, size))
    endpoint.send(endpoint.prepare(data))


def _receive(endpoint: Endpoint, size: int) -> bytes:
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


def _there_and_back(endpoint: Endpoint, size: int, near: bool) -> None:
    for number in range(MESSAGES):
        if near:
            _send(endpoint, 0, 0, number, size)
            _compare(_receive(endpoint, size), 0, 1, number)
        else:
            _compare(_receive(endpoint, size), 0, 0, number)
            _send(endpoint, 0, 1, number, size)


def _collect(endpoint: Endpoint, size: int, senders: int) -> None:
    """Each sender's messages in its order; tiny ones, which carry no number, at least once each."""
    arrived = [_receive(endpoint, size) for _ in range(senders * MESSAGES)]
    if size < _HEADER.size:
        wanted = Counter(
            message(sender, 0, number, size)
            for sender in range(senders)
            for number in range(MESSAGES)
        )
        if Counter(arrived) != wanted:
            raise Corrupt(f"messages of {size} bytes: some arrived changed, twice, or never")
        return
    expected: dict[int, Iterator[int]] = {s: iter(range(MESSAGES)) for s in range(senders)}
    for found in arrived:
        sender = _HEADER.unpack_from(found)[0]
        number = next(expected.get(sender, iter(())), None)
        if number is None:
            raise Corrupt(f"a message of sender {sender} too many, or of nobody")
        _compare(found, sender, 0, number)


def check(endpoint: Endpoint, seat: Seat, size: int) -> None:
    """Play this seat's side of the check.

    Raises: Corrupt, and what the endpoint raises.
    """
    if seat.part in (Part.PING, Part.POUR):
        _there_and_back(endpoint, size, near=True)
    elif seat.part in (Part.PONG, Part.DRAIN):
        _there_and_back(endpoint, size, near=False)
    elif seat.part is Part.EMIT:
        for number in range(MESSAGES):
            _send(endpoint, seat.index, 0, number, size)
    else:
        _collect(endpoint, size, seat.share)
