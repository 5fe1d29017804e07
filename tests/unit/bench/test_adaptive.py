"""Adaptive sweeps: looks, mini-rounds, budgets and resumptions, with prepared runs."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.decisions.contest import LOOKS, Asks, Contest
from ipcbench.bench.loops.clock import FAKE, REAL
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.journal import NAME, Journal, read
from ipcbench.bench.results.records import (
    AnyEntry,
    Calibrated,
    Contested,
    Ended,
    Looked,
    PlannedEntry,
    Resumed,
    Round,
    Run,
)
from ipcbench.bench.results.results import load
from ipcbench.bench.rounds.adaptive import MOST_ROUNDS, Prices
from ipcbench.bench.rounds.forecast import WARM_UP
from ipcbench.bench.rounds.order import MINI
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.rounds.turns import APART
from ipcbench.bench.workers.job import Job, Reply
from tests.unit.bench import test_schedule
from tests.unit.bench.test_schedule import Stage, a_failure, a_plan, a_reply, begin

stage = test_schedule.stage
BASE = LOOKS[0]


def noise(job: Job, width: float = 0.3) -> float:
    """Return a factor that depends on the cell and the round alone."""
    digest = hashlib.sha256(f"{job.cell.id}/{job.round}".encode()).digest()
    return 1 + width * int.from_bytes(digest[:6]) / 2**48


def timed(**factors: float) -> Callable[[Job], Reply]:
    """Answer with the seconds of a cell of that size, times noise."""

    def answer(job: Job) -> Reply:
        return a_reply(job, seconds=1e-6 * factors.get(f"s{job.cell.size}", 1.0) * noise(job))

    return answer


def a_contest(name: str, cells: Sequence[PlannedCell], first: int, *second: int) -> Contest:
    sides = [cells[first].cell.id], [cells[one].cell.id for one in second]
    return Contest(name, "t", name, "", *sides, 0.05)


def looks(stage: Stage) -> list[Looked]:
    return [line for line in stage.lines if isinstance(line, Looked)]


def minis(stage: Stage) -> list[int]:
    return [line.round for line in stage.rounds if line.mini]


def play(stage: Stage, cells: list[PlannedCell], *contests: Contest, **more: object) -> Ended:
    return stage.play(cells, BASE, contests=contests, adaptive=True, **more)  # type: ignore[arg-type]


# Looks.


def test_what_is_clear_is_decided_by_the_base(stage: Stage) -> None:
    cells = a_plan(3)
    stage.answer = timed(s0=2.0)
    ended = play(stage, cells, a_contest("a", cells, 0, 1))
    assert ended.reason == "decided"
    assert [one.round for one in stage.rounds] == list(range(1, BASE + 1))
    assert minis(stage) == []
    (look,) = looks(stage)
    assert [(one.contest, one.verdict) for one in look.stands] == [("a", "slower")]
    assert (look.rounds, look.goes_on, look.left) == (BASE, [], None)


def test_what_stays_open_is_looked_at_so_often(stage: Stage) -> None:
    """The cells of the decided contest end; the time of both sides varies by more than the band."""
    cells = a_plan(30)
    stage.answer = timed(s0=2.0)
    ended = play(stage, cells, a_contest("a", cells, 0, 1), a_contest("b", cells, 2, 3))
    assert ended.reason == "complete"
    assert [one.rounds for one in looks(stage)] == list(LOOKS)
    assert minis(stage) == list(range(BASE + 1, LOOKS[-1] + 1))
    for look in looks(stage)[:-1]:
        assert look.goes_on == sorted(cells[n].cell.id for n in (2, 3))
    assert looks(stage)[-1].goes_on == []
    for number in minis(stage):
        count = Counter(run.cell for run in stage.runs if run.round == number)
        assert {cells[2].cell.id, cells[3].cell.id} <= {*count}
        assert len(count) > 10  # others fill the second
        assert set(count.values()) == {1}


def test_a_contest_for_the_band_goes_on_after_its_direction(stage: Stage) -> None:
    cells = a_plan(30)
    one, other = (cells[number].cell.id for number in (0, 1))
    slower = {one: 1.07}  # the band is 5 %
    stage.answer = lambda job: a_reply(
        job, seconds=1e-6 * slower.get(job.cell.id, 1.0) * noise(job, 0.05)
    )
    contest = replace(a_contest("a", cells, 0, 1), asks=Asks.BAND)
    ended = play(stage, cells, contest)
    first, *_, last = looks(stage)
    (stand,) = first.stands
    assert (stand.verdict, stand.extent) == ("slower", "")
    assert first.goes_on == sorted([one, other])
    (stand,) = last.stands
    assert (stand.verdict, stand.extent) == ("slower", "outside")
    assert ended.reason == "decided"


def test_mini_rounds_have_no_tail_and_a_fork_server_each(stage: Stage) -> None:
    cells = a_plan(4)
    stage.answer = timed()
    play(stage, cells, a_contest("a", cells, 0, 1))
    assert {job.stamps for job in stage.jobs if 0 < job.round <= BASE} == {1000}
    assert {job.stamps for job in stage.jobs if job.round > BASE} == {0}
    assert len(stage.parents) == 1 + len(stage.rounds)


def test_without_contests_the_base_is_all(stage: Stage) -> None:
    assert play(stage, a_plan(2)).reason == "complete"
    assert len(stage.rounds) == BASE
    assert looks(stage) == []


def test_a_fixed_sweep_has_one_look_at_its_end(stage: Stage) -> None:
    cells = a_plan(3)
    stage.answer = timed(s0=2.0)
    contests = [a_contest("a", cells, 0, 1), a_contest("b", cells, 1, 2)]
    assert stage.play(cells, 12, contests=contests).reason == "complete"
    (look,) = looks(stage)
    assert look.rounds == 12
    assert {one.contest: one.verdict for one in look.stands}["a"] == "slower"
    assert stage.lines[-2] == look


def test_a_stopped_fixed_sweep_is_not_judged(stage: Stage) -> None:
    cells = a_plan(2)
    stage.after = test_schedule.stop_after(Run, 15)
    assert stage.play(cells, 12, contests=[a_contest("a", cells, 0, 1)]).reason == "interrupted"
    assert looks(stage) == []


def test_a_cell_that_fails_does_not_keep_its_contest_waiting(stage: Stage) -> None:
    """Of a contest with two rivals, one fails from the start: the other one decides."""
    cells = a_plan(3)
    answer = timed(s0=2.0)
    stage.answer = lambda job: a_failure() if job.cell.size == 2 else answer(job)
    assert play(stage, cells, a_contest("a", cells, 0, 1, 2)).reason == "decided"


def test_a_contest_whose_cell_fails_later_ends_the_sweep(stage: Stage) -> None:
    cells = a_plan(3)
    answer = timed()
    stage.answer = lambda job: (
        a_failure() if job.cell.size == 1 and job.round > BASE else answer(job)
    )
    assert play(stage, cells, a_contest("a", cells, 0, 1)).reason == "complete"
    assert len(minis(stage)) == 2


# Void runs.


def test_a_contest_that_misses_a_round_has_another_one(stage: Stage) -> None:
    """In a mini-round of few cells a void run is not retaken: it would share the disturbance."""
    cells = a_plan(4)
    victim, answer = cells[0].cell.id, timed()

    def disturbed(job: Job) -> Reply:
        reply: Reply = answer(job)
        assert reply.outcome is not None
        if job.cell.id == victim and job.round == BASE + 1:
            reply.outcome.foreign = 0.5
        return reply

    stage.answer = disturbed
    play(stage, cells, a_contest("a", cells, 0, 1))
    of_round = [run for run in stage.runs if run.round == BASE + 1 and run.cell == victim]
    assert [(run.attempt, bool(run.void)) for run in of_round] == [(1, True)]
    first = [line for line in looks(stage) if line.rounds == LOOKS[1]]
    assert len(first) == 1
    rounds = [
        line.round for line in stage.lines[: stage.lines.index(first[0])] if isinstance(line, Round)
    ]
    assert len(rounds) == LOOKS[1] + 1


def test_a_void_run_behind_which_many_follow_is_retaken_in_its_mini_round(stage: Stage) -> None:
    cells = a_plan(2 * APART)
    contests = [a_contest(str(n), cells, n, n + APART) for n in range(APART)]
    answer = timed()
    place: dict[str, int] = {}

    def disturbed(job: Job) -> Reply:
        reply: Reply = answer(job)
        assert reply.outcome is not None
        if job.round == BASE + 1:
            place.setdefault(job.cell.id, len(place))
            reply.outcome.foreign = 0.5
        return reply

    stage.answer = disturbed
    stage.after = test_schedule.stop_after(Round, BASE + 1)
    play(stage, cells, *contests)
    attempts = Counter(run.cell for run in stage.runs if run.round == BASE + 1)
    last = len(place) - 1
    assert len(place) > APART
    assert attempts == {one: 2 if last - at >= APART else 1 for one, at in place.items()}


def test_stolen_mini_rounds_do_not_count(stage: Stage) -> None:
    cells = a_plan(4)
    stage.answer = timed()
    stage.stolen = {BASE + 2}
    play(stage, cells, a_contest("a", cells, 0, 1))
    assert len(minis(stage)) == LOOKS[-1] - BASE + 1


def test_what_is_always_stolen_ends(stage: Stage) -> None:
    cells = a_plan(4)
    stage.answer = timed()
    stage.stolen = set(range(BASE + 1, 10_000))
    assert play(stage, cells, a_contest("a", cells, 0, 1)).reason == "complete"
    assert len(stage.rounds) == MOST_ROUNDS


# Budgets.


def test_a_budget_bears_as_many_contests_as_fit(stage: Stage) -> None:
    """A run takes a second, a round 40 s, a mini-round 15 s at least, which its cells fill."""
    cells = a_plan(40)
    stage.answer = timed()
    contests = [a_contest(str(n), cells, 2 * n, 2 * n + 1) for n in range(20)]
    ended = play(stage, cells, *contests, budget=460.0)
    assert ended.reason == "budget"
    assert 430 < ended.wall <= 460
    first = looks(stage)[0]
    assert first.left == pytest.approx(100.0)
    open_ = [one for one in first.stands if one.verdict == "undecided"]
    assert len(open_) > 15
    assert 16 < len(first.goes_on) < 26
    assert [one.rounds for one in looks(stage)] == [8, 12]
    judged = {one.contest for one in looks(stage)[1].stands}
    assert len(judged) == len(first.goes_on) / 2


def test_a_budget_that_ends_in_the_base_leaves_no_look(stage: Stage) -> None:
    cells = a_plan(10)
    ended = play(stage, cells, a_contest("a", cells, 0, 1), budget=50.0)
    assert (ended.reason, len(stage.rounds), looks(stage)) == ("budget", 4, [])


def test_prices() -> None:
    """Cells that fill a mini-round take twice their usual time, as the others do."""
    prices = Prices({"a": 0.5, "b": 2.5}, {"a": 0.25, "b": 1.25}, 0.25)
    assert prices.of({}) == 0
    assert prices.of({"a": 1}) == 0.25 + 2 * MINI
    assert prices.of({"b": 3}) == 3 * 2.75
    assert prices.of({"a": 4, "b": 1}) == 3.25 + 3 * 2.25
    assert Prices({"a": 0.5}, {"a": 0.05}, 0.25).of({"a": 1}) == 0.25 + MINI  # no other cell


# Display.


def test_the_open_contests_are_shown(stage: Stage) -> None:
    cells = a_plan(12)
    stage.answer = timed(s0=2.0)
    play(stage, cells, a_contest("a", cells, 0, 1), a_contest("b", cells, 2, 3), budget=500.0)
    shown = [what for _, _, what in stage.shown]
    assert shown[12].startswith("round 1 of 8: latency/")
    assert "round 9, 1 of 2 contests open: b" in shown
    beside = f"round 9, 1 of 2 contests open: beside them {cells[4].cell.id}"
    assert any(one.startswith(beside[:50]) for one in shown)
    lefts = [left for _, left, _ in stage.shown]
    assert lefts == sorted(lefts, reverse=True)


# Warm-up.


@pytest.mark.parametrize(("rounds", "clock", "played"), [(8, REAL, 9), (8, FAKE, 0), (5, REAL, 0)])
def test_a_short_calibration_is_followed_by_a_warm_up(
    stage: Stage, rounds: int, clock: str, played: int
) -> None:
    """A run takes a second, as a calibration does."""
    cells = a_plan(1)
    stage.play(cells, rounds, clock=clock, budget=1000.0, adaptive=True)
    warm_up = [job for job in stage.jobs if not job.round and job.loops]
    assert len(warm_up) == min(len(cells), played)
    assert len(stage.runs) == rounds


def test_a_resumed_sweep_warms_up(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(20)
    stage.after = test_schedule.stop_after(Run, 21)
    stage.play(cells, 8, budget=1000.0, adaptive=True)
    assert not [job for job in stage.jobs if not job.round and job.loops]
    progress = Progress.of(stage.results(cells, tmp_path))
    stage.lines.pop()
    stage.jobs.clear()
    stage.after = lambda schedule, line: None
    stage.play(cells, 8, progress=progress, budget=1000.0, adaptive=True)
    assert len([job for job in stage.jobs if not job.round]) == round(WARM_UP)
    assert Counter((run.cell, run.round) for run in stage.runs) == dict.fromkeys(
        itertools.product((one.cell.id for one in cells), range(1, 9)), 1
    )


# Resumption.


def go_on(
    stage: Stage,
    journal: Journal,
    cells: list[PlannedCell],
    contests: Sequence[Contest],
    progress: Progress,
) -> Ended:
    stage.after = lambda schedule, line: journal.write(line)
    try:
        return play(stage, cells, *contests, clock=FAKE, progress=progress)
    finally:
        journal.close()


def essence(folder: Path) -> list[AnyEntry]:
    """Return the lines in their order, without what depends on the time."""
    found: list[AnyEntry] = []
    for line in read(folder):
        if isinstance(line, Run):
            line = msgspec.structs.replace(line, at=0.0)
        elif isinstance(line, Looked):
            line = msgspec.structs.replace(line, at=0.0, left=None)
        elif isinstance(line, Round):
            line = msgspec.structs.replace(line, wall=0.0, load=0.0, timed=round(line.timed, 6))
        if not isinstance(line, Calibrated | Ended | Resumed):
            found.append(line)
    return found


def test_a_sweep_that_is_cut_anywhere_looks_again_as_an_unbroken_one(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{call}", lambda fd: None)
    cells = a_plan(6)
    contests = [
        a_contest("a", cells, 0, 1), a_contest("b", cells, 2, 3), a_contest("c", cells, 2, 4, 5),
    ]  # fmt: skip
    stage.answer = timed(s0=2.0, s4=1.15, s5=1.1)
    whole = tmp_path / "whole"
    ended = go_on(stage, begin(whole, cells, contests), cells, contests, Progress())
    wanted = essence(whole)
    assert sum(isinstance(line, Looked) for line in wanted) > 2
    lines = (whole / NAME).read_bytes().splitlines(keepends=True)
    plan = 1 + len(cells) + len(contests)
    for cut in [plan, plan + 3, *range(plan + 6, len(lines), 7), len(lines) - 1]:
        folder = tmp_path / "cut"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / NAME).write_bytes(b"".join(lines[:cut]))
        stage.lines = [
            line for line in read(folder) if not isinstance(line, Contested | PlannedEntry)
        ]
        journal, _ = Journal.resume(folder)
        journal.write(Resumed(started="", command=[]))
        again = go_on(stage, journal, cells, contests, Progress.of(load(folder)))
        assert again.reason == ended.reason
        assert essence(folder) == wanted, f"cut after line {cut}"


@pytest.mark.parametrize("count", range(1, 7))
def test_looks_are_never_taken_again(stage: Stage, tmp_path: Path, count: int) -> None:
    """The journal says what a look decided, also where another one would decide otherwise."""
    cells = a_plan(4)
    contests = [a_contest("a", cells, 0, 1)]
    stage.answer = timed()
    stage.after = test_schedule.stop_after(Looked, count)
    play(stage, cells, *contests, clock=FAKE)
    stage.lines.pop()
    before = looks(stage)
    assert len(before) == count
    for look in before:
        for one in look.stands:
            one.p = 0.5  # by these figures it would not come out so
    progress = Progress.of(stage.results(cells, tmp_path, contests))
    stage.after = lambda schedule, line: None
    play(stage, cells, *contests, clock=FAKE, progress=progress)
    assert looks(stage)[:count] == before
    assert [one.rounds for one in looks(stage)] == list(LOOKS)
