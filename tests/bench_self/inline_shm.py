"""The same calls written inline, for shared memory: over waiters, over futex words, in place.

Each endpoint of a ring keeps its positions, so the inline half has a channel of its own and
takes the handles from an endpoint that has no other use.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import repeat
from typing import Any

from ipcbench.transports.contract import Ticket

Half = Callable[[int], None]  # runs one process's side of so many round trips
Half_of = Callable[[Ticket, Any, bool], Half]

ABSENT = 0xFF


class Short(Exception):
    """A message has another length."""


def _sides(client: Half, server: Half, first: bool) -> Half:
    return client if first else server


def waiters(size: int) -> Half_of:
    """Use waiters that the kernel or the C library counts."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        out, into = (0, 1) if first else (1, 0)
        held, lanes = endpoint._waiters, endpoint._lanes
        wait_free, notify_used = held[out].wait, held[2 + out].notify
        filled, freed = held[2 + into].wait, held[into].notify
        slots, lengths = lanes[out].slots, lanes[out].lengths
        arrived, arrived_lengths = lanes[into].slots, lanes[into].lengths
        message, buffer = bytes(size), memoryview(bytearray(size))
        depth = len(slots)

        def client(count: int) -> None:
            at = 0
            for _ in repeat(None, count):
                wait_free()
                slots[at][:] = message
                lengths[at] = size
                notify_used()
                filled()
                if arrived_lengths[at] != size:
                    raise Short
                buffer[:] = arrived[at]
                freed()
                at += 1
                if at == depth:
                    at = 0

        def server(count: int) -> None:
            at = 0
            for _ in repeat(None, count):
                filled()
                if arrived_lengths[at] != size:
                    raise Short
                buffer[:] = arrived[at]
                freed()
                wait_free()
                slots[at][:] = message
                lengths[at] = size
                notify_used()
                at += 1
                if at == depth:
                    at = 0

        return _sides(client, server, first)

    return half


def words(size: int, *, wakes: bool) -> Half_of:
    """Use futex words, counted in memory; spinning receivers need no wake-up."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        out, into = (0, 1) if first else (1, 0)
        held, lanes = endpoint._waiters, endpoint._lanes
        free_slots, used_slots, filled, freed = held[out], held[2 + out], held[2 + into], held[into]
        free, published, there, given = free_slots.word, used_slots.word, filled.word, freed.word
        pause_full, pause_empty = free_slots.pause, filled.pause
        wake, wake_freed = used_slots.wake, freed.wake
        slots, lengths = lanes[out].slots, lanes[out].lengths
        arrived, arrived_lengths = lanes[into].slots, lanes[into].lengths
        message, buffer = bytes(size), memoryview(bytearray(size))
        depth = len(slots)
        at = done = 0

        def client(count: int) -> None:
            nonlocal at, done
            for _ in repeat(None, count):
                while free[0] == done:
                    pause_full(done)
                slots[at][:] = message
                lengths[at] = size
                published[0] = done + 1
                if wakes:
                    wake()
                while there[0] == done:
                    pause_empty(done)
                if arrived_lengths[at] != size:
                    raise Short
                buffer[:] = arrived[at]
                done += 1
                given[0] = depth + done
                if wakes:
                    wake_freed()
                at += 1
                if at == depth:
                    at = 0

        def server(count: int) -> None:
            nonlocal at, done
            for _ in repeat(None, count):
                while there[0] == done:
                    pause_empty(done)
                if arrived_lengths[at] != size:
                    raise Short
                buffer[:] = arrived[at]
                given[0] = depth + done + 1
                if wakes:
                    wake_freed()
                while free[0] == done:
                    pause_full(done)
                slots[at][:] = message
                lengths[at] = size
                done += 1
                published[0] = done
                if wakes:
                    wake()
                at += 1
                if at == depth:
                    at = 0

        return _sides(client, server, first)

    return half


def in_place(size: int) -> Half_of:
    """Scan the message in its slot."""
    memchr = ctypes.PyDLL(None).memchr
    memchr.restype = ctypes.c_void_p

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        out, into = (0, 1) if first else (1, 0)
        held, lanes = endpoint._waiters, endpoint._lanes
        wait_free, notify_used = held[out].wait, held[2 + out].notify
        filled, freed = held[2 + into].wait, held[into].notify
        slots, lengths = lanes[out].slots, lanes[out].lengths
        arrived_lengths = lanes[into].lengths
        places = [
            ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(slot)))
            for slot in lanes[into].slots
        ]
        message, whole = bytes(size), ctypes.c_size_t(size)
        depth = len(slots)

        def client(count: int) -> None:
            at = 0
            for _ in repeat(None, count):
                wait_free()
                slots[at][:] = message
                lengths[at] = size
                notify_used()
                filled()
                if arrived_lengths[at] != size or memchr(places[at], ABSENT, whole) is not None:
                    raise Short
                freed()
                at += 1
                if at == depth:
                    at = 0

        def server(count: int) -> None:
            at = 0
            for _ in repeat(None, count):
                filled()
                if arrived_lengths[at] != size or memchr(places[at], ABSENT, whole) is not None:
                    raise Short
                freed()
                wait_free()
                slots[at][:] = message
                lengths[at] = size
                notify_used()
                at += 1
                if at == depth:
                    at = 0

        return _sides(client, server, first)

    return half


def of_memory(size: int) -> dict[str, Half_of]:
    return {
        "shm:posix+posix-sem": waiters(size),
        "shm:sysv+posix-sem": waiters(size),
        "shm:posix+sysv-sem": waiters(size),
        "shm:posix+eventfd": waiters(size),
        "shm:posix+futex": words(size, wakes=True),
        "shm:posix+spin": words(size, wakes=False),
        "shm:posix+spin-block": words(size, wakes=True),
        "shm:posix+posix-sem/in-place": in_place(size),
        "shm:posix+spin/in-place": in_place(size),
    }
