"""Pools: buffers that a process writes anew, one after the other, before it sends them.

Every byte is written by memset(3) before each message, and read by memchr(3) behind each receipt:
in Python as in C, by the same functions of the C library. They never block, so Python's loops
keep the interpreter's lock, which is faster.

A message is full of one value, which follows from its number: 1 to `VALUES`, in turn. None of
them means something: neither the byte that a reader searches for nor the end mark, of which the
last messages to competing receivers are full.
Several senders to one receiver begin with a number of their own each (`start_of`).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice, repeat
from pickle import PickleBuffer
from typing import Any

from ipcbench.bench.loops.buffers import WRITTEN, aligned_buffer
from ipcbench.bench.loops.messages import END_MARK, Corrupt
from ipcbench.bench.results.axes import ARRAY, COLD, FRESH
from ipcbench.transports.native import HEADROOM

LEAST = 4096  # bytes of a message that is written anew: below, the calls cost more than the bytes
FRESH_BUFFERS = 8  # as many as cameras and codecs have, the same number for every facility
ROW = 2 * FRESH_BUFFERS + 1  # messages of a rehearsal: each buffer is used again
COLD_BYTES = 1 << 30  # of a pool, at most
VALUES = 251
ABSENT = 0xFF  # the byte that a reader searches for

_libc = ctypes.PyDLL(None)
memset, memchr = _libc.memset, _libc.memchr
memchr.restype = ctypes.c_void_p  # None: it read all bytes
_memcmp = _libc.memcmp


def buffers_of(payload: str, size: int, cache: int) -> int:
    """Return the number of buffers that messages of a size are written into, in turn.

    Args:
        payload: one of `ipcbench.bench.results.axes.PAYLOADS`.
        size: bytes of a message.
        cache: bytes of the last cache; 0: unknown, so the pool is as large as may be.
    """
    if payload in (FRESH, ARRAY):
        return FRESH_BUFFERS
    if payload != COLD:
        return 1
    wanted = min(2 * cache or COLD_BYTES, COLD_BYTES - size)
    number = max(FRESH_BUFFERS, wanted // max(size, 1) + 1)
    return number if number % VALUES else number + 1  # a buffer never gets its value again


def value_of(number: int) -> int:
    """Return the value of all bytes of a message."""
    return 1 + number % VALUES


def start_of(sender: int) -> int:
    """Return the number of the first message of a sender, by its index.

    In a rehearsal, 14 senders have no value in common: more would need more values than there are.
    """
    return ROW * sender


def place_of(buffer: memoryview) -> ctypes.c_void_p:
    """Return the address of a writable buffer, for `memset` and `memchr`."""
    return ctypes.c_void_p(_address(buffer) if buffer else None)


class Pool:
    """Buffers of one size.

    Attributes:
        memory: all of them, one a row, each behind its headroom; the loops in C take it.
        buffers: each by itself.
    """

    def __init__(self, size: int, buffers: int) -> None:
        page = mmap.PAGESIZE if size >= mmap.PAGESIZE else HEADROOM
        row = (size + HEADROOM + page - 1) // page * page  # the next one's headroom lies behind
        whole = aligned_buffer(row * buffers)
        memset(place_of(whole), WRITTEN, ctypes.c_size_t(len(whole)))
        self.memory = whole.cast("B", (buffers, row))
        self.buffers = [whole[at : at + size] for at in range(0, row * buffers, row)]


class Messages:
    """Messages in the buffers of a pool, as Python's loops take them.

    Where `prepare` makes a copy, each message is prepared when it is sent: the copy is of the
    bytes that were just written. Where it makes an object that shows a buffer, that is made once
    for each buffer.
    """

    def __init__(self, pool: Pool, prepare: Callable[[memoryview], Any]) -> None:
        self._renew, sent = ready(prepare, pool.buffers)
        self._turns = list(zip(map(place_of, pool.buffers), sent, strict=True))
        self.size = ctypes.c_size_t(len(pool.buffers[0]))

    def sender(self, endpoint: Any) -> Callable[[Any], Any]:
        """Return the call that sends a message of `turns`."""
        send, renew = endpoint.send, self._renew
        return send if renew is None else lambda data: send(renew(data))

    def answerer(self, endpoint: Any) -> Callable[[int, Any], Any]:
        """Return the call by which a hub's server sends a message of `turns` to a client."""
        send_to, renew = endpoint.send_to, self._renew
        return send_to if renew is None else lambda index, data: send_to(index, renew(data))

    def turns(self, first: int, count: int) -> Iterator[tuple[tuple[ctypes.c_void_p, Any], int]]:
        """Yield ((address, message), value) of so many messages, from the number `first` on."""
        return islice(zip(self._buffers(first), values(first), strict=False), count)

    def marks(
        self, first: int, count: int
    ) -> Iterator[tuple[tuple[ctypes.c_void_p, memoryview], int]]:
        """Yield as `turns`, for messages that are full of the end mark."""
        return zip(self._buffers(first), repeat(END_MARK, count), strict=False)

    def _buffers(self, first: int) -> Iterator[tuple[ctypes.c_void_p, memoryview]]:
        at = first % len(self._turns)
        return cycle(self._turns[at:] + self._turns[:at])


