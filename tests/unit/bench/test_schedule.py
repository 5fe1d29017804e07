"""bench.sweep.schedule: rounds, retakes, budgets, stops, resumptions, with prepared runs."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.experiments.frame.schedule import Experiments
from ipcbench.bench.loops.clock import FAKE, REAL
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.plan import entries
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.journal import Journal
from ipcbench.bench.results.pace import gap
from ipcbench.bench.results.records import (
    AnyEntry,
    Calibrated,
    Disturbance,
    Ended,
    Failed,
    Round,
    Run,
    Settings,
    Usage,
)
from ipcbench.bench.results.records import PlannedEntry as PlannedLine
from ipcbench.bench.results.results import Results, load
from ipcbench.bench.rounds import turns
from ipcbench.bench.rounds.order import Shuffle
from ipcbench.bench.rounds.progress import RETAKES, Progress
from ipcbench.bench.sweep import runner, schedule
from ipcbench.bench.sweep.disturbance import LIMIT
from ipcbench.bench.sweep.runner import SLACK, STARTS
from ipcbench.bench.sweep.schedule import Schedule
from ipcbench.bench.sweep.shared.failures import GIVE_UP
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.fork_parent import HERE, WATCHDOG, ForkServerLost, Program
from ipcbench.bench.workers.job import Job, Outcome, Reply
from tests import synthetic
from tests.unit.bench.watching import Keeping

FACTS = Facts(per="round trip", family="pipe", wait="block", copies=2, framing="stream")
VALUE = 1e-6  # seconds a unit, always
SEED = 42


def a_plan(
    count: int = 3, placement: str = "same-core", pattern: str = "latency"
) -> list[PlannedCell]:
    return [
        PlannedCell(
            Cell(transport="pipe", pattern=pattern, size=size, processes=2, placement=placement),
            FACTS,
            [[1], [0]],
        )
        for size in range(count)
    ]


def a_reply(job: Job, foreign: float | None = 0.0, seconds: float = VALUE) -> Reply:
    values = [seconds] * job.settings.values if job.loops else []
    runs = [{"values": values, "warmups": [[job.loops or 1, seconds]]}]
    suite = {"benchmarks": [{"runs": runs}], "metadata": {"load_avg_1min": 0.5, "python": "x"}}
    outcome = Outcome(
        depth=None,
        in_flight=None,
        warmups=[seconds],
        usage=[Usage(), Usage()],
        foreign=foreign,
        tail={},
        observations={},
        disturbance=Disturbance(),
        waiting={},
        start_up=0.01,
        timed=0.03,
    )
    return Reply(suite=msgspec.Raw(msgspec.json.encode(suite)), outcome=outcome, wall=0.05)


def a_failure(what: str = "PeerGone") -> Reply:
    return Reply(failure=ProcessFailure("peer 1", "block 2", what))


@dataclass
class Stage(Keeping):
    """Replacement of processes, time and the counters of the machine."""

    lines: list[AnyEntry] = field(default_factory=list)
    parents: list[Parent] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    now: float = 1000.0
    stolen: set[int] = field(default_factory=set)  # rounds
    answer: Callable[[Job], Reply] = a_reply
    after: Callable[[Schedule, AnyEntry], None] = lambda schedule, line: None

    def ticks(self) -> dict[int, Ticks]:
        """Return the ticks at the start and end of a round, which are 100 ticks apart."""
        self._readings = getattr(self, "_readings", 0) + 1
        number = 1 + len(self.of(Round))
        steal = getattr(self, "_steal", 0)
        if self._readings % 2 == 0 and number in self.stolen:
            steal += round(100 * LIMIT) + 2
        self._steal = steal
        quiet = Ticks(100 * self._readings, 0, 0, 0)
        return {0: dataclasses.replace(quiet, steal=steal), 1: quiet, 2: quiet}

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    # The parts

    def play(
        self,
        cells: list[PlannedCell],
        rounds: int = 3,
        *,
        budget: float | None = None,
        clock: str = REAL,
        keep_disturbed: bool = False,
        progress: Progress | None = None,
        contests: Sequence[Contest] = (),
        promises: Sequence[PromisedRatio] = (),
        adaptive: bool = False,
        experiments: Sequence[str] = (),
    ) -> Ended:
        settings = Settings(
            values=3, warmups=1, block=0.01, stamps=200, rounds=rounds, adaptive=adaptive
        )

        def write(line: AnyEntry) -> None:
            self.lines.append(line)
            self.after(sweep, line)

        sweep = Schedule(
            cells,
            settings,
            SEED,
            write,
            self,
            budget=budget,
            clock=clock,
            keep_disturbed=keep_disturbed,
            progress=progress,
            contests=contests,
            promises=promises,
            experiments=Experiments(
                [name for name in experiments if progress is None or name not in progress.observed],
                write,
                self.note,
                clock=clock,
            ),
        )
        ended = sweep.run()
        assert self.lines[-1] == ended
        assert all(parent.closed for parent in self.parents)
        return ended

    def of(self, kind: type[AnyEntry]) -> list[AnyEntry]:
        return [line for line in self.lines if isinstance(line, kind)]

    @property
    def runs(self) -> list[Run]:
        return [line for line in self.lines if isinstance(line, Run)]

    @property
    def rounds(self) -> list[Round]:
        return [line for line in self.lines if isinstance(line, Round)]

    @property
    def failures(self) -> list[Failed]:
        return [line for line in self.lines if isinstance(line, Failed)]

    def results(
        self, cells: list[PlannedCell], folder: Path, contests: Sequence[Contest] = ()
    ) -> Results:
        """Read the journal."""
        planned = [PlannedLine(cell=one.cell, facts=one.facts) for one in cells]
        contested = map(entries.contested, contests)
        synthetic.write_journal([synthetic.header(), *planned, *contested, *self.lines], folder)
        return load(folder)


class Parent:
    """A fork server that forks nothing."""

    stage: Stage
    pid = 0

    def __init__(self, program: Program = HERE, *, wait: bool = True) -> None:
        self.closed = False
        self.jobs = 0
        self.stage.parents.append(self)

    def run(self, job: Job) -> Reply:
        assert not self.closed
        self.jobs += 1
        self.stage.jobs.append(job)
        self.stage.now += 1.0
        return self.stage.answer(job)

    def meet(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    found = Stage()
    monkeypatch.setattr(Parent, "stage", found, raising=False)
    monkeypatch.setattr(runner, "ForkServer", Parent)
    clock = SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep)
    monkeypatch.setattr(schedule, "time", clock)
    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr("ipcbench.bench.machine.cpu_time.ticks", found.ticks)
    yield found
    for done, left, _ in found.shown:  # in every case the figures shown are plausible
        assert 0 <= done <= 1
        assert left >= 0


def order(cells: list[PlannedCell], seed: int, number: int) -> list[PlannedCell]:
    return Shuffle(seed, number).order(cells)


def ids(cells: list[PlannedCell]) -> list[str]:
    return [one.cell.id for one in cells]


# Rounds.


def test_each_round_has_every_cell_once_in_its_own_order(stage: Stage) -> None:
    cells = a_plan(7)
    ended = stage.play(cells, rounds=4)
    assert ended.reason == "complete"
    by_round = {
        number: [run.cell for run in runs]
        for number, runs in itertools.groupby(stage.runs, key=lambda run: run.round)
    }
    assert by_round == {number: ids(order(cells, SEED, number)) for number in range(1, 5)}
    assert [one.round for one in stage.rounds] == [1, 2, 3, 4]
    assert not any(one.void for one in stage.rounds)
    assert not any(run.void for run in stage.runs)
    assert stage.rounds[0].timed == pytest.approx(7 * 0.03)
    assert stage.rounds[0].wall == pytest.approx(7.0)
    assert ended.wall == pytest.approx(7 + 4 * 7)
    kinds = [type(line) for line in stage.lines[:8]]
    assert kinds == [Calibrated] * 7 + [Run]  # all of it before the first round


def test_each_round_has_a_fork_server_of_its_own(stage: Stage) -> None:
    stage.play(a_plan(2), rounds=3)
    assert [parent.jobs for parent in stage.parents] == [2, 2, 2, 2]  # the first one calibrates


def test_loops_fill_a_block_with_all_units(stage: Stage) -> None:
    pairs = [
        PlannedCell(
            Cell(transport="pipe", pattern="pairs", size=1, processes=8, placement="unpinned"),
            FACTS,
            [[0, 1]] * 8,
        )
    ]
    stage.play([*a_plan(1), *pairs])
    assert {line.cell: line.loops for line in stage.lines if isinstance(line, Calibrated)} == {
        a_plan(1)[0].cell.id: 10_000,
        pairs[0].cell.id: 25_000,  # four units per loop, and a long block: they are crowded
    }
    assert {(run.cell, run.loops, run.inner_loops) for run in stage.runs} == {
        (a_plan(1)[0].cell.id, 10_000, 1),
        (pairs[0].cell.id, 25_000, 4),
    }


def test_a_loop_longer_than_a_block_runs_once(stage: Stage) -> None:
    stage.answer = lambda job: a_reply(job, seconds=2.0)
    stage.play(a_plan(1), rounds=1)
    assert stage.jobs[-1].loops == 1


def test_pauses_count_in_calibration_and_deadlines(stage: Stage) -> None:
    """Ten round trips a block at least; a worker's calibration includes the pauses."""
    plain = a_plan(1)[0]
    paced = [
        dataclasses.replace(plain, cell=msgspec.structs.replace(plain.cell, pace=pace))
        for pace in ("pause:100us", "pause:10ms", "pause:1s")
    ]
    seconds = {one.cell.id: gap(one.cell.pace) + 6e-5 for one in paced}
    stage.answer = lambda job: a_reply(job, seconds=seconds[job.cell.id])
    stage.play(paced, rounds=1)
    loops = {job.cell.pace: job.loops for job in stage.jobs if job.loops}
    assert loops == {"pause:100us": 63, "pause:10ms": 10, "pause:1s": 10}
    deadlines = {job.cell.pace: job.deadline for job in stage.jobs}
    assert deadlines["pause:100us"] < deadlines["pause:10ms"] < deadlines["pause:1s"]
    assert deadlines["pause:1s"] > 4 * 10


