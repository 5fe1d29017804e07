"""Judgement of a selftest: verdicts of slowed and of equal cells, and what the gate sees."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.decisions.gate.sequential import Rule
from ipcbench.bench.results.comparison.selftest import MANY, read, write
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import Ended
from ipcbench.bench.selftest import judging
from ipcbench.bench.selftest.judging import GateRun, kind_of, outcomes_of, reach, sights_of
from tests.unit.bench.selftest.results import gate_run, result


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw fewer cells: the times of the tests are short."""
    monkeypatch.setattr(judging, "DRAWN", 150)


def test_slowed_cells_are_found_and_equal_ones_pass(tmp_path: Path) -> None:
    found = outcomes_of(gate_run(tmp_path, 1, [0.051, 0.102]))
    verdicts = {one.cell: (one.asked, one.true, one.verdict) for one in found}
    assert sorted(verdicts.values()) == [
        (0.0, 0.0, "passed"), (0.0, 0.0, "passed"), (0.0, 0.0, "passed"),
        (0.05, 0.051, "broken"), (0.10, 0.102, "broken"),
    ]  # fmt: skip
    for one in found:
        assert one.pairs == 40
        assert one.ratio == pytest.approx(1 + one.true, abs=0.01)


def test_a_run_without_pairs_is_not_measured(tmp_path: Path) -> None:
    found = result([gate_run(tmp_path, 1, [0.05], pairs=0)])
    assert {one.verdict for one in found.outcomes} == {"not measured"}
    assert found.equal == found.alarms == found.hidden == []
    assert all(sight.smallest is None and not sight.curve for sight in found.sights)


def test_the_sight_is_that_of_the_recorded_noise(tmp_path: Path) -> None:
    (sight,) = sights_of([gate_run(tmp_path, number, [0.05, 0.10]) for number in (1, 2)])
    assert (sight.kind, sight.cells, sight.pairs) == ("same-core", 3, 240)
    assert sight.smallest is not None
    assert 0.02 < sight.smallest < 0.05
    shares = [point.found for point in sight.curve]
    assert shares == sorted(shares)
    assert sight.curve[0].found < 0.05 < 0.95 < sight.curve[-1].found


def test_more_processes_than_cpus_are_a_class_of_their_own(tmp_path: Path) -> None:
    run = gate_run(tmp_path, 1, [])
    cell = run.comparison.measured[0]
    assert kind_of(cell) == "same-core"
    cell.cell = msgspec.structs.replace(cell.cell, pattern="fan-in", processes=4)
    assert kind_of(cell) == MANY


def test_a_budget_bounds_the_pairs_of_a_cell_that_stays_open(tmp_path: Path) -> None:
    run = gate_run(tmp_path, 1, [], pairs=33)
    assert reach([run]) == Rule(cells=1).most_pairs
    run.comparison.ended = Ended(reason="budget", wall=180.0)
    assert reach([run, GateRun(2, gate_run(tmp_path, 2, [], pairs=50).comparison)]) == 33


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    wanted = result([gate_run(tmp_path, 1, [0.05, 0.10])])
    path = tmp_path / "selftest.json"
    write(wanted, path)
    assert read(path) == wanted
    for data, what in (
        (b"{}", "missing required field"),
        (b"[" * 100_000, "selftest.json: "),
        (path.read_bytes().replace(b'"schema": 1', b'"schema": 2'), "written with schema 2"),
        (path.read_bytes().replace(b'"broken"', b'"fixed"'), "Invalid enum value"),
    ):
        path.write_bytes(data)
        with pytest.raises(Unreadable, match=what):
            read(path)


def test_void_pairs_alone_are_inconclusive(tmp_path: Path) -> None:
    run = gate_run(tmp_path, 1, [0.05])
    for cell in run.comparison.measured:
        for pair in cell.pairs:
            pair.void = "others had the CPU"
    assert {(one.verdict, one.pairs) for one in outcomes_of(run)} == {("inconclusive", 0)}
