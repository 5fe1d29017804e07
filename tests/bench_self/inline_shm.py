"""The same statements written inline, for rings in shared memory, and for those read in place.

Each endpoint of a ring keeps its positions, so the inline half has a channel of its own and
takes the handles from an endpoint that has no other use. Both processes are on one CPU, and
exchange round trips: so both directions are at the same slot of the same lap.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from itertools import repeat
from typing import Any

from ipcbench.transports.contract import Ticket, Wait
from ipcbench.transports.shm.ring import LAP_BITS
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.fence import fence_calls
from ipcbench.transports.sync.futex import SPINS

Half = Callable[[int], None]  # runs one process's side of so many round trips
Half_of = Callable[[Ticket, Any, bool], Half]

ABSENT = 0xFF


class Short(Exception):
    """A message has another length."""


def _reading(size: int, slots: Any) -> Callable[[int], object]:
    """Make a call that searches a slot for a byte that is absent."""
    memchr = ctypes.PyDLL(None).memchr
    memchr.restype = ctypes.c_void_p
    whole = ctypes.c_size_t(size)
    places = [ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(slot))) for slot in slots]
    return lambda at: memchr(places[at], ABSENT, whole)


def ring(size: int, *, in_place: bool = False) -> Half_of:
    """Use a ring, with the waiter of its endpoint."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        out, into = (0, 1) if first else (1, 0)
        own = endpoint._process
        other = endpoint._layout.other(own, out)
        slots, heads, freed_there = _parts(endpoint._lanes[out])
        arrived, heads_in, freed = _parts(endpoint._lanes[into])
        word, bell = endpoint._words[own], endpoint._words[other]
        waiters, sleeps = endpoint._handles.waiters, endpoint._sleeps
        counter = bool(waiters)
        take: Any = waiters[own].wait if counter else futex.sleeping(word)
        wake: Any = waiters[other].notify if counter else futex.waking(bell)
        looks = SPINS if endpoint._spec.wait is Wait.SPIN_BLOCK else 0
        (fence, fenced), pause = fence_calls(), os.sched_yield
        read = _reading(size, arrived)
        message, buffer = bytes(size), memoryview(bytearray(size))
        depth = len(slots)
        middle = (depth + 1) // 2
        at = done = sent = looked = announced = 0
        room, head = depth, size << LAP_BITS | 1

        def client(count: int) -> None:
            nonlocal at, done, sent, looked, announced, room, head
            for _ in repeat(None, count):
                if not room:
                    room = freed_there[0] + depth - sent
                slots[at][:] = message
                heads[at] = head
                sent += 1
                room -= 1
                if sleeps:
                    fence()
                    fenced()
                    if bell[0] & 1:
                        bell[0] = 0
                        wake()
                looked = 0
                while (seen := heads_in[at]) != head:
                    if not sleeps or looked < looks:
                        looked += 1
                        pause()
                        continue
                    if not announced:
                        announced = 1 if counter else word[0] | 1
                        word[0] = announced
                        fence()
                        fenced()
                        if heads_in[at] != seen:
                            continue
                    if counter:
                        take()
                    else:
                        take(announced)
                    announced = 0
                if in_place:
                    if read(at) is not None:
                        raise Short
                else:
                    buffer[:] = arrived[at]
                done += 1
                freed[0] = done
                at += 1
                if at in (depth, middle):
                    if at == depth:
                        at, head = 0, head + 1
                    if sleeps:
                        fence()
                        fenced()
                        if bell[0] & 1:
                            bell[0] = 0
                            wake()

        def server(count: int) -> None:
            nonlocal at, done, sent, looked, announced, room, head
            for _ in repeat(None, count):
                looked = 0
                while (seen := heads_in[at]) != head:
                    if not sleeps or looked < looks:
                        looked += 1
                        pause()
                        continue
                    if not announced:
                        announced = 1 if counter else word[0] | 1
                        word[0] = announced
                        fence()
                        fenced()
                        if heads_in[at] != seen:
                            continue
                    if counter:
                        take()
                    else:
                        take(announced)
                    announced = 0
                if in_place:
                    if read(at) is not None:
                        raise Short
                else:
                    buffer[:] = arrived[at]
                done += 1
                freed[0] = done
                if (at + 1 == depth or at + 1 == middle) and sleeps:
                    fence()
                    fenced()
                    if bell[0] & 1:
                        bell[0] = 0
                        wake()
                if not room:
                    room = freed_there[0] + depth - sent
                slots[at][:] = message
                heads[at] = head
                sent += 1
                room -= 1
                if sleeps:
                    fence()
                    fenced()
                    if bell[0] & 1:
                        bell[0] = 0
                        wake()
                at += 1
                if at == depth:
                    at, head = 0, head + 1

        return client if first else server

    return half


def _parts(lane: Any) -> tuple[Any, Any, Any]:
    return lane.slots, lane.heads, lane.freed


def of_memory(size: int) -> dict[str, Half_of]:
    copying = (
        "shm:posix+posix-sem",
        "shm:sysv+posix-sem",
        "shm:posix+sysv-sem",
        "shm:posix+eventfd",
        "shm:posix+futex",
        "shm:posix+spin",
        "shm:posix+spin-block",
    )
    return {
        **dict.fromkeys(copying, ring(size)),
        "shm:posix+posix-sem/in-place": ring(size, in_place=True),
        "shm:posix+spin/in-place": ring(size, in_place=True),
    }
