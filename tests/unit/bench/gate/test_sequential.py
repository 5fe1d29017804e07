"""bench.decisions.gate.sequential: fair bets, verdicts that stay, values at the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.gate.sequential import (
    LEARNED,
    ChangeVerdict,
    Rule,
    SequentialTest,
    log_gain,
    scale_of,
)

RULE = Rule(cells=30)
BAND = RULE.band
FINITE = st.floats(-3, 3)


def after(differences: Sequence[float], rule: Rule = RULE) -> SequentialTest:
    test = SequentialTest(rule)
    for each in differences:
        test.add(each)
    return test


@given(FINITE, st.floats(1e-3, 10), st.floats(1e-4, 10))
def test_a_bet_wins_from_one_side_what_it_loses_from_the_other(
    over: float, distance: float, scale: float
) -> None:
    gains = [math.exp(log_gain(each, distance, scale)) for each in (over, -over)]
    assert sum(gains) == pytest.approx(2, rel=1e-12)


SIZES = st.lists(st.floats(0, 1), min_size=9, max_size=9)


@given(SIZES, st.sampled_from([2.0, 10.0, 1e9]))
@settings(max_examples=10, deadline=None)
def test_with_a_coin_for_the_order_the_capital_is_1_on_average(
    sizes: list[float], stop: float
) -> None:
    """Over all tosses of the coin, for any sizes, and stopped at any bound: E[E] = 1."""
    broken, passed = [], []
    for signs in product((-1, 1), repeat=len(sizes)):
        noise = [sign * size for sign, size in zip(signs, sizes, strict=True)]
        equal, slower = SequentialTest(RULE), SequentialTest(RULE)
        for each in noise:
            if equal.e_broken < stop:
                equal.add(each)
            if slower.e_passed < stop:
                slower.add(BAND + each)
        broken.append(equal.e_broken)
        passed.append(slower.e_passed)
    assert sum(broken) / len(broken) == pytest.approx(1, rel=1e-9)
    assert sum(passed) / len(passed) == pytest.approx(1, rel=1e-9)


@given(st.lists(FINITE, min_size=1, max_size=30))
def test_the_scale_is_the_median_absolute_deviation(values: list[float]) -> None:
    centre = median(values)
    expected = 1.4826 * median(abs(each - centre) for each in values)
    assert scale_of(sorted(values), BAND) == pytest.approx(max(expected, 0.1 * BAND))


@given(st.lists(FINITE, max_size=LEARNED))
def test_the_first_pairs_only_teach_the_scale(differences: list[float]) -> None:
    test = after(differences)
    assert test.e_broken == test.e_passed == 1
    assert test.verdict is None


@given(st.lists(FINITE, min_size=LEARNED, max_size=12), FINITE)
def test_a_bet_does_not_see_its_own_pair(earlier: list[float], last: float) -> None:
    """The gains of a difference and of its mirror image add up to 2, whatever came before."""
    before = after(earlier)
    gains = [
        math.exp(after([*earlier, each])._broken.logs[0] - before._broken.logs[0])
        for each in (last, -last)
    ]
    assert sum(gains) == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        (0.0, ChangeVerdict.PASSED),
        (-1.0, ChangeVerdict.PASSED),
        (math.log(1.05), ChangeVerdict.BROKEN),
        (math.log(1.1), ChangeVerdict.BROKEN),
        (math.log(10), ChangeVerdict.BROKEN),
        (math.inf, ChangeVerdict.BROKEN),
        (-math.inf, ChangeVerdict.PASSED),
        (1e300, ChangeVerdict.BROKEN),
    ],
)
def test_values_without_noise_are_decided_at_once(
    difference: float, verdict: ChangeVerdict
) -> None:
    """The capital doubles at most with a pair: 2^6 is above 50, 2^13 above 6,000.

    Two pairs more where the bet that learns, with its quarter, is the only one that wins.
    """
    test = SequentialTest(RULE)
    while test.verdict is None:
        test.add(difference)
    assert test.verdict is verdict
    fewest = LEARNED + (13 if verdict is ChangeVerdict.BROKEN else 6)
    assert fewest <= test.pairs <= fewest + 2


def test_half_the_band_is_no_alarm() -> None:
    """Both bounds may be reached: then the median tells the side."""
    assert after([BAND / 2] * 40).verdict is ChangeVerdict.PASSED
    assert after([BAND * 0.51] * 40).verdict is ChangeVerdict.BROKEN


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=60))
@settings(deadline=None)
def test_a_verdict_stays(differences: list[float]) -> None:
    test = SequentialTest(Rule(cells=1, alarm=0.3, passes=3, most_pairs=50))
    found = []
    for each in differences:
        test.add(each)
        found.append(test.verdict)
    decided = [each for each in found if each is not None]
    assert len(set(decided)) <= 1
    assert found[len(found) - len(decided) :] == decided
    assert test.pairs < 50 or test.verdict is not None


def test_without_a_verdict_the_last_pair_makes_it_inconclusive() -> None:
    test = after([0.5, -0.5] * 4, Rule(cells=1, most_pairs=8))
    assert test.verdict is ChangeVerdict.INCONCLUSIVE


def test_thousands_of_pairs_do_not_overflow() -> None:
    test = after([0.2] * 3000, Rule(cells=1, most_pairs=10_000))
    assert test.e_broken == math.exp(700)
    assert test.e_passed == pytest.approx(0)


def test_a_difference_is_a_number() -> None:
    with pytest.raises(ValueError, match="number"):
        after([math.nan])


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": 0},
        {"delta": 0.0},
        {"delta": math.inf},
        {"delta": math.nan},
        {"alarm": 1.0},
        {"passes": 1.0},
        {"most_pairs": 0},
    ],
)
def test_a_rule_has_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="gate"):
        Rule(**({"cells": 1} | wrong))  # type: ignore[arg-type]
