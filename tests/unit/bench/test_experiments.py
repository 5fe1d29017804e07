"""bench.experiments.frame.schedule: chosen by name, played in turn, within the budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ipcbench.bench.commands import list as list_command
from ipcbench.bench.errors import SweepError
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.frame import schedule
from ipcbench.bench.experiments.frame.schedule import SHARE, Experiments, chosen
from ipcbench.bench.experiments.table import ALL, EXPERIMENTS
from ipcbench.bench.loops.clock import FAKE, REAL
from ipcbench.bench.plan.profile import BadConfig, load_profile
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import AnyEntry, Calibrated, Observation, Run
from ipcbench.bench.results.results import Results, load
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep.plans import unchanged
from tests import synthetic
from tests.unit.bench import test_schedule
from tests.unit.bench.test_schedule import Stage, a_plan, stop_after

stage = test_schedule.stage

TWO = tuple(EXPERIMENTS)[:2]
FIRST, SECOND = TWO


@dataclass
class Sweep:
    """A sweep whose experiments take a second each."""

    stopping: bool = False
    now: float = 5.0
    lines: list[AnyEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    answer: Callable[[str], Observation] = lambda name: Observation(experiment=name)

    def show_experiment(self, left: float, name: str) -> None:
        assert left > 0
        self.shown.append(name)

    def player(self, experiment: Experiment, watch: Callable[[int], None]) -> Observation:
        self.now += 1.0
        self.limits.append(experiment.limit)
        return self.answer(experiment.name)

    def play(self, names: tuple[str, ...] = TWO, budget: float | None = None) -> float:
        experiments = Experiments(
            names, self.lines.append, self.notes.append, clock=REAL, player=self.player
        )
        return experiments.play(self, lambda: self.now, budget)

    @property
    def seen(self) -> list[Observation]:
        return [line for line in self.lines if isinstance(line, Observation)]


def test_they_are_played_in_turn() -> None:
    sweep = Sweep()
    assert sweep.play() == 2.0
    assert [(one.experiment, one.at) for one in sweep.seen] == [(FIRST, 6.0), (SECOND, 7.0)]
    assert sweep.shown == list(TWO)
    assert sweep.notes == []


def test_a_failure_is_told_and_the_next_one_is_played() -> None:
    sweep = Sweep(
        answer=lambda name: Observation(experiment=name, failed="it broke", remedy="mend it")
    )
    sweep.play()
    assert sweep.notes == [f"failed: experiment {name}: it broke: mend it" for name in TWO]


def test_a_name_that_stands_twice_is_played_once() -> None:
    """A journal is untrusted, and its reader refuses a second observation."""
    sweep = Sweep()
    sweep.play((FIRST, FIRST))
    assert [one.experiment for one in sweep.seen] == [FIRST]


def test_a_sweep_with_experiments_of_another_version_is_not_resumed() -> None:
    header = msgspec.structs.replace(synthetic.header(), clock=FAKE, experiments=["no-such"])
    with pytest.raises(SweepError, match="unknown experiment 'no-such'"):
        unchanged.same_plan(Results(header))


def test_a_stop_leaves_the_others_for_the_next_time() -> None:
    sweep = Sweep()

    def stop(name: str) -> Observation:
        sweep.stopping = True
        return Observation(experiment=name)

    sweep.answer = stop
    sweep.play()
    assert [one.experiment for one in sweep.seen] == [FIRST]


def test_a_budget_gives_them_a_share() -> None:
    usual = EXPERIMENTS[FIRST].usual
    sweep = Sweep()
    sweep.play((FIRST,), budget=usual / SHARE)
    assert not sweep.seen[0].skipped
    sweep = Sweep()
    sweep.play((FIRST,), budget=usual / SHARE - 0.5)
    (seen,) = sweep.seen
    assert "budget" in seen.skipped
    assert sweep.now == 5.0
    # The remedy suffices.
    budget = float(seen.remedy.split()[3].removesuffix("s"))
    sweep = Sweep()
    sweep.play((FIRST,), budget=budget)
    assert not sweep.seen[0].skipped
    # It names one for all that are left.
    sweep = Sweep()
    sweep.play(("lost-updates", "semaphore-misuse"), budget=1.0)
    together = sum(EXPERIMENTS[one.experiment].usual for one in sweep.seen)
    assert float(sweep.seen[0].remedy.split()[3].removesuffix("s")) >= together / SHARE


def test_one_that_does_not_end_takes_no_more_than_the_budget() -> None:
    sweep = Sweep()
    sweep.play((FIRST,))
    assert sweep.limits == [EXPERIMENTS[FIRST].limit]
    budget = EXPERIMENTS[FIRST].usual / SHARE
    sweep = Sweep()
    sweep.play((FIRST,), budget=budget)
    usual = EXPERIMENTS[FIRST].usual
    assert sweep.limits == [pytest.approx(min(EXPERIMENTS[FIRST].limit, max(usual, budget - 5.0)))]
    assert sweep.limits[0] < EXPERIMENTS[FIRST].limit


def test_they_have_their_share_where_the_calibration_has_spent_the_budget() -> None:
    sweep = Sweep(now=200.0)
    sweep.play(budget=100.0)
    assert sweep.limits == [pytest.approx(10.0), pytest.approx(9.0)]


def test_a_made_up_clock_has_a_made_up_player() -> None:
    lines: list[AnyEntry] = []
    Experiments(TWO, lines.append, print, clock=FAKE).play(Sweep(), lambda: 0.0)
    assert lines == [
        Observation(experiment=name, skipped="the clock of this sweep is made up") for name in TWO
    ]


# Choice.


def test_names_and_patterns_choose() -> None:
    assert chosen(("*",)) == list(EXPERIMENTS)
    assert chosen((SECOND, FIRST, "*")) == list(EXPERIMENTS)
    assert chosen((SECOND, FIRST)) == list(TWO)
    assert chosen(("pipe-*",)) == [name for name in EXPERIMENTS if name.startswith("pipe-")]
    assert chosen(()) == []


@pytest.mark.parametrize("wanted", ["lost-update", "x*", ""])
def test_a_name_that_no_experiment_has_is_refused(wanted: str) -> None:
    with pytest.raises(BadConfig, match="unknown experiment") as caught:
        chosen((FIRST, wanted))
    assert "ipcbench list experiments" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_profiles_play_all_but_smoke_none() -> None:
    wanted = {name: load_profile(name).experiments for name in ("smoke", "quick", "standard")}
    assert wanted == {"smoke": (), "quick": ("*",), "standard": ("*",)}
    assert load_profile("rigorous").experiments == ("*",)


def test_they_are_within_their_share_of_quick() -> None:
    budget = load_profile("quick").budget
    assert budget is not None
    assert sum(one.usual for one in ALL) <= min(15, SHARE * budget)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_each_is_complete(one: Experiment) -> None:
    assert EXPERIMENTS[one.name] is one
    assert one.question.endswith("?")
    assert one.statements
    assert one.limit >= 4 * one.usual > 0
    assert one.source.endswith(":play")


def test_they_are_listed() -> None:
    result = CliRunner().invoke(list_command.command, ["experiments", "--json"])
    entries = {entry["name"]: entry for entry in json.loads(result.output)}
    assert entries.keys() == EXPERIMENTS.keys()
    assert entries[FIRST]["question"] == EXPERIMENTS[FIRST].question
    shown = CliRunner().invoke(list_command.command, ["experiments"]).output
    assert all(name in shown for name in EXPERIMENTS)


# In a sweep.


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the names of experiments instead of playing them."""
    found: list[str] = []

    def play(experiment: Experiment, watch: Callable[[int], None]) -> Observation:
        found.append(experiment.name)
        return Observation(experiment=experiment.name, figures={"answer": 42.0})

    monkeypatch.setattr(schedule.runner, "play", play)
    return found


