"""bench.results.histogram: the bucket of a duration, and the error of a percentile."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipcbench.bench.results.histogram import (
    HALF,
    RELATIVE_ERROR,
    bearable,
    bounds,
    bucket,
    count,
    merge,
    percentiles,
)

durations = st.one_of(
    st.integers(0, 3 * HALF),
    st.integers(0, 10**10),
    st.integers(0, 62).map(lambda power: 1 << power),
    st.integers(1, 62).map(lambda power: (1 << power) - 1),
)
histograms = st.dictionaries(st.integers(0, 3000), st.integers(1, 1000), max_size=20)


@given(durations)
@example(2 * HALF - 1)
@example(2 * HALF)
@example((1 << 63) - 1)
def test_a_duration_lies_in_its_bucket(duration: int) -> None:
    low, high = bounds(bucket(duration))
    assert low <= duration < high
    assert bucket(low) == bucket(high - 1) == bucket(duration)


def test_buckets_follow_each_other_without_gap() -> None:
    last = bucket(1 << 40)
    assert bounds(0)[0] == 0
    for number in range(last):
        assert bounds(number)[1] == bounds(number + 1)[0]
        assert bucket(bounds(number)[0]) == number


@given(durations)
def test_the_middle_of_a_bucket_is_off_by_the_promised_error_at_most(duration: int) -> None:
    assert RELATIVE_ERROR < 0.004
    low, high = bounds(bucket(duration))
    assert abs(Fraction(low + high - 1, 2) - duration) <= Fraction(RELATIVE_ERROR) * duration
    if duration < 2 * HALF:
        assert (low, high) == (duration, duration + 1)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="never negative"):
        bucket(-1)


@given(
    st.lists(durations, min_size=1, max_size=200),
    st.sampled_from([Fraction(q, 1000) for q in (1, 250, 500, 900, 990, 999, 1000)]),
)
def test_percentile_is_the_exact_quantile_within_the_error(
    sample: list[int], quantile: Fraction
) -> None:
    exact = sorted(sample)[math.ceil(quantile * len(sample)) - 1]
    (found,) = percentiles(count(sample), [float(quantile)])
    assert abs(found - exact) <= RELATIVE_ERROR * exact * (1 + 1e-9)


def test_percentiles_of_an_even_spread() -> None:
    counts = count(range(1, 101))
    assert percentiles(counts, (0.0, 0.5, 0.5, 0.9, 0.99, 1.0)) == [1, 50, 50, 90, 99, 100]


@pytest.mark.parametrize("counts", [{}, {5: 0}])
def test_an_empty_histogram_has_no_percentiles(counts: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="empty"):
        percentiles(counts, [0.5])


@given(histograms, histograms, histograms)
def test_merging_is_associative_and_commutative(
    a: dict[int, int], b: dict[int, int], c: dict[int, int]
) -> None:
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([c, a, b])
    assert merge([a]) == Counter(a)
    assert merge([]) == Counter()
    assert sum(merge([a, b]).values()) == sum(a.values()) + sum(b.values())


@given(st.lists(durations), st.lists(durations))
def test_counting_together_is_merging(a: list[int], b: list[int]) -> None:
    assert count(a + b) == merge([count(a), count(b)])


def test_merging_changes_none_of_its_parts() -> None:
    a, b = {1: 1}, {1: 2}
    assert merge([a, b]) == {1: 3}
    assert (a, b) == ({1: 1}, {1: 2})


@pytest.mark.parametrize(
    ("quantile", "least"), [(0.5, 20), (0.9, 100), (0.99, 1000), (0.999, 10_000), (0.9999, 100_000)]
)
def test_a_percentile_takes_ten_times_its_inverse(quantile: float, least: int) -> None:
    assert bearable(least, quantile)
    assert not bearable(least - 1, quantile)
