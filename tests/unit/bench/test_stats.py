"""bench.stats, compared with scipy and with the definitions, and simulated."""

from __future__ import annotations

import itertools
import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.stats import (
    ENOUGH_ROUNDS,
    Interval,
    binomial_tail,
    coverage_of_ranks,
    holm,
    log_ratios,
    median_interval,
)
from tests.scipys import stats

numbers = st.floats(-1e6, 1e6)
samples = st.lists(numbers, min_size=1, max_size=60)
seconds = st.floats(1e-12, 1e6)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 12, 15, 40, 301])
def test_coverage_of_ranks_is_the_binomial_probability(n: int) -> None:
    for rank in range(1, n // 2 + 1):
        expected = stats().binom.cdf(n - rank, n, 0.5) - stats().binom.cdf(rank - 1, n, 0.5)
        assert coverage_of_ranks(n, rank) == pytest.approx(expected, rel=1e-9)


def test_twelve_rounds_give_the_third_to_the_tenth() -> None:
    interval = median_interval([float(n) for n in random.Random(1).sample(range(1, 13), 12)])
    assert (interval.low, interval.median, interval.high, interval.n) == (3, 6.5, 10, 12)
    assert interval.coverage == pytest.approx(0.961, abs=0.0005)
    assert interval.verdict_possible


def test_five_rounds_give_the_whole_range_and_no_verdict() -> None:
    interval = median_interval([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (interval.low, interval.high, interval.coverage) == (1, 5, 0.9375)
    assert not interval.verdict_possible


def test_six_rounds_are_the_first_that_bear_a_verdict() -> None:
    assert ENOUGH_ROUNDS == 6
    interval = median_interval([float(n) for n in range(6)])
    assert (interval.low, interval.high, interval.coverage) == (0, 5, 0.96875)
    assert interval.verdict_possible


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [8, 9, 12, 13, 20, 31, 64, 150])
def test_interval_is_scipys(n: int, confidence: float) -> None:
    sample = [random.Random(n).gauss(0, 1) + number for number in range(n)]
    theirs = stats().quantile_test(sample, q=0, p=0.5).confidence_interval(confidence)
    ours = median_interval(sample, confidence)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)


@given(samples)
def test_the_ranks_are_the_narrowest_with_enough_coverage(sample: list[float]) -> None:
    n = len(sample)
    ranked = median_interval([float(k) for k in range(1, n + 1)])
    rank = int(ranked.low)
    assert ranked.coverage == coverage_of_ranks(n, rank)
    if n >= ENOUGH_ROUNDS:
        assert ranked.coverage >= 0.95
        assert coverage_of_ranks(n, rank + 1) < 0.95
    else:
        assert (rank, ranked.high) == (1, n)
    interval = median_interval(sample)
    ordered = sorted(sample)
    assert (interval.low, interval.high) == (ordered[rank - 1], ordered[n - rank])
    assert interval.low <= interval.median <= interval.high


@given(samples, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_more_confidence_is_never_narrower(sample: list[float], confidence: float) -> None:
    narrow, wide = median_interval(sample, confidence), median_interval(sample, 0.99)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high
    assert wide.coverage >= narrow.coverage


@given(samples, st.randoms(use_true_random=False))
def test_order_does_not_matter(sample: list[float], chance: random.Random) -> None:
    shuffled = sample[:]
    chance.shuffle(shuffled)
    assert median_interval(shuffled) == median_interval(sample)


@given(samples)
def test_mirrored_sample_mirrors_the_interval(sample: list[float]) -> None:
    interval, mirrored = median_interval(sample), median_interval([-value for value in sample])
    assert (mirrored.low, mirrored.median, mirrored.high) == (
        -interval.high,
        -interval.median,
        -interval.low,
    )


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40), st.integers(-1000, 1000))
def test_shift_and_scale_carry_over(sample: list[int], shift: int) -> None:
    interval = median_interval(sample)
    moved = median_interval([4 * value + shift for value in sample])
    for name in ("low", "median", "high"):
        assert getattr(moved, name) == 4 * getattr(interval, name) + shift


