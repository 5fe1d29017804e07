"""bench.decisions.comparison, compared with scipy, by its properties, and simulated."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions import comparison
from ipcbench.bench.decisions.comparison import (
    log_ratio,
    log_ratio_limits,
    p_faster,
    rounds_needed,
)
from ipcbench.bench.decisions.distributions import rank_sum
from ipcbench.bench.decisions.distributions.rank_sum import EXACT, tail
from tests.scipys import stats

# On a grid, so that a common shift loses no digit and ties are frequent.
grid = st.integers(-(1 << 12), 1 << 12).map(lambda step: step / 64)
levels = st.floats(1e-6, 0.4)


@st.composite
def pairs(draw: st.DrawFn, most: int = 20) -> tuple[list[float], list[float]]:
    """Draw two samples of one size, as the rounds that two cells have."""
    size = draw(st.integers(1, most))
    values = st.lists(grid, min_size=size, max_size=size)
    return draw(values), draw(values)


unequal = st.tuples(
    st.lists(grid, min_size=1, max_size=12), st.lists(grid, min_size=1, max_size=12)
)


def noise(seed: int, *shape: int) -> np.ndarray:
    """Return logarithms of times in two modes, as runs have them."""
    random = np.random.default_rng(seed)
    other_mode = random.random(shape) < 0.2
    return random.normal(0, 0.02, shape) + other_mode * random.normal(0.2, 0.1, shape)


# Compared with scipy.


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "m"), [(5, 5), (8, 8), (12, 9), (16, 16), (48, 48), (100, 30)])
def test_the_p_value_is_the_larger_of_scipys(n: int, m: int, seed: int) -> None:
    first, second = noise(seed, n), noise(seed + 1000, m) + (0.03 if seed % 2 else 0.0)
    whitney = stats().mannwhitneyu(first, second, alternative="less", method="exact").pvalue
    separate = first.max() < second.min()  # then scipy divides by 0, and its p-value is 0
    munzel = 0.0 if separate else stats().brunnermunzel(first, second, alternative="less").pvalue
    expected = max(whitney, munzel) if whitney < 0.5 else whitney
    assert float(p_faster(first, second)) == pytest.approx(expected, rel=1e-9)


def test_brunner_munzel_decides_where_spreads_differ() -> None:
    first = np.r_[np.linspace(0, 0.01, 12), np.linspace(5, 6, 4)]
    second = np.linspace(0.02, 0.03, 16)
    whitney = stats().mannwhitneyu(first, second, alternative="less", method="exact").pvalue
    assert whitney < 0.01 < 0.015 < float(p_faster(first, second))


def test_of_completely_separate_samples_it_is_the_exact_smallest() -> None:
    for n in (1, 2, 8, 16, 50):
        p = float(p_faster(np.arange(n), np.arange(n) + 2 * n))
        assert p == pytest.approx(1 / math.comb(2 * n, n), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 5), (4, 4), (6, 3)])
def test_the_null_distribution_is_that_of_all_orders(n: int, m: int) -> None:
    won = []
    for places in itertools.combinations(range(n + m), n):
        others = set(range(n + m)) - set(places)
        won.append(sum(place < other for place in places for other in others))
    expected = [sum(each >= least for each in won) / len(won) for least in range(n * m + 1)]
    assert tail(np.arange(n * m + 1), n, m) == pytest.approx(expected, rel=1e-12)


def test_beyond_exact_sizes_the_tail_is_close_and_hardly_below() -> None:
    size = EXACT + 1
    exact = rank_sum._exact(size, size)
    won = np.nonzero((exact < 0.1) & (exact > 1e-7))[0]
    ratio = tail(won, size, size) / exact[won]
    assert ratio.min() > 0.997
    assert ratio.max() < 2


# Properties.


@given(unequal, st.sampled_from([-1.0, 0.0, 0.05]))
def test_it_is_a_probability(samples: tuple[list[float], list[float]], by: float) -> None:
    assert 0 < float(p_faster(*samples, by=by)) <= 1


@given(pairs(), grid, grid)
def test_it_never_falls_as_the_shift_rises(
    samples: tuple[list[float], list[float]], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert float(p_faster(*samples, by=low)) <= float(p_faster(*samples, by=high)) * (1 + 1e-12)


@pytest.mark.parametrize("n", [2, 3, 5, 7, 8])
def test_it_falls_with_each_pair_won_in_samples_of_one_size(n: int) -> None:
    """Try all orders: rows of won pairs, longest first, are all that the p-value depends on."""
    orders = np.array(list(itertools.combinations_with_replacement(range(n, -1, -1), n)))
    before = _p_of_rows(orders)
    for row in range(n):
        room = orders[:, row] < (orders[:, row - 1] if row else n)
        more = orders[room].copy()
        more[:, row] += 1
        assert (_p_of_rows(more) < before[room]).all()


def _p_of_rows(rows: np.ndarray) -> np.ndarray:
    """Return the p-values where the i-th value of the first sample wins so many pairs."""
    n = rows.shape[1]
    return p_faster(n - rows - 0.5, np.broadcast_to(np.arange(n), rows.shape))


@given(unequal, grid)
def test_swapping_sides_and_sign_changes_nothing(
    samples: tuple[list[float], list[float]], by: float
) -> None:
    first, second = map(np.array, samples)
    assert float(p_faster(first, second, by)) == float(p_faster(-second, -first, by))
    assert float(log_ratio(first, second)) == -float(log_ratio(second, first))
    low, high = log_ratio_limits(first, second, 0.05, 0.1)
    assert (-high, -low) == log_ratio_limits(second, first, 0.1, 0.05)


@given(unequal, grid)
def test_a_common_shift_changes_nothing(
    samples: tuple[list[float], list[float]], by: float
) -> None:
    first, second = map(np.array, samples)
    assert float(p_faster(first + by, second + by)) == float(p_faster(first, second))
    assert float(log_ratio(first + by, second + by)) == float(log_ratio(first, second))
    moved = log_ratio_limits(first + by, second + by, 0.05, 0.05)
    assert moved == log_ratio_limits(first, second, 0.05, 0.05)


@given(unequal, grid)
def test_a_shift_of_one_side_moves_ratio_and_limits(
    samples: tuple[list[float], list[float]], by: float
) -> None:
    first, second = map(np.array, samples)
    assert float(log_ratio(first, second + by)) == float(log_ratio(first, second)) + by
    moved = log_ratio_limits(first, second + by, 0.05, 0.05)
    if len(first) == len(second):
        expected = [limit + by for limit in log_ratio_limits(first, second, 0.05, 0.05)]
        assert list(moved) == expected


@given(unequal)
def test_a_tie_is_not_won(samples: tuple[list[float], list[float]]) -> None:
    first, second = map(np.array, samples)
    gap = second[:, None] - first
    just_below = np.nextafter(0, -1) if (gap == 0).any() else 0.0
    assert float(p_faster(first, second)) >= float(p_faster(first, second, just_below))
    assert float(p_faster(first, first[: len(first)])) >= 0.5


@given(unequal, levels, levels)
def test_limits_exclude_zero_exactly_where_the_test_rejects(
    samples: tuple[list[float], list[float]], lower: float, upper: float
) -> None:
    first, second = samples
    low, high = log_ratio_limits(first, second, lower, upper)
    assert (low > 0) == (p_faster(first, second) <= lower)
    assert (high < 0) == (p_faster(second, first) <= upper)


@given(pairs(), levels)
def test_the_limit_is_the_first_shift_that_is_not_rejected(
    samples: tuple[list[float], list[float]], level: float
) -> None:
    low, _ = log_ratio_limits(*samples, level, level)
    shifts = sorted({b - a for a in samples[0] for b in samples[1]})
    kept = [shift for shift in shifts if p_faster(*samples, by=shift) > level]
    reachable = float(p_faster(*samples, by=shifts[0] - 1)) <= level
    assert float(low) == (kept[0] if reachable else -math.inf)


@given(pairs(), levels, levels)
def test_limits_are_nested_in_the_level(
    samples: tuple[list[float], list[float]], one: float, other: float
) -> None:
    wide, narrow = sorted((one, other))
    low, high = log_ratio_limits(*samples, wide, wide)
    inner_low, inner_high = log_ratio_limits(*samples, narrow, narrow)
    assert low <= inner_low
    assert inner_high <= high


@given(pairs(), st.floats(1e-6, 0.3))
def test_limits_enclose_the_ratio(samples: tuple[list[float], list[float]], level: float) -> None:
    low, high = log_ratio_limits(*samples, level, level)
    assert low <= log_ratio(*samples) <= high


# Shapes, sizes, time.


def test_leading_axes_are_broadcast() -> None:
    first, second = noise(1, 5, 1, 8), noise(2, 3, 9)
    by = np.array([[[0.0]], [[0.01]]])
    p = p_faster(first, second, by)
    low, high = log_ratio_limits(first, second, 0.05, [0.05, 0.1, 0.2])
    ratio = log_ratio(first, second)
    assert p.shape == (2, 5, 3)
    assert low.shape == high.shape == ratio.shape == (5, 3)
    for k, i, j in np.ndindex(p.shape):
        assert p[k, i, j] == p_faster(first[i, 0], second[j], by[k, 0, 0])
        assert ratio[i, j] == log_ratio(first[i, 0], second[j])
        level = (0.05, 0.1, 0.2)[j]
        assert (low[i, j], high[i, j]) == log_ratio_limits(first[i, 0], second[j], 0.05, level)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = noise(3, 50, 8), noise(4, 50, 8) + 0.02
    whole = p_faster(first, second), *log_ratio_limits(first, second, 0.01, 0.02)
    monkeypatch.setattr(comparison, "CHUNK", 7 * 64)
    parts = p_faster(first, second), *log_ratio_limits(first, second, 0.01, 0.02)
    assert all((one == other).all() for one, other in zip(whole, parts, strict=True))


def test_without_values_nothing_is_known() -> None:
    assert float(p_faster([], [])) == 1
    assert np.isnan(log_ratio([], []))
    assert log_ratio_limits([], [], 0.1, 0.1) == (-math.inf, math.inf)
    assert float(p_faster([0.0], [1.0])) == 0.5
    assert p_faster(np.empty((0, 8)), np.empty((0, 8))).shape == (0,)


def test_values_beyond_the_most_are_left_out() -> None:
    most = comparison.MOST
    first, second = noise(5, most + 50), noise(6, most + 50) + 0.001
    assert p_faster(first, second) == p_faster(first[:most], second[:most])
    assert log_ratio(first, second) == log_ratio(first[:most], second[:most])


def test_a_thousand_pairs_of_sixteen_rounds_take_milliseconds() -> None:
    """A simulation makes tens of millions of comparisons: 0.8 ms here, on an idle CPU."""
    first, second = noise(7, 1000, 16), noise(8, 1000, 16) + 0.02
    p_faster(first, second)
    taken = []
    for _ in range(10):
        start = time.perf_counter()
        p_faster(first, second)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.02


# Simulated.


@pytest.mark.parametrize("n", [8, 16])
def test_the_level_holds_for_equal_samples_of_two_modes(n: int) -> None:
    p = p_faster(noise(9, 20_000, n), noise(10, 20_000, n))
    for level in (0.05, 0.01):
        assert (p <= level).mean() < level + 4 * math.sqrt(level / len(p))


def test_the_level_holds_where_spreads_differ() -> None:
    random = np.random.default_rng(11)
    first, second = random.normal(0, 1, (20_000, 16)), random.normal(0, 6, (20_000, 16))
    assert (p_faster(first, second) <= 0.025).mean() < 0.03


def test_limits_cover_the_true_ratio() -> None:
    low, high = log_ratio_limits(noise(12, 4000, 12), noise(13, 4000, 12) + 0.1, 0.025, 0.025)
    assert ((low <= 0.1) & (high >= 0.1)).mean() > 0.94


# Rounds that a verdict takes.


def test_no_round_is_missing_where_the_level_is_reached() -> None:
    assert rounds_needed([0.01, 0.001], 12, 0.01).tolist() == [12, 12]


def test_what_leans_the_other_way_is_out_of_reach() -> None:
    assert rounds_needed([0.5, 0.9, 1.0], 12, 0.01).tolist() == [math.inf] * 3
    assert rounds_needed(0.49, 12, 0.001) == math.inf


@given(st.floats(1e-9, 1), st.integers(2, 60), levels, levels)
def test_a_stricter_level_takes_no_fewer_rounds(
    p: float, rounds: int, one: float, other: float
) -> None:
    strict, lax = sorted((one, other))
    assert rounds_needed(p, rounds, strict) >= rounds_needed(p, rounds, lax) >= rounds


@pytest.mark.parametrize(("shift", "level"), [(0.012, 0.001), (0.01, 1e-4), (0.03, 1e-4)])
def test_about_half_of_all_samples_of_so_many_rounds_reach_the_level(
    shift: float, level: float
) -> None:
    rounds = 16
    p = p_faster(noise(14, 4000, rounds), noise(15, 4000, rounds) + shift)
    needed = int(np.median(rounds_needed(p, rounds, level)))
    later = p_faster(noise(16, 1000, needed), noise(17, 1000, needed) + shift)
    assert 0.3 < (later <= level).mean() < 0.7