def ready(
    prepare: Callable[[memoryview], Any], buffers: Sequence[memoryview]
) -> tuple[Callable[[memoryview], Any] | None, list[Any]]:
    """Return what is sent of buffers that are written again and again.

    Args:
        prepare: that of an endpoint. It checks the length of a message, once; to copy a buffer
            anew takes the type of its result alone.
        buffers: messages of one length.

    Returns:
        The call that prepares a buffer for each message, and the buffers; or None, and the objects
        that `send` takes as they are: the buffers, or what shows them (`shows_buffer` of
        `Endpoint.prepare`).
    """
    prepared = prepare(buffers[0])
    if prepared is buffers[0]:
        return None, list(buffers)
    if getattr(prepared, "shows_buffer", False):
        return None, [prepared, *map(prepare, buffers[1:])]
    kind = type(prepared)
    return (kind if kind in (bytes, PickleBuffer) else prepare), list(buffers)


def values(first: int) -> Iterator[int]:
    """Yield the values of messages from the number `first` on."""
    return cycle([value_of(number) for number in range(first, first + VALUES)])


def compare(found: bytes | memoryview, number: int) -> None:
    """Compare a message with the one of that number. Raises: Corrupt."""
    value = value_of(number)
    at = _differing(found, value)
    if at is not None:
        raise Corrupt(
            f"message {number}, written anew, {len(found)} bytes: byte {at} is {found[at]:#04x} "
            f"and should be {value:#04x}"
        )


def compare_mark(found: bytes | memoryview) -> None:
    """Compare a message with one that is full of the end mark. Raises: Corrupt."""
    at = _differing(found, END_MARK)
    if at is not None:
        raise Corrupt(
            f"a message with the end mark, {len(found)} bytes: byte {at} is {found[at]:#04x} and "
            f"should be {END_MARK:#04x}"
        )


def compare_with_any(found: bytes | memoryview, numbers: Sequence[int]) -> None:
    """Compare a message with that one of several numbers whose value it has. Raises: Corrupt."""
    first = found[0] if found else 0
    compare(found, next((one for one in numbers if value_of(one) == first), numbers[0]))


def _differing(found: bytes | memoryview, value: int) -> int | None:
    """Return the index of the first byte that has another value, or None."""
    if not found:
        return None
    first, size = _address(found), ctypes.c_size_t(len(found) - 1)
    if found[0] == value and not _memcmp(ctypes.c_void_p(first), ctypes.c_void_p(first + 1), size):
        return None
    return next(at for at, byte in enumerate(found) if byte != value)


def _address(found: bytes | memoryview) -> int:
    if isinstance(found, bytes):
        return ctypes.cast(ctypes.c_char_p(found), ctypes.c_void_p).value or 0
    return ctypes.addressof(ctypes.c_char.from_buffer(found))