def test_slow_runs_take_as_many_stamps_as_fast_ones(stage: Stage, tmp_path: Path) -> None:
    """The number is decided at calibration, and a resumed sweep keeps it."""
    cells = a_plan(1)
    stage.answer = lambda job: a_reply(job, seconds=VALUE if job.round < 2 else 50 * VALUE)
    stage.play(cells, rounds=3)
    assert [job.stamps for job in stage.jobs] == [0, 1000, 1000, 1000]
    known = stage.results(cells, tmp_path)
    known.rounds.clear()
    known.cells[cells[0].cell.id].runs.clear()
    stage.answer = lambda job: a_reply(job, seconds=50 * VALUE)
    stage.play(cells, rounds=1, progress=Progress.of(known))
    assert stage.jobs[-1].stamps == 1000


def test_a_pattern_without_single_times_has_no_stamps(stage: Stage) -> None:
    stage.play(a_plan(1, pattern="stream"), rounds=1)
    assert [job.stamps for job in stage.jobs] == [0, 0]


def test_the_stamps_count_in_the_deadline(stage: Stage) -> None:
    slow, few = 4e-4, 20
    stage.answer = lambda job: a_reply(job, seconds=slow)
    stage.play(a_plan(1), rounds=1)
    assert stage.jobs[-1].stamps == 200
    progress = Progress(loops={a_plan(1)[0].cell.id: 25}, stamps={a_plan(1)[0].cell.id: few})
    stage.play(a_plan(1), rounds=1, progress=progress)
    assert stage.jobs[-1].stamps == few
    assert stage.jobs[-2].deadline - stage.jobs[-1].deadline == pytest.approx(
        SLACK * slow * (200 - few)
    )


