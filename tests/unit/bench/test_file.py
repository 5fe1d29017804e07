"""Patterns of accesses to a file: their places, their loops in both runtimes, and their check."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.patterns.part import Part
from ipcbench.bench.patterns.single import file
from ipcbench.bench.patterns.single.places import MOST_DRAWN, at_random, in_order, place_of
from ipcbench.transports.native import built
from tests.plugins.capsules import capsule

PATTERNS = (file.READS, file.READS_AT_RANDOM, file.WRITES, file.WRITES_AT_RANDOM)
PARTS: list[Part] = [pattern.seats(1)[0].part for pattern in PATTERNS]
ORDERS = {"order": in_order, "random": at_random}
BYTES = 1 << 16
missing = built()
native_only = pytest.mark.skipif(missing is not None, reason=str(missing))


def order_of(part: Part) -> Callable[[int, int, int, int], Iterator[int]]:
    return ORDERS[part.name.rpartition("_")[2]]


class Memory:
    """A member's end over bytes in memory; each access is recorded."""

    def __init__(self, extent: int = BYTES) -> None:
        self.bytes = bytearray(b"\1" * extent)
        self.read: list[int] = []
        self.written: list[int] = []

    def extent(self) -> int:
        return len(self.bytes)

    def prepare(self, data: memoryview) -> Any:
        return data

    def read_at(self, buffer: memoryview, place: int, /) -> int:
        self.read.append(place)
        buffer[:] = self.bytes[place : place + len(buffer)]
        return len(buffer)

    def write_at(self, data: Any, place: int, /) -> int:
        self.written.append(place)
        self.bytes[place : place + len(data)] = data
        return len(data)


class Native(Memory):
    """The same as a capsule, whose functions get addresses."""

    def __init__(self, extent: int = BYTES) -> None:
        super().__init__(extent)
        self.capsule = capsule(
            extent=self.extent,
            read_at=lambda at, size, place: self.read_at(_view(at, size), place or 0),
            write_at=lambda at, size, place: self.write_at(_view(at, size), place or 0),
        )


def _view(at: int, size: int) -> memoryview:
    return memoryview((ctypes.c_char * size).from_address(at)).cast("B")


@given(bits=st.integers(0, 12))
def test_random_places_are_a_permutation(bits: int) -> None:
    assert sorted(place_of(number, bits) for number in range(1 << bits)) == [*range(1 << bits)]


def test_random_places_are_in_no_order() -> None:
    """Few neighbours follow each other, and few steps are alike."""
    found = [place_of(number, 12) for number in range(1 << 12)]
    steps = [after - before for before, after in pairwise(found)]
    assert sum(abs(step) == 1 for step in steps) < 20
    assert max(map(steps.count, set(steps))) < 50


@pytest.mark.parametrize("name", ORDERS)
@given(
    first=st.integers(0, 1 << 40),
    count=st.integers(0, 300),
    size=st.integers(1, 5000),
    extent=st.integers(5000, BYTES),
)
def test_places_fit_and_go_on_in_the_next_block(
    name: str, first: int, count: int, size: int, extent: int
) -> None:
    places = ORDERS[name]
    found = list(places(first, count, size, extent))
    assert len(found) == count
    assert all(place % size == 0 and 0 <= place <= extent - size for place in found)
    half = count // 2
    again = [*places(first, half, size, extent), *places(first + half, count - half, size, extent)]
    if first % MOST_DRAWN + count < MOST_DRAWN:
        assert again == found


def test_places_in_order_begin_anew_behind_the_last_one() -> None:
    assert list(in_order(2, 6, 30, 100)) == [60, 0, 30, 60, 0, 30]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("count", [0, 1, 5, 300])
def test_the_loop_in_python(part: Part, count: int) -> None:
    end, buffer, message = Memory(), aligned_buffer(100), bytes(range(100))
    span = part.loop(end, message, buffer, count, RealClock(), 7)
    assert span.handled == count
    wanted = list(order_of(part)(7, count, 100, BYTES))
    written = wanted if part.name.startswith("write") else []
    assert (end.read, end.written) == ([] if written else wanted, written)


@native_only
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize(("size", "extent"), [(1, 1000), (100, BYTES), (4096, BYTES), (70, 70)])
def test_the_twin_accesses_the_same_places(part: Part, size: int, extent: int) -> None:
    end, buffer, message = Native(extent), aligned_buffer(size), aligned_buffer(size)
    message[:] = bytes(1 + place % 250 for place in range(size))
    span = native_loops.twin(part.loop)(end, message, buffer, 50, RealClock(), 3)
    assert span.handled == 50
    wanted = list(order_of(part)(3, 50, size, extent))
    assert (end.written if part.name.startswith("write") else end.read) == wanted
    if part.name.startswith("write"):
        assert all(end.bytes[place : place + size] == message for place in wanted)


@native_only
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_twin_refuses_what_does_not_fit(part: Part) -> None:
    twin = native_loops.twin(part.loop)
    for size in (0, 101):
        with pytest.raises(OSError, match=f"Errno {errno.EINVAL}"):
            twin(Native(100), aligned_buffer(size), aligned_buffer(size), 1, RealClock(), 0)
    lacking = Native()
    lacking.capsule = capsule(extent=lambda: 100)
    with pytest.raises(TypeError, match="no native read_at, write_at or extent"):
        twin(lacking, aligned_buffer(8), aligned_buffer(8), 1, RealClock(), 0)


SIZES = (1, 2, 12, 64, 4096, 40_000, BYTES)


@pytest.mark.parametrize("size", SIZES)
def test_the_check_of_a_correct_file_passes(size: int) -> None:
    assert file.check(Memory(), file.READS.seats(1)[0], size) == []


class Misplaced(Memory):
    """Reads one byte too far."""

    def read_at(self, buffer: memoryview, place: int, /) -> int:
        buffer[:] = (self.bytes + b"x")[place + 1 : place + 1 + len(buffer)]
        return len(buffer)


class Forgetful(Memory):
    """Writes all but the last byte."""

    def write_at(self, data: Any, place: int, /) -> int:
        return super().write_at(data[:-1], place)


class OnePlace(Memory):
    """Writes everything to the same place, and reads it there."""

    def read_at(self, buffer: memoryview, place: int, /) -> int:
        return super().read_at(buffer, 0)

    def write_at(self, data: Any, place: int, /) -> int:
        return super().write_at(data, 0)


class Unread(Memory):
    """Leaves what was in the buffer."""

    def read_at(self, buffer: memoryview, place: int, /) -> int:
        return len(buffer)


@pytest.mark.parametrize("size", [12, 64, 4096])
@pytest.mark.parametrize("wrong", [Misplaced, Forgetful, OnePlace, Unread])
def test_the_check_finds_a_defect(wrong: type[Memory], size: int) -> None:
    with pytest.raises(Corrupt):
        file.check(wrong(), file.READS.seats(1)[0], size)
