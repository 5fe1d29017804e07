"""A seeded sample of `make soak`: kills and starts, and its record of trials."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from ipcbench.transports.registry import names
from tests.sampling import SEED, some
from tests.soak import kills, latest, looks, starts
from tests.soak.trials import Record, Trial, run_trials

SOME = sorted(some(names(), 5))


def drawn(what: str, below: int) -> int:
    return random.Random(f"{SEED}/{what}").randrange(below)


SWEEP = drawn(
    "the sweep", 2**32
)  # one seed for all, so that one uninterrupted sweep serves for comparison


@pytest.mark.parametrize("victim", some(kills.VICTIMS, 1))
def test_a_kill_at_any_moment(victim: str) -> None:
    """No line is lost, nothing is left behind, and the result is that of an uninterrupted sweep."""
    kills.kill(victim, drawn(victim, kills.TIMES), SWEEP)


@pytest.mark.parametrize("number", some(range(looks.TIMES), 1))
def test_a_killed_sweep_looks_again_as_an_unbroken_one(number: int) -> None:
    """It has the same looks and comes to the same verdicts."""
    looks.kill(number, SWEEP)


def test_a_kill_of_everything() -> None:
    kills.kill_everything(drawn("everything", kills.AT_ONCE), SWEEP)


@pytest.mark.parametrize("name", SOME)
def test_starts(name: str) -> None:
    for processes in starts.TIMES:
        starts.start(name, processes, 8)


SMALL = [shape for shape in latest.shapes() if shape.size < 1 << 20]


@pytest.mark.parametrize("shape", some(SMALL, 3), ids=lambda shape: shape.name)
def test_newest_values(shape: latest.Shape) -> None:
    latest.play(shape, 0.5)


def test_a_stopped_soak_can_be_resumed(tmp_path: Path) -> None:
    """Passed trials are kept, failed ones repeated; a torn line does no harm to the others."""
    path, calls = tmp_path / "soak.jsonl", []

    def attempt(name: str) -> str:
        calls.append(name)
        if name == "bad" and calls.count("bad") == 1:
            raise AssertionError("no such luck")
        return "fine"

    trials = [Trial(name, lambda name=name: attempt(name)) for name in ("good", "bad")]
    first = run_trials(trials, Record(path, 7), lambda outcome: None)
    assert [outcome.ok for outcome in first] == [True, False]
    assert "no such luck" in first[1].text
    with path.open("ab") as file:
        file.write(b'{"trial":"torn')
    assert all(outcome.ok for outcome in run_trials(trials, Record(path, 7), lambda outcome: None))
    assert all(outcome.ok for outcome in run_trials(trials, Record(path, 7), lambda outcome: None))
    assert calls == ["good", "bad", "bad"]
    run_trials(trials, Record(path, 8), lambda outcome: None)  # another seed: all run again
    assert calls == ["good", "bad", "bad", "good", "bad"]


def test_trials_beside_others_run_at_once(tmp_path: Path) -> None:
    """Two that wait for each other pass together; one that is alone comes after them."""
    barrier, ends = threading.Barrier(2), []

    def meet() -> str:
        barrier.wait(timeout=30)
        ends.append("met")
        return "met"

    trials = [
        Trial("alone", lambda: ",".join(ends)),
        *(Trial(name, meet, beside=True) for name in ("one", "other")),
    ]
    record = Record(tmp_path / "soak.jsonl", 1)
    outcomes = run_trials(trials, record, lambda outcome: None, at_once=2)
    assert [outcome.text for outcome in outcomes] == ["met,met", "met", "met"]
    assert {outcome.trial for outcome in record.kept()} == {"alone", "one", "other"}