@pytest.mark.parametrize("placement", ["same-core", CROSS_CORE_AWAKE])
def test_a_job_is_what_the_plan_says(stage: Stage, placement: str) -> None:
    cells = a_plan(1, placement)
    stage.play(cells, rounds=1)
    calibration, job = stage.jobs
    assert (calibration.loops, calibration.round) == (0, 0)
    assert (job.loops, job.round, job.cell, job.cpus) == (10_000, 1, cells[0].cell, [[1], [0]])
    assert job.awake is (placement == CROSS_CORE_AWAKE)
    assert job.clock == REAL
    assert job.deadline > 5 * 0.01
    assert stage.runs[0].cpus == [[1], [0]]
    assert stage.runs[0].metadata == {"load_avg_1min": 0.5}  # the rest is in the header


# Void runs, and void rounds.


def test_a_disturbed_run_is_taken_again_at_its_rounds_end(stage: Stage) -> None:
    cells = a_plan(4)
    victim = order(cells, SEED, 1)[1].cell.id
    bad = iter([True])

    def answer(job: Job) -> Reply:
        return a_reply(job, LIMIT * 1.1 if job.loops and is_victim(job) else 0.0)

    def is_victim(job: Job) -> bool:
        return job.cell.id == victim and job.round == 1 and next(bad, False)

    stage.answer = answer
    stage.play(cells, rounds=2)
    first = [run for run in stage.runs if run.round == 1]
    assert [run.cell for run in first] == [*ids(order(cells, SEED, 1)), victim]
    assert [run.attempt for run in first] == [1, 1, 1, 1, 2]
    assert [run.cell for run in first if run.void] == [victim]
    assert first[1].void == "6 % of the core's time went to other processes"
    assert Counter(run.round for run in stage.runs)[2] == 4


