"""Tests of `reports.model` and `reports.page.tables`."""

from __future__ import annotations

from statistics import median

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.records import Failed, Skipped
from ipcbench.bench.results.results import Results, Status, load
from ipcbench.reports.model import Measured, measured, positions, ranges
from ipcbench.reports.page.rows.tables import failures, figures, pending, skipped
from tests.synthetic import cells, facts, header, reference, sweep, write_journal

PLACEMENTS = ("same-core", "cross-core")


def flat(*rest: object) -> float:
    return 1e-5


@pytest.fixture(scope="module")
def whole() -> Results:
    planned = cells(patterns=("latency", "stream"), placements=PLACEMENTS)
    planned += cells(("pipe",), patterns=("pairs", "fan-in"), processes=(4, 8), sizes=(64,))
    return sweep(reference, planned, tail=800, twins=planned[:1])


def test_a_synthetic_sweep_reads_back_as_it_was(whole: Results, tmp_path) -> None:
    write_journal(whole, tmp_path)
    read = load(tmp_path)
    assert read.header == whole.header
    assert read.cells == whole.cells
    assert read.rounds == whole.rounds
    assert read.ended == whole.ended


def test_measured_cells_are_sorted(whole: Results) -> None:
    found = measured(whole)
    assert len(found) == len(whole.cells)
    assert [one.cell.pattern for one in found[:3]] == ["latency"] * 3
    placements = [one.cell.placement for one in found if one.cell.pattern == "latency"]
    assert placements == sorted(placements, key=PLACEMENTS.index)


def test_bytes_in_flight_are_those_of_all_runs() -> None:
    results = sweep(flat, cells(("pipe",), ("stream",), sizes=(64,)))
    (one,) = measured(results)
    assert one.in_flight == (1 << 16,)
    for run, held in zip(one.runs, (4096, None, 8192), strict=False):
        run.in_flight = held
    (one,) = measured(results)
    assert one.in_flight == (4096, 8192, 1 << 16)


def test_measured_cells_are_sorted_by_depth_before_the_transport() -> None:
    found = measured(sweep(flat, cells(("fifo", "pipe"), ("stream",), sizes=(8,), depths=(8, 1))))
    assert [one.cell.depth for one in found] == [1, 1, 8, 8]


def test_positions_leave_out_twins_and_the_floor(whole: Results) -> None:
    for some in positions(measured(whole)):
        names = [one.cell.transport for one in some]
        assert len(names) == len(set(names))
        assert "null" not in names
        assert len({one.situation for one in some}) == 1


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_ranges_cover_the_sizes_and_nothing_else(some: set[int], more: set[int]) -> None:
    everything = sorted(some | more)
    found = ranges(some, everything)
    covered = {size for first, last in found for size in everything if first <= size <= last}
    assert covered == some
    assert found == sorted(found)


# --- tables


def test_the_costs_of_a_cell_are_per_unit_and_over_all_processes(whole: Results) -> None:
    rows = figures(measured(whole)).rows
    one = next(row for row in rows if row.measured.cell.pattern == "stream")
    run = one.measured.runs[0]
    units = 12 * run.loops * 3
    cpu = [sum(own.cpu for own in run.usage) / (run.loops * 3) for run in one.measured.runs]
    assert one.cpu == pytest.approx(median(cpu))
    assert one.voluntary == pytest.approx(12 * 2 * 2000 / units)
    assert one.throughput == one.measured.cell.size / one.measured.interval.median
    assert one.pinned == "0 | 0"
    round_trip = next(row for row in rows if row.measured.cell.pattern == "latency")
    assert round_trip.throughput is None


def test_a_slow_run_leaves_the_cpu_time_of_the_median_run() -> None:
    results = sweep(lambda *_: 1e-6, cells(("pipe",), sizes=(64,))[:1], noise=0, drift=0)
    (one,) = measured(results)
    usual = one.cpu
    slow = one.runs[0]
    slow.values = [value * 50 for value in slow.values]
    slow.usage = [msgspec.structs.replace(own, cpu=own.cpu * 50) for own in slow.usage]
    (one,) = measured(results)
    assert one.cpu == usual > 0


def test_missing_results_keep_their_reasons() -> None:
    planned = cells()
    skips = [
        Skipped(cell=cell, reason="too large", remedy="raise it")
        for cell in cells(("tcp",), sizes=(1, 2, 3))
    ]
    bad = Failed(cell=planned[0].id, round=0, who="peer 1", where="attach", what="TimedOut")
    partly = Failed(cell=planned[1].id, round=4, who="worker", where="loop", what="PeerGone")
    results = sweep(flat, planned, skipped=skips, failed=[bad])
    results.cells[planned[1].id].failures.append(partly)
    results.cells[planned[2].id].runs.clear()
    for run in results.cells[planned[3].id].runs:
        run.void = "steal"
    (reason,) = skipped(results).rows
    assert (reason.reason, reason.cells.total) == ("too large", 3)
    found = failures(results).rows
    assert [one.figure for one in found] == [False] * 13 + [True]
    assert found[-1].what == "PeerGone"
    assert list(pending(results).rows) == [planned[2].id]
    assert results.cells[planned[3].id].status is Status.DISTURBED


def test_without_a_guard_or_with_lost_updates_a_counter_does_not_compete() -> None:
    planned = cells(("posix-sem", "unguarded"), ("counter",), (0,), processes=(2,))
    found = measured(sweep(reference, planned))
    unguarded = next(one for one in found if one.cell.transport == "unguarded")
    assert unguarded.lost is not None
    assert unguarded.lost.median == pytest.approx(0.03, rel=0.1)
    assert [one.competes for one in found] == [one is not unguarded for one in found]
    for run in unguarded.runs:
        run.observations["lost updates"] = 0.0
    assert not unguarded.competes  # no update was lost, by chance: it still has no guard


def test_measured_knows_its_situation() -> None:
    results = Results(header())
    assert measured(results) == []
    (one,) = measured(sweep(flat, cells(("shm:posix+futex/in-place",), sizes=(8,))))
    assert isinstance(one, Measured)
    assert one.situation.in_place
    assert facts("shm:posix+spin", "latency").wait == "spin"


def test_the_wait_and_the_pace_are_part_of_the_situation() -> None:
    plain = cells(("pipe",), sizes=(8,))
    paced = cells(("pipe", "fifo"), sizes=(8,), pace="pause:1ms")
    found = measured(sweep(flat, [*plain, *cells(("fifo",), sizes=(8,)), *paced]))
    assert {one.situation.pace for one in found} == {"closed", "pause:1ms"}
    assert all(one.wait == one.situation.wait == "block" for one in found)
    held = {some[0].situation.pace: len(some) for some in positions(found)}
    assert held == {"closed": 2, "pause:1ms": 2}


def test_a_disturbed_cell_does_not_compete() -> None:
    results = sweep(reference, cells(), void=lambda cell, number: "9% …" * (number > 5))
    found = measured(results)
    assert found
    assert all(one.disturbed and not one.competes for one in found)
    assert positions(found) == []
