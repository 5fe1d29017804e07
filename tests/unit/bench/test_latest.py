"""Pattern `latest`: its loops in both runtimes, what they count, its check, and what it refuses."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer, written_buffer
from ipcbench.bench.loops.clock import FakeClock, RealClock
from ipcbench.bench.loops.loop import durations
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.patterns.newest.board import WORDS, Row, board_bytes, clear, each_row, row_of
from ipcbench.bench.patterns.newest.latest import (
    LATEST_VALUE,
    LEAST_VALUE,
    PUBLISHER,
    READER,
    newest_publisher,
    newest_reader,
    observe,
    prove_publisher,
    prove_reader,
    rest_from,
    stamped_newest_reader,
)
from ipcbench.bench.patterns.part import Seat
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.plan.timing import is_contended, is_idle
from ipcbench.bench.results.records import MISSED, TORN, VAIN
from ipcbench.transports.contract import Role, Spec, Topology, Transport
from ipcbench.transports.native import native_of
from ipcbench.transports.registry import get
from tests.unit.bench.test_planner import a_cell, everything, only

SIZE = 64
COUNT = 50
LOOPS = [(newest_publisher, newest_reader, stamped_newest_reader)]
IN_MEMORY = ("latest:seqlock", "latest:buffers")
ALL = (*IN_MEMORY, "latest:pipe", "latest:unix-stream", "latest:unix-dgram", "latest:queue")
DRIVEN = [*((name, "python") for name in ALL), *((name, "native") for name in IN_MEMORY)]


def board_of(readers: int) -> memoryview:
    """Make a board in memory of its own, aligned and with headroom as the worker's."""
    return aligned_buffer(board_bytes(readers)).cast("Q")[: readers * WORDS]


@contextmanager
def ends_of(name: str, runtime: str, readers: int = 1, size: int = SIZE) -> Iterator[list[Any]]:
    """Attach the publisher's end and those of the readers, in one process."""
    transport: Any = get(name)
    assert isinstance(transport, Transport)
    native = runtime == "native"
    if native and native_loops.missing():
        pytest.skip("the compiled loops are not built")
    spec = Spec(size, Topology.NEWEST, readers + 1, native=native)
    channel = transport.create(spec)
    seats = [(Role.SENDER, 0), *((Role.RECEIVER, index) for index in range(readers))]
    ends = [transport.attach(channel.ticket(*seat), time.monotonic() + 5) for seat in seats]
    try:
        yield [native_of(end) if native else end for end in ends]
    finally:
        for end in ends:
            end.close()
        channel.close()
        channel.unlink()


def loops_of(runtime: str) -> tuple[Any, Any, Any]:
    (publisher, reader, stamped), native = LOOPS[0], runtime == "native"
    if not native:
        return publisher, reader, stamped
    twin = native_loops.stamped_twin(stamped)
    assert twin is not None
    return native_loops.twin(publisher), native_loops.twin(reader), twin


def play(name: str, runtime: str, readers: int = 1, size: int = SIZE) -> tuple[Any, list[Row]]:
    """Run a block between threads; return the publisher's span and the rows."""
    board, spans = board_of(readers), dict[int, Any]()
    publisher, reader, _ = loops_of(runtime)
    with ends_of(name, runtime, readers, size) as (sender, *receivers):

        def read(at: int) -> None:
            buffer, clock = aligned_buffer(size), RealClock()
            spans[at] = reader(receivers[at], row_of(board, at), buffer, COUNT, clock)

        threads = [threading.Thread(target=read, args=(at,)) for at in range(readers)]
        for thread in threads:
            thread.start()
        published = publisher(sender, written_buffer(size), board, COUNT, RealClock())
        for thread in threads:
            thread.join()
    assert all(span.handled == COUNT for span in spans.values())
    assert all(span.end > span.start for span in spans.values())
    return published, [*each_row(board)]


@pytest.mark.parametrize(("name", "runtime"), DRIVEN)
@pytest.mark.parametrize("readers", [1, 3])
def test_each_reader_sees_so_many_updates(name: str, runtime: str, readers: int) -> None:
    published, found = play(name, runtime, readers)
    assert [(row.ended, row.seen, row.broken) for row in found] == [(1, COUNT, 0)] * readers
    for row in found:
        assert row.seen + row.missed <= published.handled


@pytest.mark.parametrize(("name", "runtime"), DRIVEN)
def test_stamps_are_the_ages_of_the_last_values(name: str, runtime: str) -> None:
    board, stamps = board_of(1), array("q", bytes(8 * (COUNT + 1)))
    publisher, _, stamped = loops_of(runtime)
    with ends_of(name, runtime) as (sender, receiver):

        def read() -> None:
            buffer = aligned_buffer(SIZE)
            stamped(receiver, row_of(board, 0), buffer, COUNT + 3, RealClock(), stamps)

        thread = threading.Thread(target=read)
        thread.start()
        publisher(sender, written_buffer(SIZE), board, COUNT, RealClock())
        thread.join()
    ages = durations(stamps)
    assert len(ages) == COUNT
    assert all(0 < age < 10**9 for age in ages)


class Scripted:
    """A reader's end over values that a test gives; a None is a read in vain."""

    def __init__(self, *values: tuple[int, int, int] | None) -> None:
        self.values, self.copies = iter(values), 0

    def read_into(self, buffer: memoryview) -> int:
        value = next(self.values)
        if value is None:
            return 0
        buffer[:16].cast("Q")[0], buffer[:16].cast("Q")[1] = value[0], value[1]
        buffer[-8:].cast("Q")[0] = value[2]
        return len(buffer)

    def torn(self) -> int:
        self.copies += 2
        return self.copies


