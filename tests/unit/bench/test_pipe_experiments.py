"""Tests of the experiments of pipes: processes that deadlock, and ways that do not."""

from __future__ import annotations

import errno
import os
import time
from functools import partial

import pytest

from ipcbench.bench.experiments import sleepers
from ipcbench.bench.experiments.children import Child, ChildFailed, Stuck, together
from ipcbench.bench.experiments.meeting import Meeting, meeting
from ipcbench.bench.experiments.pipes import pipe_deadlock, pipe_multiplex
from ipcbench.bench.experiments.pipes.exchange import (
    POLL,
    READ_FIRST,
    TWO_PROCESSES,
    WRITE_FIRST,
    Side,
    deadlocks,
    read,
    write,
    write_first,
)
from ipcbench.bench.experiments.sleepers import deadlocked
from ipcbench.transports.contract import TimedOut, Unavailable
from ipcbench.transports.pipes.pipe import DEFAULT_CAPACITY

PAGE = os.sysconf("SC_PAGE_SIZE")


def fails() -> None:
    raise OSError(errno.EACCES, "refused")


def test_a_child_that_fails_is_told_before_those_that_wait_for_it() -> None:
    with pytest.raises(Unavailable):
        together([partial(time.sleep, 100), fails], 1.0)
    with pytest.raises(Stuck, match="child 0"):
        together([partial(time.sleep, 100), int], 0.5)


def alternating(side: Side) -> None:
    """Write a half and read a half, twice: nothing is held back for longer than a pipe holds."""
    for _ in range(2):
        half = Side(side.number, side.reading, side.writing, side.size // 2, side.piece)
        write_first(half)


def test_one_byte_past_the_capacity() -> None:
    found = pipe_deadlock.play()
    assert found.figures["capacities"] >= 2
    assert found.figures["capacities where one byte more deadlocks"] == found.figures["capacities"]
    assert found.figures["default capacity, bytes"] == DEFAULT_CAPACITY
    assert found.figures["largest that passes, bytes"] == DEFAULT_CAPACITY
    # 16 pages with one small write each, and the last page filled up.
    small = DEFAULT_CAPACITY // PAGE * (PAGE // 2 + 1) + PAGE // 2 - 1
    assert found.figures["largest that passes in small writes, bytes"] == small
    assert found.figures["deadlocks of two that read first"] == 1
    assert found.figures["directions of a pipe"] == 1


def test_without_a_capacity_no_figure_tells_of_them() -> None:
    def refused(*given: int, **options: int) -> bool:
        raise Unavailable("no such capacity", "lower it")

    found = pipe_deadlock.play(refused)
    assert [row["skipped"] for row in found.rows] == ["no such capacity (lower it)"] * len(
        pipe_deadlock.CAPACITIES
    )
    assert "capacities where one byte more deadlocks" not in found.figures


def test_capacities_where_nothing_deadlocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same search over a way that reads in between finds no deadlock past the capacity."""
    monkeypatch.setattr(pipe_deadlock, "CAPACITIES", [DEFAULT_CAPACITY])
    found = pipe_deadlock.play(partial(deadlocks, (alternating,)))
    assert found.figures["capacities where one byte more deadlocks"] == 0
    assert found.figures["largest that passes, bytes"] > DEFAULT_CAPACITY
    assert found.rows[0]["smallest that deadlocks"] == "none"


def test_no_deadlock_with_two_processes_or_poll() -> None:
    found = pipe_multiplex.play().figures
    assert found["deadlocks without multiplexing"] == found["sizes past the capacity"] >= 3
    assert found["deadlocks with a reading and a writing process"] == 0
    assert found["deadlocks with poll"] == 0
    assert found["poll before a read, ns"] > 0


def test_multiplexing_that_deadlocks_is_counted() -> None:
    ways = pipe_multiplex.WAYS | {"with poll": partial(deadlocks, WRITE_FIRST)}
    found = pipe_multiplex.play(ways).figures
    assert found["deadlocks with poll"] == found["sizes past the capacity"]


@pytest.mark.parametrize("way", [TWO_PROCESSES, POLL, WRITE_FIRST])
def test_small_exchanges_pass(way: tuple[object, ...]) -> None:
    assert not deadlocks(way, 1)  # type: ignore[arg-type]


def test_two_that_read_first_wait_at_once() -> None:
    began = time.monotonic()
    assert deadlocks(READ_FIRST, 1)
    assert time.monotonic() - began < 4  # found by their sleep, not by the end of their time


def test_wrong_bytes_are_a_failure() -> None:
    def garble(side: Side) -> None:
        write(Side(1 - side.number, side.reading, side.writing, side.size, side.piece))
        read(side)

    with pytest.raises(ChildFailed):
        deadlocks((garble,), 1000)


def test_processes_that_work_are_no_deadlock() -> None:
    def work() -> None:
        while True:
            os.getpid()

    def sleep() -> None:
        time.sleep(60)

    with Child(work) as busy, Child(sleep) as idle, pytest.raises(TimedOut):
        deadlocked([busy, idle], time.monotonic() + 0.3)


def test_sleeps_that_proc_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleepers, "_fields", lambda process: {"State": "S (sleeping)"})
    with pytest.raises(Unavailable, match="voluntary_ctxt_switches"):
        deadlocks(WRITE_FIRST, 1)


def test_pipes_that_cannot_be_had_are_rows_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe_deadlock, "CAPACITIES", [PAGE, 1 << 40])
    found = pipe_deadlock.play()
    assert found.figures["capacities"] == 1
    assert "skipped" in found.rows[1]


def test_children_meet() -> None:
    """Each sees at each meeting that all have come to it."""

    def meet(place: Meeting, number: int) -> list[int]:
        lowest = []
        for _ in range(100):
            place.meet(number)
            lowest.append(min(place.memory[:3]))
        return lowest

    with meeting(3) as place:
        for lowest in together([partial(meet, place, number) for number in range(3)], 20):
            assert all(count >= turn for turn, count in enumerate(lowest, start=1))


def test_short_sleeps_are_no_deadlock() -> None:
    def doze() -> None:
        for _ in range(300):
            time.sleep(0.001)

    with Child(doze) as one, Child(doze) as other:
        assert not deadlocked([one, other], time.monotonic() + 20)