def test_a_run_is_retaken_only_so_often(stage: Stage) -> None:
    stage.answer = lambda job: a_reply(job, 0.5)
    ended = stage.play(a_plan(2), rounds=2)
    assert ended.reason == "complete"
    assert Counter((run.cell, run.round) for run in stage.runs) == dict.fromkeys(
        itertools.product(ids(a_plan(2)), (1, 2)), 1 + RETAKES
    )
    assert all(run.void for run in stage.runs)
    assert [run.attempt for run in stage.runs if run.round == 1] == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("foreign", "clock"), [(LIMIT, REAL), (None, REAL), (0.9, FAKE)], ids=str)
def test_undisturbed_runs_count(stage: Stage, foreign: float | None, clock: str) -> None:
    stage.answer = lambda job: a_reply(job, foreign)
    stage.play(a_plan(2), rounds=2, clock=clock)
    assert len(stage.runs) == 4
    assert not any(run.void for run in stage.runs)


def test_disturbed_runs_count_where_they_are_kept(stage: Stage) -> None:
    stage.stolen = {2}
    stage.answer = lambda job: a_reply(job, 0.9)
    stage.play(a_plan(2), rounds=3, keep_disturbed=True)
    assert len(stage.rounds) == 3
    assert not any(one.void for one in stage.rounds)
    assert len(stage.runs) == 6
    assert not any(run.void for run in stage.runs)


def test_a_stolen_round_is_void_and_another_one_is_played(stage: Stage) -> None:
    stage.stolen = {2}
    stage.play(a_plan(2), rounds=4)
    assert [one.round for one in stage.rounds] == [1, 2, 3, 4, 5]
    assert [bool(one.void) for one in stage.rounds] == [False, True, False, False, False]
    assert stage.rounds[1].steal == pytest.approx(0.06)
    assert stage.rounds[1].stolen == {0: pytest.approx(0.06), 1: 0.0}
    assert stage.rounds[1].limit == LIMIT
    assert stage.rounds[1].void == "the hypervisor took 6 % of a CPU's time in the round"


@pytest.mark.parametrize(("wanted", "played"), [(4, 6), (2, 3), (1, 1)])
def test_stolen_rounds_are_repeated_a_limited_number_of_times(
    stage: Stage, wanted: int, played: int
) -> None:
    stage.stolen = set(range(100))
    assert stage.play(a_plan(2), rounds=wanted).reason == "complete"
    assert len(stage.rounds) == played
    assert all(one.void for one in stage.rounds)


def test_the_fake_clock_has_no_steal(stage: Stage) -> None:
    stage.stolen = set(range(100))
    stage.play(a_plan(2), rounds=3, clock=FAKE)
    assert len(stage.rounds) == 3
    assert not any(one.void for one in stage.rounds)


# Failures.


