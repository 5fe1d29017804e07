"""Comparison of two samples of logarithms of times: tests, ratio, limits.

Samples are arrays of shape (..., n) and (..., m). The leading axes are broadcast, so that the same
functions serve one pair of cells and thousands. A pair of values is *won* by the first sample
where its value lies below the second's by more than a shift `by`; ties are not won.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.distributions.rank_sum import tail
from ipcbench.bench.decisions.distributions.student_t import upper_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

MOST = 1000  # values of a sample that are compared; the time grows with their square
REASONABLE = 1000  # rounds: a verdict that takes more is out of reach
CHUNK = 1 << 20  # pairs of values that are compared at once, to stay in the cache


def p_faster(first: ArrayLike, second: ArrayLike, by: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Test "first is faster than second by more than `by`"; return the one-sided p-values.

    The p-value is the larger of the Mann-Whitney test's, which is exact where both samples have
    one distribution, and the Brunner-Munzel test's (Biometrical Journal 42 (2000) 17-25), which
    holds where their spreads differ. For samples of one size it never falls as `by` rises.
    """
    import numpy as np

    x, y, shift, shape = _flat(first, second, by)
    p = np.empty(shift.shape)
    for part in _chunks(len(x) * len(y), len(p)):
        p[part] = _p_values(x[:, part], y[:, part], shift[part])
    return p.reshape(shape)


