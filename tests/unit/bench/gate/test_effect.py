"""bench.decisions.gate.effect: the interval agrees with the verdict, and covers the truth."""

from __future__ import annotations

import math
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.gate.arrays import log_capital, log_gains
from ipcbench.bench.decisions.gate.binomial import clopper_pearson
from ipcbench.bench.decisions.gate.effect import effect, slot_effect
from ipcbench.bench.decisions.gate.sequential import (
    LEARNED,
    ChangeVerdict,
    Rule,
    SequentialTest,
)
from tests.sampling import SOAK

LOOSE = Rule(cells=1, alarm=0.2, passes=4)  # bounds that few pairs reach
RULE = Rule(cells=30)


def noise(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw heavy tails around 0, a fifth of the pairs in a wide mode."""
    wide = np.where(random.random(shape) < 0.2, 0.1, 0.012)
    return wide * random.standard_t(2, shape)


def after(differences: list[float], rule: Rule) -> SequentialTest:
    test = SequentialTest(rule)
    for each in differences:
        test.add(each)
    return test


DIFFERENCES = st.one_of(
    st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=30),
    st.lists(st.sampled_from([0.0, 0.02, 0.05, -0.05, 2.0]), min_size=1, max_size=30),
    st.builds(
        lambda shift, seed, pairs: (shift + noise(np.random.default_rng(seed), (pairs,))).tolist(),
        st.sampled_from([-0.5, -0.05, 0.0, 0.02, 0.05, 0.1, 1.0, 5.0]),
        st.integers(0, 1000),
        st.integers(1, 60),
    ),
)


@given(DIFFERENCES, st.sampled_from([LOOSE, RULE]))
@settings(max_examples=1000 if SOAK else 60, deadline=None)
def test_the_interval_agrees_with_the_verdict(differences: list[float], rule: Rule) -> None:
    test = after(differences, rule)
    found = effect(differences, rule)
    assert found is not None
    assert (found.low > 1) == test.was_broken
    assert (found.high < 1 + rule.delta) == test.was_passed
    assert found.low <= found.ratio <= found.high
    if test.verdict is ChangeVerdict.BROKEN:
        assert found.low > 1
    if test.verdict is ChangeVerdict.PASSED:
        assert found.high < 1 + rule.delta


@given(DIFFERENCES)
@settings(max_examples=15, deadline=None)
def test_an_interval_only_shrinks(differences: list[float]) -> None:
    """The limits, but for the last digits that a search leaves, and for both sides rejected."""
    found = [effect(differences[:pairs], LOOSE) for pairs in range(1, len(differences) + 1)]
    for before, now in pairwise(found):
        assert before is not None and now is not None
        if before.high > before.low * 1.01 and now.high > now.low * 1.01:
            assert now.low >= before.low * (1 - 0.02)
            assert now.high <= before.high * (1 + 0.02)


def test_the_interval_covers_the_truth_at_every_pair() -> None:
    """At most 1 of 50 upper limits is wrong at any time, and hardly a lower one."""
    random = np.random.default_rng(17)
    suites, missed = (400 if SOAK else 60), 0
    for _ in range(suites):
        shift = float(random.choice([-0.3, 0.0, 0.05, 0.4]))
        found = effect((shift + noise(random, (60,))).tolist(), RULE)
        assert found is not None
        missed += not found.low * (1 - 1e-6) <= math.exp(shift) <= found.high * (1 + 1e-6)
    assert clopper_pearson(missed, suites, 0.999)[0] < 1 / RULE.passes + RULE.alarm


@given(DIFFERENCES)
@settings(max_examples=15, deadline=None)
def test_bets_of_arrays_are_those_of_the_test(differences: list[float]) -> None:
    test = SequentialTest(RULE)
    over, centres, scales = [], [], []
    for each in differences:
        over.append(each)
        centres.append(test.median)
        scales.append(test.scale)
        test.add(each)
    values = (np.array(each[LEARNED:]) for each in (over, centres, scales))
    logs = log_gains(*values, RULE.band).sum(axis=0)
    assert math.log(test.e_broken) == pytest.approx(float(log_capital(logs)), abs=1e-9)


def test_few_pairs_leave_no_limit() -> None:
    found = effect([0.1, 0.2, 0.1], RULE)
    assert found is not None
    assert (found.low, found.high) == (0, math.inf)
    assert found.ratio == pytest.approx(math.exp(0.1))
    assert effect([], RULE) is None


def test_equal_values_have_a_narrow_interval() -> None:
    found = effect([math.log(2)] * 30, RULE)
    assert found is not None
    assert found.ratio == pytest.approx(2)
    assert 1.9 < found.low <= found.ratio <= found.high < 2.1


@pytest.mark.parametrize("extreme", [math.inf, 1e300, -math.inf])
def test_extremes_have_limits(extreme: float) -> None:
    found = effect([extreme] * 30, RULE)
    assert found is not None
    assert 0 <= found.low <= found.ratio <= found.high


def test_a_long_journal_is_read_in_seconds() -> None:
    """Ten thousand pairs of one cell may stand in a foreign journal."""
    began = time.process_time()
    assert effect([0.5, -0.5, 0.3, -0.2] * 2500, Rule(cells=30, most_pairs=20_000)) is not None
    assert time.process_time() - began < 20


def test_pairs_needed_are_about_those_that_are_taken() -> None:
    random = np.random.default_rng(1)
    ratios = []
    for shift in (0.0, RULE.band):
        for _ in range(40):
            test = SequentialTest(RULE)
            told: int | None = None
            for each in (shift + noise(random, (300,))).tolist():
                test.add(each)
                told = test.needed if test.pairs == 12 and test.verdict is None else told
                if test.verdict is not None:
                    break
            if told is not None:
                ratios.append(told / test.pairs)
    assert 0.5 < float(np.median(ratios)) < 2


def test_pairs_needed_are_unknown_without_a_trend() -> None:
    assert after([0.5, -0.5] * 4, RULE).needed in (None, *range(9, 100_001))
    assert after([0.1] * 4, RULE).needed is None
    assert after([0.0] * 20, RULE).needed is None  # decided


def test_the_order_has_an_effect_of_its_own() -> None:
    """Head is slower by 10 %, and what runs second is slower by 2 %."""
    random = np.random.default_rng(2)
    cells = [
        [
            (0.1 + (0.02 if first == "base" else -0.02) + float(random.normal(0, 0.003)), first)
            for first in random.choice(["base", "head"], 40).tolist()
        ]
        for _ in range(5)
    ]
    found = slot_effect(cells)
    assert found is not None
    assert found.pairs == 200
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(math.exp(0.02), rel=0.002)
    assert found.low > 1.01


def test_without_both_orders_there_is_no_effect_of_the_order() -> None:
    assert slot_effect([[(0.1, "base")] * 20]) is None
    assert slot_effect([[(0.1, "base"), (0.1, "head")]]) is None