LATER = 1 << 62  # a time behind the start of every block


def counted(count: int, *values: tuple[int, int, int] | None) -> Row:
    board = board_of(1)
    newest_reader(Scripted(*values), board, memoryview(bytearray(SIZE)), count, RealClock())
    return next(each_row(board))


def test_a_reader_counts_what_it_missed_and_read_in_vain() -> None:
    row = counted(3, None, (5, LATER, 5), (6, LATER, 6), None, None, (10, LATER, 10))
    assert row == Row(ended=1, seen=3, missed=3, vain=3, torn=2, broken=0)


def test_values_of_an_earlier_block_do_not_count() -> None:
    assert counted(1, (1, 0, 1), (9, LATER, 9)).missed == 0


@pytest.mark.parametrize(
    "values",
    [[(5, LATER, 4)], [(5, LATER, 5), (5, LATER, 5)], [(5, LATER, 5), (4, LATER, 4)]],
    ids=["torn", "read twice", "older"],
)
def test_a_value_that_is_torn_or_older_is_corrupt(values: list[tuple[int, int, int]]) -> None:
    row = counted(len(values), *values)
    assert row.broken == 1
    with pytest.raises(Corrupt):
        observe([row])


def test_observations_are_shares() -> None:
    two = [Row(1, 10, 30, 10, 0, 0), Row(1, 10, 10, 30, 5, 0)]
    assert observe(two) == {MISSED: (40, 60), VAIN: (40, 60), TORN: (5, 25)}


def test_stamps_under_a_made_up_clock_are_its_own() -> None:
    clock, stamps = FakeClock("cell", 1), array("q", bytes(8 * 3))
    clock.begin(2)
    values = Scripted((1, LATER, 1), (2, LATER, 2))
    stamped_newest_reader(values, board_of(1), memoryview(bytearray(SIZE)), 2, clock, stamps)
    first, second = durations(stamps)
    assert abs(first - second) <= 1  # nanoseconds of rounding


def test_a_board_is_cleared() -> None:
    board = board_of(2)
    board[0] = board[WORDS] = 1
    clear(board)
    assert [*each_row(board)] == [Row(0, 0, 0, 0, 0, 0)] * 2


def test_a_publisher_rests_as_long_as_it_worked_and_more() -> None:
    began = time.perf_counter_ns() - 2_000_000
    now = time.perf_counter_ns()
    rest_from(began)
    assert time.perf_counter_ns() - now >= 3 * 2_000_000


# The check.


def prove(sender: Any, receiver: Any, size: int = SIZE) -> None:
    """Run both sides of the check; raise what the reader's side raises."""
    board, faults = board_of(1), list[BaseException]()

    def read() -> None:
        try:
            prove_reader(receiver, Seat(0, Role.RECEIVER, 0, READER), size, board)
        except BaseException as fault:
            faults.append(fault)
            board[0] = 1

    thread = threading.Thread(target=read)
    thread.start()
    prove_publisher(sender, Seat(0, Role.SENDER, 0, PUBLISHER), size, board)
    thread.join()
    for fault in faults:
        raise fault


@pytest.mark.parametrize(("name", "runtime"), DRIVEN)
@pytest.mark.parametrize("size", [LEAST_VALUE, SIZE, 4096])
def test_the_check_passes(name: str, runtime: str, size: int) -> None:
    with ends_of(name, runtime, 1, size) as (sender, receiver):
        prove(sender, receiver, size)


class Broken:
    """A reader's end with a fault."""

    def __init__(self, receiver: Any, fault: str) -> None:
        self._receiver, self._fault, self._first = receiver, fault, b""

    def read_into(self, buffer: memoryview) -> int:
        length: int = self._receiver.read_into(buffer)
        if self._fault == "byte" and length:
            buffer[20] ^= 1
        elif self._fault == "length" and length:
            return length - 1
        elif self._fault == "older" and self._first:
            buffer[:] = self._first
            return len(buffer)
        elif length:
            self._first = bytes(buffer)
        return length


@pytest.mark.parametrize("fault", ["byte", "length", "older"])
def test_the_check_finds_a_fault(fault: str) -> None:
    with ends_of("latest:seqlock", "python") as (sender, receiver), pytest.raises(Corrupt):
        prove(sender, Broken(receiver, fault))


# The plan.


def of_newest() -> Any:
    found = everything("alpha")
    assert found.traits is not None
    return replace(
        found, traits=replace(found.traits, topologies=frozenset({Topology.NEWEST}), carries=True)
    )


def test_a_value_has_room_for_its_numbers() -> None:
    skip = only(a_cell(pattern="latest", size=LEAST_VALUE - 1), of_newest())
    assert isinstance(skip, Skip)
    assert skip.reason == "latest writes numbers into each message: 24 bytes"
    assert not isinstance(only(a_cell(pattern="latest", size=LEAST_VALUE), of_newest()), Skip)


def test_no_process_of_it_sleeps() -> None:
    """So idle states decide nothing, and a block of it is no contended guard."""
    for processes in (2, 3, 16):
        cell = a_cell(pattern="latest", placement="cross-core", processes=processes)
        assert not is_idle(cell)
        assert not is_contended(cell)


def test_readers_alone_start_and_end_a_block() -> None:
    publisher, *readers = LATEST_VALUE.seats(4)
    assert not (publisher.part.starts or publisher.part.ends)
    assert all(seat.part.starts and seat.part.ends for seat in readers)
    assert LATEST_VALUE.units(4) == 3
