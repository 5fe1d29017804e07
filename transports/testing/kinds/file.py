"""Tests of accesses to a file: each reaches its place, and what one member writes others read."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Topology
from ipcbench.transports.testing.participants import Seat, numbered
from ipcbench.transports.testing.subject import TYPICAL, Subject

SIZES = (1, TYPICAL, 4096, 100_000)
PLACES = 7  # that are tested, beside the last one


def extent(seat: Seat) -> int:
    found: int = seat.calls.extent()
    return found


def write(seat: Seat, *accesses: tuple[int, bytes]) -> list[int]:
    return [
        seat.calls.write_at(seat.endpoint.prepare(memoryview(data)), place)
        for place, data in accesses
    ]


def read(seat: Seat, *accesses: tuple[int, int]) -> list[bytes]:
    """Read (place, length) of each, and return the bytes."""
    found = []
    for place, size in accesses:
        buffer = memoryview(bytearray(size))
        assert seat.calls.read_at(buffer, place) == size
        found.append(bytes(buffer))
    return found


def places(size: int, whole: int) -> list[int]:
    """Return places that do not overlap, in no order, with the first one and the last one."""
    step = max(size, whole // PLACES // size * size)
    return [*range(step, whole - size, step), 0, whole - size]


class AccessTests:
    """Tests of a transport that is a way of access to a file."""

    @pytest.mark.parametrize("size", SIZES)
    def test_what_is_written_is_read_at_its_place(self, file: Subject, size: int) -> None:
        with file.participants(Topology.FILE, size) as participants:
            writer, *readers = participants.actors
            where = places(size, writer.do(extent))
            data = [numbered(number + 1, size) for number in range(len(where))]
            assert writer.do(write, *zip(where, data, strict=True)) == [size] * len(where)
            for reader in (*readers, writer):
                wanted = list(zip(reversed(where), [size] * len(where), strict=True))
                assert reader.do(read, *wanted) == data[::-1]

    def test_accesses_in_order_and_out_of_order(self, file: Subject) -> None:
        """The end of one access is the place of the next one, or it is not."""
        whole = numbered(3, 10 * TYPICAL)
        with file.participants(Topology.FILE) as participants:
            one, other, _ = participants.actors
            one.do(write, (0, whole))
            for order in (range(10), (4, 5, 5, 3, 9, 0, 1)):
                wanted = [(place * TYPICAL, TYPICAL) for place in order]
                found = other.do(read, *wanted)
                assert found == [whole[place : place + size] for place, size in wanted]
            other.do(write, (TYPICAL, bytes(TYPICAL)), (2 * TYPICAL, bytes(TYPICAL)))
            assert one.do(read, (0, 4 * TYPICAL)) == [
                whole[:TYPICAL] + bytes(2 * TYPICAL) + whole[3 * TYPICAL : 4 * TYPICAL]
            ]

    def test_writing_changes_nothing_beside_it(self, file: Subject) -> None:
        with file.participants(Topology.FILE) as participants:
            member = participants.actors[0]
            end = member.do(extent)
            for place in (0, 4096 - 3, end - TYPICAL):
                low, high = max(0, place - 8), min(end, place + TYPICAL + 8)
                (before,) = member.do(read, (low, high - low))
                member.do(write, (place, numbered(9, TYPICAL)))
                (after,) = member.do(read, (low, high - low))
                assert (
                    after
                    == before[: place - low]
                    + numbered(9, TYPICAL)
                    + before[place - low + TYPICAL :]
                )