def test_a_cell_that_fails_twice_in_a_row_is_given_up_and_the_sweep_continues(stage: Stage) -> None:
    cells = a_plan(3)
    broken = cells[1].cell.id
    stage.answer = lambda job: a_failure() if job.loops and job.cell.id == broken else a_reply(job)
    assert stage.play(cells, rounds=5).reason == "complete"
    assert [(one.cell, one.round) for one in stage.failures] == [
        (broken, number) for number in range(1, GIVE_UP + 1) for attempt in range(2)
    ]
    assert (stage.failures[0].who, stage.failures[0].where, stage.failures[0].what) == (
        "peer 1",
        "block 2",
        "PeerGone",
    )
    assert Counter(run.cell for run in stage.runs) == {
        cells[0].cell.id: 5,
        cells[2].cell.id: 5,
    }
    assert stage.notes[-1] == f"no longer run after {GIVE_UP} failed rounds in a row: {broken}"


def test_a_cell_that_fails_sometimes_is_kept(stage: Stage) -> None:
    cells = a_plan(2)
    stage.answer = lambda job: (
        a_failure() if job.round % 2 and job.cell == cells[0].cell else a_reply(job)
    )
    stage.play(cells, rounds=6)
    assert [one.round for one in stage.failures] == [1, 1, 3, 3, 5, 5]
    assert [run.round for run in stage.runs if run.cell == cells[0].cell.id] == [2, 4, 6]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_run_that_fails_once_is_tried_again_in_its_round(stage: Stage, failing: int) -> None:
    """Its process was killed, for example, while it was calibrated or in a round."""
    cells = a_plan(3)
    unlucky = iter([True])

    def answer(job: Job) -> Reply:
        if job.cell == cells[1].cell and job.round == failing and next(unlucky, False):
            return a_failure("was killed by SIGKILL")
        return a_reply(job)

    stage.answer = answer
    stage.play(cells, rounds=2)
    assert [one.round for one in stage.failures] == [failing]
    assert Counter((run.cell, run.round) for run in stage.runs) == {
        (one.cell.id, number): 1 for one in cells for number in (1, 2)
    }


def test_a_hang_is_not_tried_again_in_its_round(stage: Stage) -> None:
    """A hang takes the whole deadline."""
    cells = a_plan(2)
    hung = Reply(failure=ProcessFailure(WATCHDOG, "block 1", "no end after 10 s"))
    stage.answer = lambda job: (
        hung if job.round == 1 and job.cell == cells[0].cell else a_reply(job)
    )
    stage.play(cells, rounds=2)
    assert [one.round for one in stage.failures] == [1]
    assert [run.round for run in stage.runs if run.cell == cells[0].cell.id] == [2]


def test_a_cell_that_cannot_be_calibrated_has_no_runs(stage: Stage) -> None:
    cells = a_plan(3)
    stage.answer = lambda job: (
        a_failure() if job.cell == cells[0].cell and not job.loops else a_reply(job)
    )
    stage.play(cells, rounds=2)
    assert [(one.cell, one.round) for one in stage.failures] == [(cells[0].cell.id, 0)] * 2
    assert {run.cell for run in stage.runs} == {cells[1].cell.id, cells[2].cell.id}


@pytest.mark.parametrize("budget", [None, 1e6])
@pytest.mark.parametrize("calibrated", [False, True])
def test_when_nothing_works_the_sweep_ends(
    stage: Stage, budget: float | None, calibrated: bool
) -> None:
    stage.answer = lambda job: a_reply(job) if calibrated and not job.loops else a_failure()
    stage.play(a_plan(2), rounds=5, budget=budget)
    assert len(stage.rounds) == (GIVE_UP if calibrated else 0)
    assert len(stage.failures) == 2 * 2 * (GIVE_UP if calibrated else 1)


def test_a_lost_fork_server_is_a_failed_run_and_another_one_is_started(stage: Stage) -> None:
    cells = a_plan(3)
    lost = iter([True])

    def answer(job: Job) -> Reply:
        if job.round == 2 and next(lost, False):
            raise ForkServerLost("the fork server is gone")
        return a_reply(job)

    stage.answer = answer
    assert stage.play(cells, rounds=3).reason == "complete"
    (failure,) = stage.failures
    assert (failure.who, failure.what) == ("the fork server", "the fork server is gone")
    assert failure.cell == order(cells, SEED, 2)[0].cell.id
    assert [parent.jobs for parent in stage.parents] == [3, 3, 1, 3, 3]
    assert len(stage.runs) == 9


