"""Ends of sweeps: what is left to judge, to run and to show when little goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.workers.job import Job, Reply
from tests.unit.bench import test_schedule
from tests.unit.bench.test_adaptive import BASE, a_contest, looks, minis, play, timed
from tests.unit.bench.test_schedule import Stage, a_failure, a_plan

stage = test_schedule.stage


def test_a_fixed_sweep_without_its_rounds_is_not_judged_for_good(
    stage: Stage, tmp_path: Path
) -> None:
    """All cells fail from the third round on; the resumed sweep measures the others."""
    cells = a_plan(2)
    contests = [a_contest("a", cells, 0, 1)]
    answer = timed(s0=2.0)
    stage.answer = lambda job: a_failure() if job.round > 2 else answer(job)
    stage.play(cells, 10, contests=contests, clock=FAKE)
    assert len(stage.rounds) == 4
    assert looks(stage) == []
    stage.lines.pop()
    stage.answer = answer
    progress = Progress.of(stage.results(cells, tmp_path, contests))
    stage.play(cells, 10, contests=contests, clock=FAKE, progress=progress)
    (look,) = looks(stage)
    assert (look.rounds, look.stands[0].verdict) == (8, "slower")


def test_nothing_goes_on_for_contests_that_the_budget_did_not_choose(stage: Stage) -> None:
    """The budget bears one contest of many; its cell fails, so its other cell ends too."""
    cells = a_plan(40)
    answer = timed()
    contests = [a_contest(str(n), cells, 2 * n, 2 * n + 1) for n in range(20)]

    def failing(job: Job) -> Reply:
        chosen = looks(stage)[0].goes_on if looks(stage) else []
        lost = job.cell.id in chosen and job.cell.id in {one.cell.id for one in cells[::2]}
        return a_failure() if lost else answer(job)

    stage.answer = failing
    ended = play(stage, cells, *contests, budget=460.0)
    assert ended.reason == "budget"
    assert len(minis(stage)) == 2


@pytest.mark.parametrize("adaptive", [False, True])
def test_a_round_longer_than_the_budget_shows_its_own_time(stage: Stage, adaptive: bool) -> None:
    cells = a_plan(20)
    stage.answer = timed()
    stage.play(cells, BASE, contests=[a_contest("a", cells, 0, 1)], budget=5.0, adaptive=adaptive)
    assert len(stage.rounds) == 1
    shown = [left for _, left, what in stage.shown if what.startswith("round")]
    assert shown[10] == pytest.approx(10, abs=2)


def test_stolen_rounds_show_time_left(stage: Stage) -> None:
    cells = a_plan(4)
    stage.answer = timed()
    stage.stolen = set(range(BASE + 1, 10_000))
    play(stage, cells, a_contest("a", cells, 0, 1))
    shown = [left for _, left, what in stage.shown if what.startswith("round")]
    assert min(shown[:-4]) > 0
