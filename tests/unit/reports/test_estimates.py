"""reports.estimates: ratios beside verdicts, and their limits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.comparison import p_faster
from ipcbench.reports.estimates import MOST_ROUNDS, ratio, shifts
from ipcbench.reports.model import Measured, measured
from tests.synthetic import cells, sweep

SAMPLES = st.lists(st.floats(-10, 10), min_size=4, max_size=12)


def two(rounds: int = 12, seed: int = 1) -> tuple[Measured, Measured]:
    """Measure a pipe, and a FIFO that takes half as long again."""
    times = {"pipe": 2e-6, "fifo": 3e-6}
    planned = cells(tuple(times), sizes=(64,))
    found = measured(sweep(lambda name, *_: times[name], planned, rounds=rounds, seed=seed))
    quick, slow = sorted(found, key=lambda one: one.cell.transport, reverse=True)
    return quick, slow


@settings(deadline=None, max_examples=60)
@given(SAMPLES, SAMPLES)
def test_the_limits_exclude_no_difference_exactly_where_the_test_finds_one(
    first: list[float], second: list[float]
) -> None:
    (found,) = shifts([(first, second)])
    assert found.low <= found.median <= found.high
    assert (found.low > 0) == (float(p_faster(first, second)) <= 0.025)
    assert (found.high < 0) == (float(p_faster(second, first)) <= 0.025)


@pytest.mark.parametrize(("rounds", "coverage"), [(1, 0), (2, 2 / 3), (3, 0.9)])
def test_few_rounds_have_the_whole_range(rounds: int, coverage: float) -> None:
    (found,) = shifts([([1.0, 2.0, 4.0][:rounds], [2.0, 3.0, 9.0][:rounds])])
    assert found.coverage == pytest.approx(coverage)
    assert (found.low, found.high) == {1: (1, 1), 2: (0, 2), 3: (-2, 8)}[rounds]


def test_pairs_of_all_sizes_keep_their_order() -> None:
    chance = random.Random(1)
    pairs: list[tuple[Sequence[float], Sequence[float]]] = [
        ([chance.gauss(0, 1) for _ in range(n)], [chance.gauss(3, 1) for _ in range(m)])
        for n, m in ((6, 6), (12, 12), (2, 2), (6, 6), (12, 8))
    ]
    assert shifts(pairs) == [one for pair in pairs for one in shifts([pair])]
    assert shifts([]) == []


def test_a_ratio_is_not_paired_by_round() -> None:
    quick, slow = two()
    found = ratio(slow, quick)
    assert found is not None
    assert found.low < 1.5 < found.high
    numbers = list(slow.times)
    turned = dict(zip(numbers, list(slow.times.values())[::-1], strict=True))
    assert ratio(replace(slow, times=turned), quick) == found


def test_only_rounds_that_both_have_enter_a_ratio() -> None:
    quick, slow = two()
    twelve = ratio(slow, quick)
    many, _ = two(rounds=24)
    assert ratio(slow, many) == twelve
    assert ratio(slow, two(rounds=1)[0]).n == 1  # type: ignore[union-attr]


def test_the_limits_of_a_ratio_are_honest() -> None:
    """Of 200 sweeps without a difference, 5 % have limits that exclude 1: at most 18, p = 0.01."""
    planned = cells(("pipe", "fifo"), sizes=(64,))
    wrong = 0
    for seed in range(200):
        one, other = measured(sweep(lambda *_: 1e-5, planned, seed=seed))
        found = ratio(one, other)
        assert found is not None
        wrong += not found.low <= 1 <= found.high
    assert wrong <= 18


def test_a_journal_of_many_rounds_takes_no_minutes() -> None:
    chance = random.Random(1)
    many = [chance.random() for _ in range(100_000)]
    assert shifts([(many, many)])[0].n == MOST_ROUNDS
