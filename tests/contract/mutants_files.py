"""Mutants of accesses to a file, with one defect each: see mutants.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Mutant = Callable[..., None]

READ, PREAD, MAP = "file-read", "file-pread", "file-map"
PLACE = "test_what_is_written_is_read_at_its_place"
ORDER = "test_accesses_in_order_and_out_of_order"
BESIDE = "test_writing_changes_nothing_beside_it"


def never_seeks(endpoint: Any) -> Any:
    """Read on from where the last access has ended, whatever the place."""
    good, position = endpoint.read_at, 0

    def read_at(buffer: memoryview, place: int) -> int:
        nonlocal position
        found: int = good(buffer, position)
        position += found
        return found

    endpoint.read_at = read_at
    return endpoint


def keeps_writes(endpoint: Any) -> Any:
    """Write to bytes of its own, as a private map does."""
    good, kept = endpoint.read_at, dict[int, bytes]()

    def read_at(buffer: memoryview, place: int) -> int:
        found: int = good(buffer, place)
        own = kept.get(place, b"")[:found]
        buffer[: len(own)] = own
        return found

    def write_at(data: memoryview, place: int) -> int:
        kept[place] = bytes(data)
        return len(data)

    endpoint.read_at, endpoint.write_at = read_at, write_at
    return endpoint


def writes_too_much(endpoint: Any) -> Any:
    """Write a byte more than was asked for."""
    good = endpoint.write_at

    def write_at(data: memoryview, place: int) -> int:
        good(data, place)
        if place + len(data) < endpoint.extent():
            good(b"!", place + len(data))
        return len(data)

    endpoint.write_at = write_at
    return endpoint


def declare(mutant: Mutant) -> None:
    mutant("a place is ignored", ORDER, PREAD, endpoint=never_seeks)
    mutant("writes reach no other process", PLACE, MAP, endpoint=keeps_writes)
    mutant("a byte too many is written", BESIDE, READ, endpoint=writes_too_much)
