"""bench.pairs: pairs, retakes, verdicts, budgets, stops, resumptions, with prepared runs."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipcbench.bench.decisions.gate.sequential import ChangeVerdict, Rule
from ipcbench.bench.loops.clock import FAKE, REAL
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.pairs import schedule
from ipcbench.bench.pairs.coin import first_arm, first_started, in_order
from ipcbench.bench.pairs.progress import PairProgress
from ipcbench.bench.pairs.schedule import Delay, Ends, PairSchedule
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.comparison import comparison
from ipcbench.bench.results.comparison.comparison import load
from ipcbench.bench.results.comparison.records import (
    ARMS,
    BASE,
    HEAD,
    AnyComparisonEntry,
    ArmFailed,
    ArmName,
    GatedCell,
    Pair,
)
from ipcbench.bench.results.records import Calibrated, Ended, Round, Settings
from ipcbench.bench.rounds import turns
from ipcbench.bench.rounds.turns import APART
from ipcbench.bench.sweep import runner
from ipcbench.bench.sweep.disturbance import LIMIT
from ipcbench.bench.sweep.shared.failures import GIVE_UP
from ipcbench.bench.workers import fork_parent
from ipcbench.bench.workers.fork_parent import Program
from ipcbench.bench.workers.job import Job, Reply
from tests import comparisons
from tests.unit.bench.test_schedule import a_failure, a_plan, a_reply
from tests.unit.bench.watching import Keeping

SEED = 42
VALUE = 1e-6
Answer = Callable[[ArmName, Job], Reply]


def slower(share: float, noise: float = 0.01) -> Answer:
    """Answer with times that are longer in the head arm, the same whenever one is asked for."""

    def answer(arm: ArmName, job: Job) -> Reply:
        draw = random.Random(f"{arm}/{job.cell.id}/{job.round}/{job.attempt}")
        slow = 1 + share * (arm == HEAD)
        return a_reply(job, seconds=VALUE * slow * math.exp(draw.gauss(0, noise)))

    return answer


noisy = slower(0.0)


@dataclass
class Stage(Keeping):
    """Replacement of fork servers, time and the counters of the machine."""

    lines: list[AnyComparisonEntry] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    jobs: list[tuple[ArmName, Job]] = field(default_factory=list)
    events: list[tuple[str, int]] = field(default_factory=list)  # of fork servers: their pids
    now: float = 1000.0
    stolen: Callable[[], int] = lambda: 0  # ticks until now
    answer: Answer = noisy
    after: Callable[[PairSchedule, AnyComparisonEntry], None] = lambda schedule, line: None

    def ticks(self) -> dict[int, Ticks]:
        quiet = Ticks(round(100 * self.now), 0, 0, 0)
        return {0: dataclasses.replace(quiet, steal=self.stolen()), 1: quiet}

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def play(
        self,
        cells: list[PlannedCell],
        *,
        budget: float | None = None,
        pairs: int = 0,
        clock: str = REAL,
        keep_disturbed: bool = False,
        progress: PairProgress | None = None,
        delay: Delay | None = None,
    ) -> Ended:
        def write(line: AnyComparisonEntry) -> None:
            self.lines.append(line)
            self.after(playing, line)

        playing = PairSchedule(
            cells,
            Settings(values=2, warmups=1, block=0.01, rounds=1),
            SEED,
            write,
            self,
            programs={arm: Program("python", name=arm) for arm in ARMS},
            progress=progress or PairProgress.new(rules(cells)),
            ends=Ends(budget, pairs),
            clock=clock,
            keep_disturbed=keep_disturbed,
            delay=delay,
        )
        ended = playing.run()
        assert self.lines[-1] == ended
        assert all(server.closed for server in self.servers)
        return ended

    @property
    def pairs(self) -> list[Pair]:
        return [line for line in self.lines if isinstance(line, Pair)]

    def of_cell(self, cell: str) -> list[Pair]:
        return [pair for pair in self.pairs if pair.cell == cell]

    def read(self, cells: list[PlannedCell], folder: Path) -> PairProgress:
        """Return the progress that a resumption reads."""
        gated = [GatedCell(cell=one.cell, facts=one.facts, delta=0.05) for one in cells]
        comparisons.write([comparisons.header(), *gated, *self.lines], folder)
        return PairProgress.of(load(folder), rules(cells))


def rules(cells: list[PlannedCell]) -> dict[str, Rule]:
    return {one.cell.id: Rule(cells=len(cells)) for one in cells}


class Server:
    """A fork server that forks nothing."""

    stage: Stage

    def __init__(self, program: Program, *, wait: bool = True) -> None:
        self.closed = False
        self.pid = len(self.stage.servers) + 1
        self.arm: ArmName = BASE if program.name == BASE else HEAD
        self.jobs: list[Job] = []
        self.stage.servers.append(self)

    def run(self, job: Job) -> Reply:
        assert not self.closed
        self.jobs.append(job)
        self.stage.events.append(("run", self.pid))
        self.stage.jobs.append((self.arm, job))
        self.stage.now += 0.1
        return self.stage.answer(self.arm, job)

    def meet(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    found = Stage()
    monkeypatch.setattr(Server, "stage", found, raising=False)
    monkeypatch.setattr(runner, "ForkServer", Server)
    monkeypatch.setattr(runner, "settle", lambda pid: found.events.append(("rest", pid)))
    clock = SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep)
    monkeypatch.setattr(schedule, "time", clock)
    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr("ipcbench.bench.machine.cpu_time.ticks", found.ticks)
    yield found
    for done, left, _ in found.shown:
        assert 0 <= done <= 1
        assert left >= 0


def verdicts(stage: Stage, cells: list[PlannedCell], folder: Path) -> set[ChangeVerdict | None]:
    return {test.verdict for test in stage.read(cells, folder).tests.values()}


# Pairs


def test_equal_arms_pass_and_each_round_has_a_pair_of_each_open_cell(
    stage: Stage, tmp_path: Path
) -> None:
    cells = a_plan(5)
    ended = stage.play(cells)
    assert ended.reason == "decided"
    assert verdicts(stage, cells, tmp_path) == {ChangeVerdict.PASSED}
    rounds = [line.round for line in stage.lines if isinstance(line, Round)]
    assert rounds == list(range(1, len(rounds) + 1))
    for one in cells:
        numbers = [pair.number for pair in stage.of_cell(one.cell.id)]
        assert numbers == list(range(1, len(numbers) + 1))  # in each round until it is decided
        assert len(numbers) < 60


def test_a_slower_head_is_broken(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(3)
    stage.answer = slower(0.05)
    assert stage.play(cells).reason == "decided"
    assert verdicts(stage, cells, tmp_path) == {ChangeVerdict.BROKEN}
    assert len(stage.notes) == len(cells)
    assert all(note.startswith("broken: latency/pipe/python/") for note in stage.notes)
    assert all(" slower, by " in note for note in stage.notes)


def test_both_runs_of_a_pair_follow_each_other_in_the_order_of_the_coin(stage: Stage) -> None:
    stage.play(a_plan(4))
    played = [(arm, job) for arm, job in stage.jobs if job.loops]
    for pair, runs in zip(stage.pairs, zip(played[::2], played[1::2], strict=True), strict=True):
        assert pair.first == first_arm(SEED, pair.cell, pair.number, pair.attempt)
        assert tuple(arm for arm, _ in runs) == in_order(pair.first)
        assert {(job.cell.id, job.round, job.loops) for _, job in runs} == {
            (pair.cell, pair.number, pair.base.loops)
        }
        assert not any(job.stamps or job.turns for _, job in runs)
    assert {pair.first for pair in stage.pairs} == set(ARMS)


def test_the_coin_is_fair_and_independent() -> None:
    tosses = [
        [first_arm(seed, f"cell {n}", number, 1) == BASE for n in range(20)]
        for seed in range(10)
        for number in range(50)
    ]
    flat = list(itertools.chain(*tosses))
    assert abs(sum(flat) / len(flat) - 0.5) < 0.02
    alike = [a == b for row in tosses for a, b in itertools.pairwise(row)]
    assert abs(sum(alike) / len(alike) - 0.5) < 0.02
    assert first_arm(1, "cell", 2, 1) == first_arm(1, "cell", 2, 1)


def test_each_round_has_two_new_fork_servers(stage: Stage) -> None:
    stage.play(a_plan(2))
    rounds = sum(isinstance(line, Round) for line in stage.lines)
    playing = [one for one in stage.servers if any(job.loops for job in one.jobs)]
    assert len(playing) == 2 * rounds
    for number, pair in enumerate(zip(playing[::2], playing[1::2], strict=True), 1):
        assert {one.arm for one in pair} == set(ARMS)
        assert {job.round for one in pair for job in one.jobs} == {number}


def test_a_coin_chooses_the_server_that_is_started_first(stage: Stage) -> None:
    stage.play(a_plan(2), pairs=40)
    playing = [one for one in stage.servers if any(job.loops for job in one.jobs)]
    order = [one.arm for one in playing[::2]]
    assert order == [first_started(SEED, number) for number in range(1, 41)]
    assert 10 < order.count(BASE) < 30


def test_servers_that_are_kept_are_started_in_an_order_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts = fork_parent._Starts()
    starts.in_pairs = starts.in_turn = True
    started: list[str] = []
    server = SimpleNamespace(poll=lambda: None)
    monkeypatch.setattr(fork_parent, "_start", lambda one: (started.append(one.name), server))
    base, head = (Program("python", name=arm) for arm in ARMS)
    starts.next(base)  # calibrates, and has none that is kept
    for order, ahead in (((base, head), (head, base)), ((head, base), (base, head))):
        for program in order:
            starts.next(program)
        for program in ahead:
            starts.ahead(program)
    assert started == [BASE, BASE, HEAD, HEAD, BASE]  # and the second round has both that are kept


def test_a_cell_that_is_always_void_ends_before_its_journal_cannot_be_read(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = a_plan(12)  # some are retaken
    for module in (schedule, comparison):
        monkeypatch.setattr(module, "MOST_PAIRS", 25)
    stage.answer = lambda arm, job: a_reply(job, foreign=0.5 * bool(job.loops))
    assert stage.play(cells, budget=3600.0).reason == "full"
    progress = stage.read(cells, tmp_path)  # it can be
    jobs = len(stage.jobs)
    assert stage.play(cells, budget=3600.0, progress=progress).reason == "full"
    assert len(stage.jobs) == jobs


def test_the_other_server_rests_while_one_runs(stage: Stage) -> None:
    stage.play(a_plan(5), pairs=3)
    assert len(stage.events) > 3 * 10
    for (before, first), (what, second) in itertools.pairwise(stage.events):
        same = stage.servers[first - 1].arm == stage.servers[second - 1].arm
        assert (before, what) != ("run", "run") or same


def test_both_new_servers_rest_before_the_first_run_of_a_round(stage: Stage) -> None:
    stage.play(a_plan(1), pairs=20)
    runs = [at for at, (what, _) in enumerate(stage.events) if what == "run"][1:]
    for first, second in zip(runs[::2], runs[1::2], strict=True):
        before = stage.events[first - 2 : first]
        assert before == [("rest", pid) for pid in sorted(pid for _, pid in before)]
        assert {pid for _, pid in before} == {stage.events[at][1] for at in (first, second)}
        assert stage.events[first - 3][0] == "run" or first < 4


def test_the_base_arm_alone_calibrates(stage: Stage) -> None:
    cells = a_plan(3)
    stage.play(cells)
    assert {arm for arm, job in stage.jobs if not job.loops} == {BASE}
    assert sum(not job.loops for _, job in stage.jobs) == len(cells)


def test_a_number_of_pairs_is_played_whatever_the_verdicts(stage: Stage) -> None:
    cells = a_plan(2)
    assert stage.play(cells, pairs=40).reason == "complete"
    assert [len(stage.of_cell(one.cell.id)) for one in cells] == [40, 40]


def test_a_delay_is_that_of_the_head_arm_alone(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(2)
    asked = []

    def delay(planned: PlannedCell, unit: float) -> tuple[int, float]:
        asked.append((planned.cell.id, unit))
        return (7, 0.05) if planned is cells[0] else (0, 0.0)

    stage.play(cells, pairs=3, delay=delay)
    assert sorted(cell for cell, _ in asked) == sorted(one.cell.id for one in cells)
    found = {(arm, job.cell.id, job.turns) for arm, job in stage.jobs if job.loops}
    first, second = (one.cell.id for one in cells)
    assert found == {(BASE, first, 0), (HEAD, first, 7), (BASE, second, 0), (HEAD, second, 0)}
    assert stage.read(cells, tmp_path).delays[first] == (7, 0.05)


# Disturbances


def test_a_void_pair_is_retaken_whole_behind_the_others(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(30)
    target = ""

    def answer(arm: ArmName, job: Job) -> Reply:
        nonlocal target
        if job.loops and not target:
            target = job.cell.id
        void = job.round == 1 and job.attempt == 1 and job.cell.id == target and arm == HEAD
        return a_reply(job, foreign=3 * LIMIT) if void and job.loops else noisy(arm, job)

    stage.answer = answer
    stage.play(cells, pairs=2)
    first, second, *_ = stage.of_cell(target)
    assert first.void
    assert first.head.void
    assert not first.base.void
    assert (second.number, second.attempt, second.void) == (1, 2, "")
    between = stage.pairs.index(second) - stage.pairs.index(first) - 1
    assert 2 * between >= APART
    assert stage.read(cells, tmp_path).tests[target].pairs == 2


@pytest.mark.parametrize("arm", ARMS)
def test_under_load_nothing_is_decided(stage: Stage, arm: ArmName, tmp_path: Path) -> None:
    """One rule for both arms; the comparison ends with its budget."""
    cells = a_plan(3)
    stage.answer = lambda which, job: a_reply(
        job, foreign=2 * LIMIT if which == arm else 0.0, seconds=VALUE * (1 + (which == HEAD))
    )
    assert stage.play(cells, budget=30.0).reason == "budget"
    assert all(pair.void for pair in stage.pairs)
    assert verdicts(stage, cells, tmp_path) == {None}


def test_disturbed_pairs_count_where_that_is_asked_for(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(1)
    stage.answer = lambda arm, job: a_reply(job, foreign=2 * LIMIT)
    assert stage.play(cells, keep_disturbed=True).reason == "decided"
    assert not any(pair.void for pair in stage.pairs)


def test_the_pairs_of_a_stolen_round_do_not_count(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(12)
    begun = stage.now
    stage.stolen = lambda: round(50 * max(0.0, min(stage.now - begun - 5, 1.0)))
    stage.play(cells, pairs=6)
    void = [line for line in stage.lines if isinstance(line, Round) and line.void]
    assert 0 < len(void) < 3
    progress = stage.read(cells, tmp_path)
    assert all(test.pairs == 6 for test in progress.tests.values())
    assert progress.finished == 6 + len(void)


# Failures


@pytest.mark.parametrize("arm", ARMS)
def test_a_cell_that_fails_in_one_arm_is_given_up(stage: Stage, arm: ArmName) -> None:
    cells = a_plan(3)
    broken = cells[1].cell.id
    stage.answer = lambda which, job: (
        a_failure() if job.loops and which == arm and job.cell.id == broken else noisy(which, job)
    )
    assert stage.play(cells).reason == "complete"
    failed = [line for line in stage.lines if isinstance(line, ArmFailed)]
    assert [(one.arm, one.cell) for one in failed] == [(arm, broken)] * (2 * GIVE_UP)
    assert not stage.of_cell(broken)
    assert any(f"failed: {broken} of {arm}" in note for note in stage.notes)


def test_a_pair_of_which_a_run_is_killed_is_repeated_whole(stage: Stage) -> None:
    cells = a_plan(2)
    killed = iter([True])
    stage.answer = lambda arm, job: (
        a_failure() if job.loops and arm == HEAD and next(killed, False) else noisy(arm, job)
    )
    stage.play(cells, pairs=3)
    assert sum(pair.attempt == 2 for pair in stage.pairs) == 1
    assert [len(stage.of_cell(one.cell.id)) for one in cells] == [3, 3]


def test_a_cell_whose_calibration_fails_is_not_played(stage: Stage) -> None:
    cells = a_plan(2)
    stage.answer = lambda arm, job: a_failure() if job.cell == cells[0].cell else noisy(arm, job)
    assert stage.play(cells).reason == "complete"
    assert {pair.cell for pair in stage.pairs} == {cells[1].cell.id}


# Ends


def test_a_budget_ends_it_and_one_round_is_played_all_the_same(stage: Stage) -> None:
    cells = a_plan(3)
    assert stage.play(cells, budget=0.5).reason == "budget"
    assert [line.round for line in stage.lines if isinstance(line, Round)] == [1]


def test_a_budget_is_kept(stage: Stage) -> None:
    stage.answer = slower(0.0, noise=0.3)
    ended = stage.play(a_plan(3), budget=20.0)
    assert ended.reason == "budget"
    assert 18 < ended.wall <= 20


def test_a_made_up_clock_is_never_disturbed(stage: Stage) -> None:
    stage.answer = lambda arm, job: a_reply(job, foreign=1.0)
    assert stage.play(a_plan(2), clock=FAKE).reason == "decided"


# Stops and resumptions


def values(pairs: list[Pair]) -> list[tuple[str, int, int, ArmName, list[float], list[float]]]:
    return [
        (one.cell, one.number, one.attempt, one.first, one.base.values, one.head.values)
        for one in pairs
    ]


@pytest.mark.parametrize("at", [1, 7, 25])
def test_a_stopped_comparison_goes_on_as_if_it_had_not_been(
    stage: Stage, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = a_plan(6)
    stage.play(cells)
    whole = values(stage.pairs)
    stage.lines.clear()
    stage.after = lambda playing, line: playing.stop() if len(stage.pairs) == at else None
    assert stage.play(cells).reason == "interrupted"
    assert len(stage.pairs) == at
    stage.after = lambda playing, line: None
    jobs = len(stage.jobs)
    ended = stage.play(cells, progress=stage.read(cells, tmp_path))
    assert ended.reason == "decided"
    assert values(stage.pairs) == whole
    assert all(job.loops for _, job in stage.jobs[jobs:])  # no calibration is repeated


def test_a_stop_during_calibration_leaves_the_rest_to_the_resumption(
    stage: Stage, tmp_path: Path
) -> None:
    cells = a_plan(4)
    stage.after = lambda playing, line: playing.stop()
    assert stage.play(cells).reason == "interrupted"
    assert [type(line) for line in stage.lines] == [Calibrated, Ended]
    stage.after = lambda playing, line: None
    stage.lines.pop()
    assert stage.play(cells, progress=stage.read(cells, tmp_path)).reason == "decided"
    assert sum(isinstance(line, Calibrated) for line in stage.lines) == len(cells)


def test_a_decided_comparison_has_nothing_left(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(2)
    stage.play(cells)
    jobs = len(stage.jobs)
    progress = stage.read(cells, tmp_path)
    stage.lines.clear()
    assert stage.play(cells, progress=progress).reason == "decided"
    assert len(stage.jobs) == jobs


def test_blocks_that_were_too_short_are_corrected_for_both_arms(stage: Stage) -> None:
    cells = a_plan(2)

    def answer(arm: ArmName, job: Job) -> Reply:
        return a_reply(job, seconds=VALUE if job.loops else 10 * VALUE)

    stage.answer = answer
    stage.play(cells, pairs=3)
    loops = {(job.round, job.loops) for _, job in stage.jobs if job.loops}
    assert loops == {(1, 1000), (2, 10_000), (3, 10_000)}


def test_entries_of_a_comparison_are_read_as_they_were_written(
    stage: Stage, tmp_path: Path
) -> None:
    cells = a_plan(2)
    stage.play(cells, pairs=2)
    stage.read(cells, tmp_path)
    comparison = load(tmp_path)
    found = [pair for cell in comparison.measured for pair in cell.pairs]
    assert sorted(map(repr, found)) == sorted(map(repr, stage.pairs))
