"""reports.gate: the looks by which promises are judged, and the remedies of inconclusive ones."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.decisions.contest import LEVEL, LOOKS
from ipcbench.bench.decisions.promises.looks import PromisedRatio, PromiseJudge
from ipcbench.bench.results.records import Ended, Looked, Promised, Round
from ipcbench.bench.results.results import Results
from ipcbench.reports.gate.judge import check_promises
from ipcbench.reports.gate.remedy import Again
from ipcbench.reports.gate.thresholds import Thresholds
from tests.unit.reports.test_gate import (
    BROKEN,
    HEADER,
    INCONCLUSIVE,
    KEPT,
    PIPE,
    PROMISE,
    SHM,
    given_file,
    measured,
    rounds,
    written,
)

__all__ = ["given_file"]  # the fixture

AGAIN = Again("ipcbench run --promised F --until-decided", "ipcbench run --resume D")
ADAPTIVE = msgspec.structs.replace(
    HEADER, settings=msgspec.structs.replace(HEADER.settings, rounds=LOOKS[0], adaptive=True)
)
OURS = PromisedRatio("shm beats a pipe", SHM.id, PIPE.id, 1.5)


def noisy(middle: float, count: int, width: float, seed: int) -> dict[int, float]:
    chance = random.Random(seed)
    return rounds(*(middle * (1 + chance.uniform(-width, width)) for _ in range(count)))


def a_sweep(
    ratio: float, count: int, width: float = 0.2, *, adaptive: bool = True, wall: float = 0.0
) -> Results:
    """Make a run of so many rounds; those after the base are mini-rounds if it adapts."""
    cells = {
        cell.id: measured(cell, noisy(middle, count, width, seed))
        for seed, (cell, middle) in enumerate(((SHM, 1e-5), (PIPE, ratio * 1e-5)))
    }
    for cell in cells.values():
        for run in cell.runs:
            run.wall = wall
    found = Results(ADAPTIVE if adaptive else HEADER, cells)
    found.rounds = [
        Round(round=n, wall=1, timed=1, steal=0, load=0, mini=adaptive and n > LOOKS[0])
        for n in range(1, count + 1)
    ]
    return found


def with_looks(results: Results, looks: Sequence[int] = LOOKS) -> Results:
    """Add the promise, and the looks that the sweep has reached."""
    results.promises[OURS.id] = Promised(
        id=OURS.id, faster=OURS.faster, than=OURS.than, at_least=OURS.at_least, level=LEVEL
    )
    judge = PromiseJudge([OURS], lambda cell: "same-core", looks=looks)
    times = {key: one.by_round() for key, one in results.cells.items()}
    results.looks += [judge.look(times, due) for due in judge.due(times)]
    return results


def reason(thresholds: Thresholds, results: Results) -> str:
    (one,) = check_promises(thresholds, results, AGAIN).promises
    assert one.verdict is INCONCLUSIVE
    return one.reason


def test_the_looks_of_the_sweep_count(given_file: Path) -> None:
    """The journal says what was decided, and nothing is judged anew."""
    results = with_looks(a_sweep(1.7, 12))
    assert [look.rounds for look in results.looks] == [8, 12]
    results.looks[-1].promises[0].verdict = "broken"
    found = check_promises(written(given_file, PROMISE), results, AGAIN)
    assert (found.promises[0].verdict, found.note) == (BROKEN, "")
    results.looks[-1].promises[0].verdict = "kept"
    found = check_promises(written(given_file, PROMISE), results, AGAIN)
    assert (found.promises[0].verdict, found.promises[0].rounds, found.note) == (KEPT, 12, "")
    assert [one.verdict for one in found.promises] == [KEPT] * len(found.promises)


def test_an_interval_has_the_corrections_of_all_looks(given_file: Path) -> None:
    thresholds = written(given_file, PROMISE)
    (one,) = check_promises(thresholds, with_looks(a_sweep(1.9, 8), (8,)), AGAIN).promises
    (fixed,) = check_promises(thresholds, a_sweep(1.9, 8, adaptive=False), AGAIN).promises
    assert None not in (one.low, one.high, fixed.low, fixed.high)
    assert one.low < fixed.low < fixed.high < one.high  # type: ignore[operator]


@pytest.mark.parametrize("change", ["bound", "name", "another one"])
def test_with_other_promises_a_run_is_judged_once(given_file: Path, change: str) -> None:
    """By the base alone: the later rounds depend on what it found."""
    text = {
        "bound": PROMISE.replace("1.5x", "1.4x"),
        "name": PROMISE.replace("shm beats", "shm does beat"),
        "another one": PROMISE + PROMISE.replace("shm beats", "shm does beat"),
    }[change]
    found = check_promises(written(given_file, text), with_looks(a_sweep(1.9, 48, 0.1)), AGAIN)
    assert {(one.verdict, one.rounds) for one in found.promises} == {(KEPT, LOOKS[0])}
    once = (
        "The journal has no looks at these promises: they are judged once, by the 8 rounds of its "
        "base."
    )
    assert found.note == once


def test_a_fixed_run_has_one_look_which_its_journal_may_have(given_file: Path) -> None:
    thresholds = written(given_file, PROMISE)
    without = check_promises(thresholds, a_sweep(1.9, 12, adaptive=False), AGAIN)
    assert without.note.endswith("judged once, by the 12 rounds of the run.")
    looked = check_promises(thresholds, with_looks(a_sweep(1.9, 12, adaptive=False), (12,)), AGAIN)
    assert looked.note == ""
    assert looked.promises == without.promises


def test_a_reason_has_the_rounds_and_the_command(given_file: Path) -> None:
    thresholds = written(given_file, PROMISE)
    results = with_looks(a_sweep(1.6, 8))
    results.ended = Ended(reason="budget", wall=60.0)
    text = reason(thresholds, results)
    found = re.fullmatch(
        r"the interval reaches over 1.5x; about (\d+) rounds decide it: "
        r"ipcbench run --resume D --budget 3m",
        text,
    )
    assert found is not None, text
    assert LOOKS[0] < int(found[1]) <= LOOKS[-1]


def test_a_bound_that_is_too_close_has_another_remedy(given_file: Path) -> None:
    """A bound outside of the interval that is named is decided by the same data."""
    results = a_sweep(1.5, 48, adaptive=False)
    text = reason(written(given_file, PROMISE), results)
    found = re.search(r"choose bounds outside of ([\d.]+)x to ([\d.]+)x, and measure again", text)
    assert found is not None, text
    low, high = float(found[1]), float(found[2])
    for bound, verdict in ((low * 0.99, KEPT), (high * 1.01, BROKEN)):
        moved = written(given_file, PROMISE.replace("1.5x", f"{bound:.4f}x"))
        assert check_promises(moved, results, AGAIN).promises[0].verdict is verdict


def test_a_stopped_sweep_is_resumed(given_file: Path) -> None:
    results = with_looks(a_sweep(1.6, 5))
    assert reason(written(given_file, PROMISE), results) == (
        "5 rounds in common, a verdict takes 8: ipcbench run --resume D"
    )
    results.ended = Ended(reason="interrupted", wall=9.0)
    assert reason(written(given_file, PROMISE), results).endswith("--resume D")
    results.ended = Ended(reason="budget", wall=9.0)
    assert reason(written(given_file, PROMISE), results).endswith("--resume D --budget 3m")
    results.ended = Ended(reason="complete", wall=9.0)
    assert reason(written(given_file, PROMISE), results).endswith("--until-decided")


@pytest.mark.parametrize(("wall", "budget"), [(0.04, ""), (5.0, " --budget 15m")])
def test_the_command_has_the_budget_that_it_takes(
    given_file: Path, wall: float, budget: str
) -> None:
    results = a_sweep(1.6, 8, adaptive=False, wall=wall)
    assert reason(written(given_file, PROMISE), results).endswith(f"--until-decided{budget}")


def test_a_spent_budget_is_doubled(given_file: Path) -> None:
    results = with_looks(a_sweep(1.6, 8))
    results.spent = 290.0
    results.ended = Ended(reason="budget", wall=290.0)
    assert reason(written(given_file, PROMISE), results).endswith(" --budget 10m")


def test_the_looks_of_contests_alone_are_not_those_of_promises(given_file: Path) -> None:
    results = a_sweep(1.9, 8, 0.1)
    results.looks = [Looked(rounds=8, stands=[])]
    found = check_promises(written(given_file, PROMISE), results, AGAIN)
    assert found.promises[0].verdict is KEPT
    assert "judged once" in found.note
