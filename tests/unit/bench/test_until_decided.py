"""Sweeps until their promises are decided: mini-rounds, contests beside them, resumptions."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.errors import SweepError
from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.plan.planner import Plan, PlannedCell
from ipcbench.bench.plan.profile import for_promises, load_profile
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.results.journal import NAME, Journal, read
from ipcbench.bench.results.records import (
    Contested,
    Ended,
    Looked,
    PlannedEntry,
    Promised,
    Resumed,
)
from ipcbench.bench.results.results import load
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep import sweep
from tests.unit.bench import test_schedule
from tests.unit.bench.test_adaptive import (
    BASE,
    a_contest,
    a_failure,
    essence,
    looks,
    minis,
    timed,
)
from tests.unit.bench.test_schedule import Stage, a_plan, begin

stage = test_schedule.stage


def a_promise(
    name: str,
    cells: Sequence[PlannedCell],
    faster: int,
    than: int,
    least: float | None = None,
    most: float | None = None,
) -> PromisedRatio:
    return PromisedRatio(name, cells[faster].cell.id, cells[than].cell.id, least, most)


def play(stage: Stage, cells: list[PlannedCell], *promises: PromisedRatio, **more: object) -> Ended:
    return stage.play(cells, BASE, promises=promises, adaptive=True, **more)  # type: ignore[arg-type]


def verdicts(stage: Stage) -> dict[str, str]:
    """Return the newest verdict on each promise."""
    return {one.promise: one.verdict for look in looks(stage) for one in look.promises}


def test_what_is_clear_is_decided_by_the_base(stage: Stage) -> None:
    cells = a_plan(4)
    stage.answer = timed(s0=0.5)
    promises = a_promise("a", cells, 0, 1, 1.2), a_promise("b", cells, 1, 0, 1.2)
    assert play(stage, cells, *promises).reason == "decided"
    assert (len(stage.rounds), minis(stage)) == (BASE, [])
    assert verdicts(stage) == {"a": "kept", "b": "broken"}
    (look,) = looks(stage)
    assert (look.rounds, look.stands, look.goes_on) == (BASE, [], [])


def test_the_cells_of_undecided_promises_go_on(stage: Stage) -> None:
    cells = a_plan(30)
    stage.answer = timed(s0=0.5)
    promises = a_promise("a", cells, 0, 1, 1.2), a_promise("b", cells, 2, 3, 1.0, 1.0)
    assert play(stage, cells, *promises).reason == "complete"
    assert [one.rounds for one in looks(stage)] == list(LOOKS)
    assert minis(stage) == list(range(BASE + 1, LOOKS[-1] + 1))
    for look in looks(stage)[:-1]:
        assert look.goes_on == sorted(cells[n].cell.id for n in (2, 3))
    for number in minis(stage):
        count = {run.cell for run in stage.runs if run.round == number}
        assert {cells[2].cell.id, cells[3].cell.id} <= count
        assert len(count) > 10  # others fill the second
    shown = [what for _, _, what in stage.shown]
    assert "round 9, 1 of 2 promises open: b" in shown


def test_contests_are_judged_beside_promises_and_do_not_go_on(stage: Stage) -> None:
    cells = a_plan(6)
    stage.answer = timed(s0=0.5)
    contests = [a_contest("even", cells, 2, 3), a_contest("clear", cells, 0, 1)]
    promise = a_promise("a", cells, 0, 1, 1.2)
    assert play(stage, cells, promise, contests=contests).reason == "decided"
    (look,) = looks(stage)
    assert {one.contest: one.verdict for one in look.stands} == {
        "even": "undecided",
        "clear": "faster",
    }


def test_a_budget_ends_what_is_undecided(stage: Stage) -> None:
    """A run takes a second, a round four."""
    cells = a_plan(4)
    stage.answer = timed()
    ended = play(stage, cells, a_promise("a", cells, 0, 1, 1.0, 1.0), budget=120.0)
    assert ended.reason == "budget"
    assert ended.wall <= 120
    assert verdicts(stage) == {"a": "inconclusive"}
    assert [one.rounds for one in looks(stage)] < list(LOOKS)


def test_a_promise_whose_cell_fails_does_not_go_on(stage: Stage) -> None:
    cells = a_plan(4)
    answer = timed(s0=0.5)
    stage.answer = lambda job: a_failure() if job.cell.size == 3 else answer(job)
    promises = a_promise("a", cells, 0, 1, 1.2), a_promise("b", cells, 2, 3, 1.2)
    assert play(stage, cells, *promises).reason == "complete"
    assert minis(stage) == []
    assert verdicts(stage) == {"a": "kept"}


def test_a_fixed_sweep_has_one_look_at_its_end(stage: Stage) -> None:
    cells = a_plan(4)
    stage.answer = timed(s0=0.5)
    promises = [a_promise("a", cells, 0, 1, 1.2), a_promise("b", cells, 2, 3, 1.0, 1.0)]
    assert stage.play(cells, 12, promises=promises).reason == "complete"
    (look,) = looks(stage)
    assert (look.rounds, look.stands) == (12, [])
    assert verdicts(stage) == {"a": "kept", "b": "inconclusive"}


def test_a_sweep_that_is_cut_anywhere_looks_again_as_an_unbroken_one(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{call}", lambda fd: None)
    cells = a_plan(6)
    contests = [a_contest("c", cells, 0, 1)]
    promises = [
        a_promise("a", cells, 0, 1, 1.2), a_promise("b", cells, 2, 3, 0.9),
        a_promise("c", cells, 4, 5, 0.99, 1.01),
    ]  # fmt: skip
    stage.answer = timed(s0=0.5)

    def go_on(journal: Journal, progress: Progress) -> Ended:
        stage.after = lambda schedule, line: journal.write(line)
        try:
            return play(stage, cells, *promises, contests=contests, clock=FAKE, progress=progress)
        finally:
            journal.close()

    whole = tmp_path / "whole"
    ended = go_on(begin(whole, cells, contests, promises), Progress())
    wanted = essence(whole)
    assert sum(isinstance(line, Looked) for line in wanted) > 2
    lines = (whole / NAME).read_bytes().splitlines(keepends=True)
    plan = 1 + len(cells) + len(contests) + len(promises)
    for cut in [plan, plan + 3, *range(plan + 6, len(lines), 11), len(lines) - 1]:
        folder = tmp_path / "cut"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / NAME).write_bytes(b"".join(lines[:cut]))
        stage.lines = [
            line
            for line in read(folder)
            if not isinstance(line, Contested | Promised | PlannedEntry)
        ]
        journal, _ = Journal.resume(folder)
        journal.write(Resumed(started="", command=[]))
        again = go_on(journal, Progress.of(load(folder)))
        assert again.reason == ended.reason
        assert essence(folder) == wanted, f"cut after line {cut}"


def test_promises_that_cannot_be_measured_leave_nothing_to_go_on_with() -> None:
    """The contests of the controls do not take their place."""
    skip = Skip("its queue holds 16 KiB", "raise kernel.msgmnb")
    cells = a_plan(4)
    found = Plan(cells=cells[:3], skipped=[(cells[3].cell, skip)])
    profile = load_profile("smoke")
    promises = [a_promise("a", cells, 0, 3, 1.2), a_promise("b", cells, 0, 1, 1.2)]
    order = sweep.Order(for_promises(profile, until_decided=True), [], promises=promises)
    assert sweep.measurable(order, found) == promises[1:]
    order = dataclasses.replace(order, promises=promises[:1])
    with pytest.raises(SweepError) as caught:
        sweep.measurable(order, found)
    assert str(caught.value) == (
        f"no promise can be measured: {cells[3].cell.id}: its queue holds 16 KiB: raise "
        "kernel.msgmnb"
    )
    fixed = dataclasses.replace(order, profile=for_promises(profile, until_decided=False))
    assert sweep.measurable(fixed, found) == []