CELLS = a_plan(2)


def test_they_are_played_between_calibration_and_rounds(stage: Stage, played: list[str]) -> None:
    stage.play(CELLS, rounds=2, experiments=TWO)
    assert played == list(TWO)
    kinds = [type(line) for line in stage.lines]
    first = kinds.index(Observation)
    assert kinds[first : first + 2] == [Observation] * 2
    assert kinds.index(Run) > first + 1
    assert max(place for place, kind in enumerate(kinds) if kind is Calibrated) < first


def test_a_sweep_stopped_at_one_resumes_with_the_others(stage: Stage, played: list[str]) -> None:
    stage.after = stop_after(Observation, 1)
    stage.play(CELLS, rounds=2, experiments=TWO)
    assert played == [FIRST]
    assert not stage.runs
    done = {line.experiment for line in stage.lines if isinstance(line, Observation)}
    loops = {line.cell: line.loops for line in stage.lines if isinstance(line, Calibrated)}
    stage.after = lambda sweep, line: None
    progress = Progress(loops=loops, observed=done)
    progress.stamps = dict.fromkeys(loops, 0)
    stage.play(CELLS, rounds=2, experiments=TWO, progress=progress)
    assert played == list(TWO)
    assert len(stage.rounds) == 2


# In the journal.


def read(folder: Path, *observations: Observation, planned: tuple[str, ...] = TWO) -> Results:
    header = msgspec.structs.replace(synthetic.header(), experiments=list(planned))
    synthetic.write_journal([header, *observations], folder)
    return load(folder)


def test_observations_are_read_by_experiment(tmp_path: Path) -> None:
    first = Observation(
        experiment=FIRST,
        figures={"lost": 3.0},
        texts={"bound": "memory"},
        rows=[{"size": 4096.0, "outcome": "passes"}],
        seconds=0.5,
        at=7.5,
    )
    results = read(tmp_path, first, Observation(experiment=SECOND, skipped="no"))
    assert results.observations[FIRST] == first
    assert list(results.observations) == list(TWO)
    assert results.spent == 7.5
    assert Progress.of(results).observed == {*TWO}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Observation(experiment="another"), "was not planned"),
        (Observation(experiment=FIRST, skipped="a", failed="b"), "skipped, and failed"),
        (Observation(experiment=FIRST, figures={"a\nb": 1.0}), "without a printable name"),
        (Observation(experiment=FIRST, texts={"": "b"}), "without a printable name"),
        (Observation(experiment=FIRST, rows=[{"\x1b": 1.0}]), "without a printable name"),
        (Observation(experiment=FIRST, figures={"a": 1e19}), "Expected `float` <= 1e"),
        (Observation(experiment=FIRST, seconds=-1.0), "Expected `float` >= 0"),
        (Observation(experiment=FIRST, failed="x" * 2001), "length <= 2000"),
        (Observation(experiment=FIRST, rows=[{"a": "x" * 2001}]), "length <= 2000"),
        (Observation(experiment=FIRST, rows=[{}] * 1001), "length <= 1000"),
        (
            Observation(experiment=FIRST, rows=[{str(n): 1.0 for n in range(101)}]),
            "length <= 100",
        ),
    ],
)
def test_an_impossible_observation_is_refused(tmp_path: Path, wrong: Observation, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(tmp_path, wrong)


def test_a_second_observation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="stands twice"):
        read(tmp_path, Observation(experiment=FIRST), Observation(experiment=FIRST))


def test_a_journal_of_before_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, planned=()).observations == {}