@pytest.mark.parametrize("failing", [1, 2, 99])
def test_a_fork_server_that_is_lost_while_it_starts(
    stage: Stage, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is started again, a few times; without one, the sweep cannot continue."""
    starts = itertools.count()

    def start(program: Program, *, wait: bool = True) -> Parent:
        if next(starts) < failing:
            raise ForkServerLost("the fork server is gone")
        return Parent()

    monkeypatch.setattr(runner, "ForkServer", start)
    if failing >= STARTS:
        with pytest.raises(ForkServerLost):
            stage.play(a_plan(2), rounds=2)
        assert next(starts) == STARTS
        return
    stage.play(a_plan(2), rounds=2)
    assert stage.failures == []
    assert len(stage.runs) == 4


def test_a_fork_server_that_is_always_lost_ends_the_sweep(stage: Stage) -> None:
    def answer(job: Job) -> Reply:
        raise ForkServerLost("the fork server is gone")

    stage.answer = answer
    assert stage.play(a_plan(2), rounds=3).reason == "complete"
    assert len(stage.failures) == 2 * 2
    assert stage.runs == []


# Budgets.


def test_a_budget_ends_at_a_rounds_border(stage: Stage) -> None:
    """Calibration 3 s, each round 3 s: three rounds fit into 13 s, a fourth would not."""
    ended = stage.play(a_plan(3), rounds=99, budget=13.0)
    assert ended.reason == "budget"
    assert [one.round for one in stage.rounds] == [1, 2, 3]
    assert ended.wall == pytest.approx(12.0)


def test_a_budget_goes_beyond_the_profiles_rounds(stage: Stage) -> None:
    stage.play(a_plan(3), rounds=1, budget=30.0)
    assert len(stage.rounds) == 9


def test_the_first_round_is_played_whatever_the_budget(stage: Stage) -> None:
    assert stage.play(a_plan(3), budget=0.1).reason == "budget"
    assert len(stage.runs) == 3


# Stops.


def stop_after(kind: type[AnyEntry], count: int) -> Callable[[Schedule, AnyEntry], None]:
    left = itertools.count(count, -1)

    def after(sweep: Schedule, line: AnyEntry) -> None:
        if isinstance(line, kind) and next(left) == 1:
            sweep.stop()

    return after


def test_a_stop_ends_after_the_running_run(stage: Stage) -> None:
    stage.after = stop_after(Run, 5)
    ended = stage.play(a_plan(3), rounds=3)
    assert ended.reason == "interrupted"
    assert len(stage.runs) == 5
    assert [one.round for one in stage.rounds] == [1]


def test_a_stop_at_a_rounds_last_run_leaves_a_whole_round(stage: Stage) -> None:
    stage.after = stop_after(Run, 6)
    assert stage.play(a_plan(3), rounds=3).reason == "interrupted"
    assert [one.round for one in stage.rounds] == [1, 2]


def test_a_stop_while_calibrating(stage: Stage) -> None:
    stage.after = stop_after(Calibrated, 2)
    assert stage.play(a_plan(3), rounds=3).reason == "interrupted"
    assert len(stage.jobs) == 2
    assert stage.runs == []


@pytest.mark.parametrize("kind", [Calibrated, Run, Round])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_resumed_sweep_equals_an_uninterrupted_one(
    stage: Stage, tmp_path: Path, kind: type[AnyEntry], count: int
) -> None:
    cells = a_plan(4)
    stage.after = stop_after(kind, count)
    stage.play(cells, rounds=4)
    progress = Progress.of(stage.results(cells, tmp_path))
    stage.lines.pop()  # a reader ignores the first end
    stage.after = lambda sweep, line: None
    assert stage.play(cells, rounds=4, progress=progress).reason == "complete"
    assert [(run.round, run.cell) for run in stage.runs] == [
        (number, identity) for number in range(1, 5) for identity in ids(order(cells, SEED, number))
    ]
    assert [one.round for one in stage.rounds] == [1, 2, 3, 4]
    calibrated = [line.cell for line in stage.lines if isinstance(line, Calibrated)]
    assert sorted(calibrated) == sorted(ids(cells))


def test_a_void_run_is_retaken_after_a_resumption(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(2)
    stage.answer = lambda job: a_reply(job, 0.5)
    stage.after = stop_after(Run, 1)
    stage.play(cells, rounds=1)
    progress = Progress.of(stage.results(cells, tmp_path))
    assert progress.done == {}
    stage.answer, stage.after = a_reply, lambda sweep, line: None
    stage.play(cells, rounds=1, progress=progress)
    void, other = ids(order(cells, SEED, 1))
    assert [(run.cell, run.attempt) for run in stage.runs] == [(void, 1), (other, 1), (void, 2)]


def test_progress_is_what_the_journal_says(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(4)
    failing, void = cells[0].cell.id, cells[1].cell.id

    def answer(job: Job) -> Reply:
        if job.loops and job.cell.id == failing:
            return a_failure()
        return a_reply(job, 0.5 if job.cell.id == void else 0.0)

    stage.answer = answer
    stage.stolen = {2}
    stage.play(cells, rounds=2)
    progress = Progress.of(stage.results(cells, tmp_path))
    assert progress.finished == {1, 2, 3}
    assert progress.void == {2}
    assert progress.loops == dict.fromkeys(ids(cells), 10_000)  # a failed one is tried again
    assert progress.failures == {}
    others = set(ids(cells)) - {failing}
    assert progress.done == {
        1: others,
        2: others,
        3: others,
    }  # the void one had all retakes


def test_a_sweep_with_a_budget_is_resumed(stage: Stage, tmp_path: Path) -> None:
    """Calibration 3 s, each round 3 s; the time between a stop and its resumption costs nothing."""
    cells = a_plan(3)
    stage.after = stop_after(Run, 4)
    stage.play(cells, rounds=1, budget=13.0)
    progress = Progress.of(stage.results(cells, tmp_path))
    assert progress.spent == 7.0
    stage.now += 1e6
    stage.lines.pop()
    stage.after = lambda sweep, line: None
    ended = stage.play(cells, rounds=1, budget=13.0, progress=progress)
    assert (ended.reason, ended.wall) == ("budget", 12.0)
    assert [one.round for one in stage.rounds] == [1, 2, 3]
    assert [one.wall for one in stage.rounds] == pytest.approx([3.0, 2.05, 3.0])


def test_a_begun_round_is_completed(stage: Stage, tmp_path: Path) -> None:
    """The budget would not have stopped it either: rounds are completed."""
    cells = a_plan(3)
    stage.after = stop_after(Run, 4)
    stage.play(cells, budget=9.5)
    progress = Progress.of(stage.results(cells, tmp_path))
    progress.spent = 9.4
    stage.after = lambda sweep, line: None
    assert stage.play(cells, budget=9.5, progress=progress).reason == "budget"
    assert [one.round for one in stage.rounds] == [1, 2]
    assert len(stage.runs) == 6


def test_a_spent_budget_stays_spent(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(3)
    stage.play(cells, rounds=1, budget=9.5)
    progress = Progress.of(stage.results(cells, tmp_path))
    jobs = len(stage.jobs)
    assert stage.play(cells, rounds=1, budget=9.5, progress=progress).reason == "budget"
    assert len(stage.jobs) == jobs


# Display.


def test_the_shown_share_grows(stage: Stage) -> None:
    stage.stolen = {1}
    stage.play(a_plan(3), rounds=4)
    done = [share for share, _, what in stage.shown if what.startswith("round")]
    assert done == sorted(done)
    assert done[0] == 0.0
    assert stage.shown[3][2].startswith("round 1 of 4: latency/pipe/python/")


def test_time_that_is_left_is_near_the_truth(stage: Stage) -> None:
    stage.play(a_plan(10), rounds=10)
    halfway = [left for done, left, _ in stage.shown if done == 0.5]
    assert halfway == [pytest.approx(50, rel=0.3)]


def begin(
    folder: Path,
    cells: Sequence[PlannedCell],
    contests: Sequence[Contest],
    promises: Sequence[PromisedRatio] = (),
) -> Journal:
    """Begin the journal of a sweep with this plan."""
    folder.mkdir()
    journal = Journal.create(folder)
    journal.write(
        synthetic.header(),
        *(PlannedLine(cell=one.cell, facts=one.facts) for one in cells),
        *map(entries.contested, contests),
        *map(entries.promised, promises),
    )
    return journal
