"""Transfer in place: messages that are read and written in their slots, without a copy."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.counted_ring import Lane

ABSENT = 0xFF  # the byte that is searched; bench's messages do not contain it

Call = Callable[[], object]


@cache
def _memchr() -> Any:
    # It never blocks: it may keep the interpreter's lock, which is faster.
    memchr = ctypes.PyDLL(None).memchr
    memchr.restype = ctypes.c_void_p
    return memchr


def in_place(lane: Lane, wait_used: Call, notify_free: Call) -> tuple[Any, Any, Any]:
    """Make (`recv_into`, `peek`, `release`) of the only lane."""
    slots, lengths = lane.slots, lane.lengths
    depth, size = len(slots), len(slots[0])
    addresses = [ctypes.c_void_p(_address(slot)) for slot in slots]
    memchr, whole = _memchr(), ctypes.c_size_t(size)
    at = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at
        wait_used()
        length: int = lengths[at]
        if length == size:
            found = memchr(addresses[at], ABSENT, whole)
        else:  # another process may have written it: read no slot beyond its end
            found = memchr(addresses[at], ABSENT, ctypes.c_size_t(min(length, size)))
        if found is not None:
            zlib.crc32(slots[at][:length])  # memchr(3) stopped there: read all bytes in another way
        at += 1
        if at == depth:
            at = 0
        notify_free()
        if length > len(buffer) or length > size:
            raise MessageTooLarge(f"receive: {length} bytes for {min(len(buffer), size)}")
        return length

    def peek() -> memoryview:
        wait_used()
        return slots[at][: lengths[at]]

    def release() -> None:
        nonlocal at
        at += 1
        if at == depth:
            at = 0
        notify_free()

    return recv_into, peek, release


def lending(size: int, loan: Any, commit: Any) -> tuple[Any, Any]:
    """Make (`loan`, `commit`) that check sizes: only bytes that were lent can be committed."""
    lent: int | None = None

    def lend(length: int, /) -> memoryview:
        nonlocal lent
        if length < 0 or lent is not None:
            another = "" if lent is None else ": another one is to be committed first"
            raise ValueError(f"a loan of {length} bytes{another}")
        if length > size:
            raise MessageTooLarge(f"loan: {length} bytes of slots of {size}")
        slot: memoryview = loan(length)
        lent = length
        return slot

    def send(length: int, /) -> None:
        nonlocal lent
        if lent is None or not 0 <= length <= lent:
            raise ValueError(f"a commit of {length} bytes: that many are not lent")
        lent = None
        commit(length)

    return lend, send


def _address(slot: memoryview) -> int:
    """Return the address of a slot."""
    return ctypes.addressof(ctypes.c_char.from_buffer(slot)) if slot else 0
