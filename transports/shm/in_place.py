"""Transfer in place: messages that are read and written in their slots, without a copy."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Callable
from typing import Any

from ipcbench.transports.base.defaults import ABSENT, memchr
from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.ring import LAP_BITS, LAPS, Side, owing


def in_place(side: Side) -> tuple[Any, Any, Any, Callable[[], None]]:
    """Make (`recv_into`, `peek`, `release`, `ring_owed`) of the only lane: see ring.owing."""
    lane, pause, _ = side
    slots, heads, freed, size, depth = lane.slots, lane.heads, lane.freed, lane.size, lane.depth
    addresses = [ctypes.c_void_p(_address(slot)) for slot in slots]
    search, whole = memchr(), ctypes.c_size_t(size)
    middle = (depth + 1) // 2
    at = done = 0
    ring, ring_owed = owing(side, lambda: done)
    edge = middle
    lap = 1
    wanted = size << LAP_BITS | lap  # the head of a message as large as a slot

    def at_edge() -> None:
        """Wake the producer in the middle and at the end of a lap."""
        nonlocal at, edge, lap, wanted
        if at == depth:
            at, edge = 0, middle
            lap = (lap + 1) & LAPS
            wanted = size << LAP_BITS | lap
        else:
            edge = depth
        ring()

    def release() -> None:
        nonlocal at, done
        done += 1
        freed[0] = done
        at += 1
        if at == edge:
            at_edge()

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at, done
        while (head := heads[at]) != wanted:
            if head & LAPS == lap:
                break
            pause(heads, at, head)
        if head == wanted:
            length, found = size, search(addresses[at], ABSENT, whole)
        else:  # another process may have written it: read no slot beyond its end
            length = head >> LAP_BITS
            found = search(addresses[at], ABSENT, ctypes.c_size_t(min(length, size)))
        if found is not None:
            zlib.crc32(slots[at][:length])  # memchr(3) stopped there: read all bytes in another way
        done += 1
        freed[0] = done
        at += 1
        if at == edge:
            at_edge()
        if length > len(buffer) or length > size:
            raise MessageTooLarge(f"receive: {length} bytes for {min(len(buffer), size)}")
        return length

    def peek() -> memoryview:
        while (head := heads[at]) & LAPS != lap:
            pause(heads, at, head)
        length = head >> LAP_BITS
        if length > size:  # another process may have written it
            release()
            raise MessageTooLarge(f"receive: {length} bytes for {size}")
        return slots[at][:length]

    return recv_into, peek, release, ring_owed


def _address(slot: memoryview) -> int:
    """Return the address of a slot."""
    return ctypes.addressof(ctypes.c_char.from_buffer(slot)) if slot else 0