def test_interval_covers_as_often_as_it_says() -> None:
    """A skewed distribution with heavy tails; the share is binomial around the coverage."""
    chance = random.Random(20240607)
    trials, hits, coverage = 4000, 0, 0.0
    for _ in range(trials):
        interval = median_interval([math.exp(chance.gauss(0, 1.5)) for _ in range(12)])
        hits += interval.low <= 1.0 <= interval.high
        coverage = interval.coverage
    tolerance = 4 * math.sqrt(coverage * (1 - coverage) / trials)
    assert abs(hits / trials - coverage) < tolerance
    # This test would distinguish the next narrower ranks.
    assert coverage_of_ranks(12, 4) < coverage - 2 * tolerance


@pytest.mark.parametrize("sample", [[], [math.nan], [1.0, math.nan, 2.0]])
def test_interval_of_nothing_or_of_nan_is_refused(sample: list[float]) -> None:
    with pytest.raises(ValueError, match="NaN"):
        median_interval(sample)


def test_many_rounds_take_no_time() -> None:
    begun = time.process_time()
    interval = median_interval([float(n) for n in range(1000)])
    assert time.process_time() - begun < 2
    assert 0.95 <= interval.coverage < 0.96


def test_exp_turns_log_ratios_into_ratios() -> None:
    logs = Interval(math.log(2), 0.0, math.log(4), 0.96, 12)
    ratios = logs.exp()
    assert (ratios.low, ratios.coverage, ratios.n) == (1, 0.96, 12)
    assert (ratios.median, ratios.high) == (pytest.approx(2), pytest.approx(4))


def test_log_ratios_pair_by_round() -> None:
    base = {1: 2.0, 2: 30.0, 4: 1.0, 3: 8.0}
    other = {3: 1.0, 2: 10.0, 1: 4.0, 9: 1.0}
    assert log_ratios(base, other) == pytest.approx([math.log(0.5), math.log(3), math.log(8)])
    assert log_ratios(base, {}) == []


@given(st.dictionaries(st.integers(1, 9), seconds), st.dictionaries(st.integers(1, 9), seconds))
def test_log_ratios_change_sign_with_the_sides(a: dict[int, float], b: dict[int, float]) -> None:
    assert log_ratios(a, b) == pytest.approx([-value for value in log_ratios(b, a)])
    assert all(value == 0 for value in log_ratios(a, a))


def test_log_ratios_of_extremes_neither_overflow_nor_vanish() -> None:
    tiny, vast = {1: 5e-324}, {1: 1.7e308}
    assert log_ratios(vast, tiny)[0] == pytest.approx(1454, abs=1)
    assert log_ratios(tiny, vast)[0] == pytest.approx(-1454, abs=1)


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_is_the_closed_test_with_bonferroni(p_values: list[float]) -> None:
    """Adjust by the definition: reject a hypothesis if every intersection with it is rejected."""
    members = range(len(p_values))
    expected = [
        max(
            min(1.0, len(group) * min(p_values[other] for other in group))
            for size in range(1, len(p_values) + 1)
            for group in itertools.combinations(members, size)
            if one in group
        )
        for one in members
    ]
    assert holm(p_values) == pytest.approx(expected, rel=1e-12)


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []


@pytest.mark.parametrize("n", [1, 12, 1000, 1001, 5000, 100_000])
def test_the_tail_of_a_large_sample_is_the_binomials(n: int) -> None:
    """A long budget over few cells makes tens of thousands of rounds."""
    for least in {0, 1, n // 3, n // 2, n // 2 + 1, n // 2 + round(n**0.5), n, n + 1}:
        expected = stats().binom.sf(least - 1, n, 0.5)
        assert binomial_tail(n, least) == pytest.approx(expected, rel=1e-7, abs=1e-300)


def test_the_interval_of_a_large_sample() -> None:
    n = 100_001
    interval = median_interval([float(value) for value in range(n)])
    assert interval.median == n // 2
    below = int(stats().binom.ppf(0.025, n, 0.5))  # rank = below, counted from 1
    assert abs(interval.low - (below - 1)) <= 1
    assert 0.95 <= interval.coverage < 0.952
