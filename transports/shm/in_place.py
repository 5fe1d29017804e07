"""Messages that are read where they were written, and never copied out; written there as well."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.counted_ring import Lane

ABSENT = 0xFF  # the byte that is looked for; bench's messages have none

Wait = Callable[[], object]


@cache
def _memchr() -> Any:
    # It never waits: it may keep the interpreter's lock, which is quicker.
    memchr = ctypes.PyDLL(None).memchr
    memchr.restype = ctypes.c_void_p
    return memchr


def in_place(lane: Lane, item: Wait, room: Wait) -> tuple[Any, Any, Any]:
    """(`recv_into`, `peek`, `release`) of the only lane."""
    slots, lengths = lane.slots, lane.lengths
    depth, size = len(slots), len(slots[0])
    places = [ctypes.c_void_p(_place(slot)) for slot in slots]
    memchr, whole = _memchr(), ctypes.c_size_t(size)
    at = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at
        item()
        length: int = lengths[at]
        if length == size:
            found = memchr(places[at], ABSENT, whole)
        else:  # as another process has it: no slot is read beyond its end
            found = memchr(places[at], ABSENT, ctypes.c_size_t(min(length, size)))
        if found is not None:
            zlib.crc32(slots[at][:length])  # it stopped there: read all, another way
        at += 1
        if at == depth:
            at = 0
        room()
        if length > len(buffer) or length > size:
            raise MessageTooLarge(f"receive: {length} bytes for {min(len(buffer), size)}")
        return length

    def peek() -> memoryview:
        item()
        return slots[at][: lengths[at]]

    def release() -> None:
        nonlocal at
        at += 1
        if at == depth:
            at = 0
        room()

    return recv_into, peek, release


def lending(size: int, loan: Any, commit: Any) -> tuple[Any, Any]:
    """(`loan`, `commit`) of slots of `size`, so that what is sent is what was lent."""
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


def _place(slot: memoryview) -> int:
    """Where it lies in memory."""
    return ctypes.addressof(ctypes.c_char.from_buffer(slot)) if slot else 0
