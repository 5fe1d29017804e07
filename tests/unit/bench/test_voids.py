"""Void runs while a sweep runs, and at its end: how many, by what, and why there are few rounds."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ipcbench.bench.machine.others import Look
from ipcbench.bench.results.records import Disturbance, Ended, Round
from ipcbench.bench.results.results import Results
from ipcbench.bench.sweep import voids
from ipcbench.bench.sweep.ending import why_few
from ipcbench.bench.sweep.voids import RECENT, Voids
from ipcbench.bench.workers.job import Reply
from tests import synthetic
from tests.unit.bench.test_others import a_look, stat
from tests.unit.bench.watching import Keeping


class Outcome:
    """A run with a share of foreign time."""

    def __init__(self, foreign: float) -> None:
        self.foreign = foreign
        self.disturbance = Disturbance()
        self.cpus: list[list[int]] = []
        self.distance: float | None = None


def reply(foreign: float) -> Reply:
    found = Reply()
    found.outcome = Outcome(foreign)  # type: ignore[assignment]
    return found


@pytest.fixture
def shown() -> Keeping:
    return Keeping()


def watching(shown: Keeping, look: Callable[[], Look] = lambda: a_look(0.0, 0)) -> Voids:
    return Voids(
        shown,
        lambda run, usual: "time went to others" if (run.foreign or 0) - usual > 0.05 else "",
        {"noisy": 0.5},
        look,
    )


def test_void_runs_are_counted_with_their_reason(shown: Keeping) -> None:
    found = watching(shown)
    for foreign in (0.0, 0.0, 0.4, 0.0):
        answer = reply(foreign)
        assert found.seen("cell", answer) is answer
    assert shown.troubles == ["1 of 3 runs are void, and retaken: time went to others"]


def test_a_share_that_is_usual_is_no_trouble(shown: Keeping) -> None:
    watching(shown).seen("noisy", reply(0.5))
    watching(shown).seen("cell", Reply())  # a failure
    assert shown.troubles == []


def test_the_trouble_is_over_after_quiet_runs(shown: Keeping) -> None:
    found = watching(shown)
    found.seen("cell", reply(0.4))
    for _ in range(RECENT):
        found.seen("cell", reply(0.0))
    assert shown.troubles[-1] == ""
    assert len(shown.troubles) == 2


def test_the_busiest_processes_are_named(shown: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(
        [a_look(0.0, 0, p9=stat("python3", 1, 0)), a_look(3.0, 300, p9=stat("python3", 1, 294))]
    )
    times = iter([0.0, 1.0, 3.0])
    monkeypatch.setattr(voids.time, "monotonic", lambda: next(times))
    found = watching(shown, lambda: next(looks))
    for _ in range(3):  # a look, none so soon after it, and another one
        found.seen("cell", reply(0.4))
    assert shown.troubles[1] == "2 of 2 runs are void, and retaken: time went to others"
    assert shown.troubles[2] == (
        "3 of 3 runs are void, and retaken: time went to others: python3 (process 9, 98 % of a CPU)"
    )


# At the end.


def ended(reason: str, rounds: int, *, budget: float | None, adaptive: bool = True) -> Results:
    """Make a run with so many rounds of the 12 that are wanted."""
    results = synthetic.sweep(synthetic.reference, synthetic.cells(("pipe", "unix-stream")))
    settings = msgspec.structs.replace(results.header.settings, rounds=12, adaptive=adaptive)
    results.header = msgspec.structs.replace(results.header, settings=settings, budget=budget)
    results.rounds = [
        Round(round=number, wall=1.0, timed=0.5, steal=0.0, load=0.0)
        for number in range(1, rounds + 1)
    ]
    results.ended = Ended(reason=reason, wall=1.0)  # type: ignore[arg-type]
    return results


def test_few_rounds_have_their_reason() -> None:
    results = ended("budget", 5, budget=180.0)
    for result in results.cells.values():
        for run in result.runs:
            run.at = 150.0 + run.round
    assert why_few(results) == (
        "only 5 rounds of all cells count, of 12: the budget of 3 min 00 s is spent, "
        "and the first began after 2 min 31 s"
    )


def test_enough_rounds_need_no_reason() -> None:
    assert why_few(ended("decided", 12, budget=180.0)) == ""
    assert why_few(ended("complete", 12, budget=None)) == ""
    assert why_few(ended("interrupted", 2, budget=None)) == ""
    assert why_few(ended("budget", 7, budget=60.0, adaptive=False)) == ""  # a verdict takes 6
    assert why_few(ended("budget", 1, budget=60.0, adaptive=False)).startswith(
        "only 1 round of all cells counts, of 6: the budget of 1 min 00 s is spent"
    )


def test_many_void_runs_are_told_with_the_usual_reason() -> None:
    results = ended("decided", 12, budget=180.0)
    runs = [run for result in results.cells.values() for run in result.runs]
    for number, run in enumerate(runs):
        if number % 3 == 0:
            run.void = f"{number % 9 + 10} % of the core's time went to other processes"
        elif number % 30 == 1:
            run.void = "the CPU quota stopped the processes for 9 ms"
    void = sum(bool(run.void) for run in runs)
    assert why_few(results) == (
        f"{void} of {len(runs)} runs are void, which is no failure, most like this: "
        "10 % of the core's time went to other processes: `ipcbench doctor` says what to change"
    )
