"""reports.page.tails: percentiles of single times, one a round."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.histogram import RELATIVE_ERROR, count
from ipcbench.bench.results.results import Results
from ipcbench.bench.stats import median_interval
from ipcbench.reports.model import measured
from ipcbench.reports.page.rows.tails import QUANTILES, Tail, tails
from tests.synthetic import cells, reference, sweep


def flat(*rest: object) -> float:
    return 1e-5


@pytest.fixture(scope="module")
def whole() -> Results:
    planned = cells(patterns=("latency", "stream"), placements=("same-core", "cross-core"))
    return sweep(reference, planned, tail=800, twins=planned[:1])


def test_tails_show_only_percentiles_that_the_sample_allows(whole: Results) -> None:
    found = tails(measured(whole)).rows
    assert {one.measured.cell.pattern for one in found} == {"latency"}
    for one in found:
        assert (one.rounds, one.fewest, one.most) == (12, 800, 800)
        assert one.single == "round trip"
        *known, p99, p999 = one.percentiles
        assert p99 is p999 is None  # 9600 times of all rounds, but 800 of each
        assert len(one.percentiles) == len(QUANTILES)
        values = [percentile.median for percentile in known if percentile]
        assert len(values) == 3
        assert values == sorted(values)
        assert values[-1] <= one.longest
        for percentile in known:
            assert percentile is not None
            assert percentile.n == 12
            assert percentile.low <= percentile.median <= percentile.high


def with_tails(*rounds: Mapping[int, int]) -> Tail:
    """Return the tail of a cell with these histograms, one a round."""
    results = sweep(flat, cells(("pipe",), sizes=(64,)), rounds=len(rounds))
    for run, counts in zip(next(iter(results.cells.values())).runs, rounds, strict=True):
        run.tail = dict(counts)
    (one,) = tails(measured(results)).rows
    return one


@given(st.lists(st.lists(st.integers(1, 10**9), min_size=20, max_size=60), min_size=6, max_size=9))
def test_a_percentile_is_the_median_over_rounds_and_its_interval(rounds: list[list[int]]) -> None:
    found = with_tails(*map(count, rounds)).percentiles[0]
    medians = [sorted(times)[(len(times) + 1) // 2 - 1] for times in rounds]
    wanted = median_interval(medians)
    assert found is not None
    for name in ("median", "low", "high"):
        exact = getattr(wanted, name)
        assert abs(getattr(found, name) - exact) <= RELATIVE_ERROR * exact
    assert (found.n, found.coverage) == (wanted.n, wanted.coverage)


def test_a_slow_round_weighs_as_much_as_a_fast_one() -> None:
    """By time, a fast round has more stamps: pooled, its percentiles would be those of all."""
    fast, slow = count([1000] * 10_000), count([9000] * 1000)
    found = with_tails(*[fast] * 3, *[slow] * 4).percentiles[0]
    assert found is not None
    assert found.median == pytest.approx(9000, rel=RELATIVE_ERROR)


def test_the_smallest_round_decides_what_is_shown() -> None:
    """Older journals have rounds with different numbers of times."""
    many, few = count(range(1, 10_001)), count(range(1, 201))
    found = with_tails(*[many] * 7, few)
    assert (found.fewest, found.most) == (200, 10_000)
    assert [each is not None for each in found.percentiles] == [True, True, True, False, False]


def test_with_few_rounds_a_percentile_is_shown_without_an_interval() -> None:
    found = with_tails(*[count(range(1, 101))] * 5)
    assert found.percentiles[1] is not None
    assert not found.percentiles[1].verdict_possible


def test_very_large_counts_are_accepted() -> None:
    results = sweep(flat, cells(("pipe",), sizes=(64,)), tail=100)
    for run in next(iter(results.cells.values())).runs:
        run.tail = {0: 1 << 63, 7552: (1 << 64) - 1}
    (one,) = tails(measured(results)).rows
    assert all(percentile is not None for percentile in one.percentiles)
