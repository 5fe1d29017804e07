"""The simulation of `make bench-self ARGS=decide` takes the decisions of a sweep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipcbench.bench.decisions.contest import LOOKS, Asks, Contest
from ipcbench.bench.decisions.looks import Judge
from tests.bench_self import decide
from tests.bench_self.suites import ROUNDS, Draw, Recorded, SuiteJudge, p_values_of

PLACEMENT = "same-core"
LOCATIONS = {"a": 0.0, "b": 0.004, "c": 0.03, "d": 0.2, "e": 0.201}


def contest(first: str, second: str, asks: Asks = Asks.DIRECTION) -> Contest:
    name = f"{first} or {second}"
    return Contest(name, "task", "family", "", tuple(first), tuple(second), 0.05, asks)


@pytest.fixture
def recorded() -> Recorded:
    rng = np.random.default_rng(7)
    cells = list(LOCATIONS)
    return Recorded(
        [
            contest("a", "b"),
            contest("ac", "d"),
            contest("ab", "cde"),
            contest("de", "a", Asks.BAND),
            contest("b", "c", Asks.BAND),
        ],
        dict.fromkeys(cells, PLACEMENT),
        dict.fromkeys(cells, "python"),
        LOCATIONS,
        {cell: 0.02 * rng.standard_normal(12) for cell in cells},
        dict.fromkeys(cells, 0.05),
    )


def test_computed_beforehand_the_tests_decide_as_in_a_sweep(recorded: Recorded) -> None:
    draw = Draw(recorded, 12, np.random.default_rng(1))
    tests = {one.id: p_values_of(one, draw, LOCATIONS) for one in recorded.contests}
    for suite in range(12):
        times = {
            cell: dict(enumerate(np.exp(LOCATIONS[cell] + logs[suite]).tolist(), 1))
            for cell, logs in draw.samples.items()
        }
        real = Judge(recorded.contests, recorded.placements.__getitem__)
        quick = SuiteJudge(recorded, tests, suite)
        for look in LOOKS:
            rounds = {cell: {n: own[n] for n in ROUNDS[look]} for cell, own in times.items()}
            found = quick.look(dict.fromkeys(LOCATIONS, ROUNDS[look]), look)
            assert found == real.look(rounds, look)


def test_a_large_difference_is_decided_and_no_verdict_contradicts_it(recorded: Recorded) -> None:
    tally = decide.replay(recorded, "recorded", 20, 1)
    assert tally.suites == 20
    assert not tally.wrong
    assert tally.verdicts[PLACEMENT, "faster"] >= 20  # a and c are faster than d


@pytest.mark.parametrize("mode", ["even", "band"])
def test_few_verdicts_are_wrong_where_the_truth_is_known(recorded: Recorded, mode: str) -> None:
    tally = decide.replay(recorded, mode, 40, 1)
    assert tally.families["family"] <= 6  # of 40; 5 % are 2, and more than 6 come up in 0.3 %


def test_a_verdict_contradicts_only_another_truth() -> None:
    lead = math.log(1.04)
    untold, undecided = decide.Extent.UNTOLD, decide.Verdict.UNDECIDED
    wrong = {one.value for one in decide.Verdict if decide.contradicts(one, untold, lead, 0.05)}
    wrong |= {one.value for one in decide.Extent if decide.contradicts(undecided, one, lead, 0.05)}
    assert wrong == {"slower", "outside"}
    assert decide.contradicts(decide.Verdict.TIE, untold, math.log(1.2), 0.05)
    assert decide.contradicts(decide.Verdict.FASTER, decide.Extent.INSIDE, math.log(1.2), 0.05)