def log_ratio(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the Hodges-Lehmann estimate of ln(second / first): above 0 where first is faster.

    It is the median of all differences between a value of the one and a value of the other
    (Annals of Mathematical Statistics 34 (1963) 598-611).
    """
    import numpy as np

    x, y, _, shape = _flat(first, second, 0.0)
    ratios = np.full(x.shape[1], np.nan)
    if len(x) and len(y):
        for part in _chunks(len(x) * len(y), len(ratios)):
            ratios[part] = np.median(_ordered_differences(x[:, part], y[:, part]), axis=1)
    return ratios.reshape(shape)


def log_ratio_limits(
    first: ArrayLike, second: ArrayLike, lower_level: ArrayLike, upper_level: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the limits of ln(second / first): the shifts that `p_faster` does not reject.

    The lower limit is above 0 exactly where p_faster(first, second) is at most `lower_level`, and
    the upper one below 0 where p_faster(second, first) is at most `upper_level`. Where a level
    cannot be reached, the limit is infinite.
    """
    return _lower_limit(first, second, lower_level), -_lower_limit(second, first, upper_level)


def rounds_needed(p: ArrayLike, rounds: ArrayLike, level: ArrayLike) -> NDArray[np.float64]:
    """Return about how many rounds a p-value takes to reach a level; infinity: over `REASONABLE`.

    The standard score of a rank test grows with the square root of the rounds, as in Noether's
    formula (Journal of the American Statistical Association 82 (1987) 645-647). Half of all
    sweeps need more.
    """
    import numpy as np

    p, rounds, level = np.broadcast_arrays(
        np.asarray(p, float), np.asarray(rounds, float), np.asarray(level, float)
    )
    seen, wanted = _scores(p), _scores(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.ceil(rounds * (wanted / seen) ** 2)
    needed = np.where(p <= level, rounds, np.maximum(needed, rounds + 1))
    return np.where((p > level) & ((seen <= 0) | ~(needed <= REASONABLE)), np.inf, needed)


def _scores(p: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    normal = NormalDist()
    inside = np.clip(p, 1e-300, 1 - 1e-15).ravel().tolist()
    return np.array([-normal.inv_cdf(each) for each in inside]).reshape(p.shape)


def _lower_limit(first: ArrayLike, second: ArrayLike, level: ArrayLike) -> NDArray[np.float64]:
    """Return the smallest shift that is not rejected.

    The p-value changes only where the shift is the difference of two values, so the search halves
    the sorted differences. It starts from the test without a shift, so that the limit agrees
    with that test in samples of different sizes as well.
    """
    import numpy as np

    x, y, levels, shape = _flat(first, second, level)
    limits = np.full(levels.shape, -np.inf)
    if not (len(x) and len(y)):
        return limits.reshape(shape)
    reachable = tail(np.full(levels.shape, len(x) * len(y)), len(x), len(y)) <= levels
    for part in _chunks(len(x) * len(y), len(limits)):
        found = _first_kept(x[:, part], y[:, part], levels[part])
        limits[part] = np.where(reachable[part], found, -np.inf)
    return limits.reshape(shape)


def _first_kept(
    x: NDArray[np.float64], y: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    import numpy as np

    differences = _ordered_differences(x, y)
    each = np.arange(len(differences))
    zero = (differences <= 0).sum(axis=1) - 1  # the index of a shift that wins the same pairs as 0
    rejected = _p_values(x, y, np.zeros(len(each))) <= levels
    low = np.where(rejected, zero, -1)
    high = np.where(rejected, differences.shape[1] - 1, np.maximum(zero, 0))
    while (high - low > 1).any():
        middle = (low + high + 1) // 2
        below = _p_values(x, y, differences[each, middle]) <= levels
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    kept: NDArray[np.float64] = differences[each, high]
    return kept


def _flat(
    first: ArrayLike, second: ArrayLike, by: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Return the samples as (n, pairs) and (m, pairs), `by` as (pairs,), and the leading shape.

    The pairs come last: numpy is fast along long axes.
    """
    import numpy as np

    x, y = np.asarray(first, float)[..., :MOST], np.asarray(second, float)[..., :MOST]
    by = np.asarray(by, float)
    shape = np.broadcast_shapes(x.shape[:-1], y.shape[:-1], by.shape)
    return _last(x, shape), _last(y, shape), np.broadcast_to(by, shape).reshape(-1), shape


def _last(sample: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    import numpy as np

    n = sample.shape[-1]
    pairs = 1
    for length in shape:
        pairs *= length
    wide = np.broadcast_to(sample, (*shape, n)).reshape(pairs, n)
    return np.ascontiguousarray(wide.T)


def _chunks(size: int, pairs: int) -> Iterator[slice]:
    step = max(1, CHUNK // max(size, 1))
    for start in range(0, pairs, step):
        yield slice(start, start + step)


def _differences(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return y[None, :, :] - x[:, None, :]


def _ordered_differences(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the differences in ascending order, of shape (pairs, n m): numpy sorts rows fast."""
    import numpy as np

    rows = np.ascontiguousarray(y.T)[:, None, :] - np.ascontiguousarray(x.T)[:, :, None]
    return np.sort(rows.reshape(x.shape[1], -1), axis=1)


def _p_values(
    x: NDArray[np.float64], y: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    import numpy as np

    n, m = len(x), len(y)
    won = (_differences(x, y) > shift).view(np.int8)
    dtype = np.int8 if max(n, m) < 128 else np.int32
    of_first = won.sum(axis=1, dtype=dtype).astype(np.float64)
    of_second = won.sum(axis=0, dtype=dtype).astype(np.float64)
    wins = of_first.sum(axis=0)
    p = tail(wins, n, m)
    # Elsewhere Mann-Whitney's p-value is 1/2 or more, or the samples are separate and
    # Brunner-Munzel's is 0.
    (some,) = np.nonzero((wins > n * m / 2) & (wins < n * m))
    if min(n, m) > 1 and len(some):
        p[some] = np.maximum(p[some], _brunner_munzel(of_first[:, some], of_second[:, some]))
    return p


def _brunner_munzel(
    of_first: NDArray[np.float64], of_second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the one-sided p-values, given how many pairs each value wins, or loses."""
    import numpy as np

    n, m = len(of_first), len(of_second)
    wins = of_first.sum(axis=0)
    # n times the sample variance; the counts are whole numbers, so their sums are not rounded.
    first = (n * (of_first * of_first).sum(axis=0) - wins * wins) / (n - 1)
    second = (m * (of_second * of_second).sum(axis=0) - wins * wins) / (m - 1)
    total = first + second
    degrees = total**2 / (first**2 / (n - 1) + second**2 / (m - 1))
    return upper_tail((wins - n * m / 2) / np.sqrt(total), degrees)
