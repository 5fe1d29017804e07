"""Statistics that claim no more than the data: pure functions, distribution-free.

The unit is a fresh pair of processes, so a sample holds one number a round
(`method.md` calls it a run's value). Nothing here assumes a normal
distribution, or anything about tails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

CONFIDENCE = 0.95
EXACT = 1000  # samples up to here have exact probabilities
ENOUGH_ROUNDS = 6  # of five, even the whole range covers only 93.75 %


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and its order-statistic interval.

    `coverage` is the probability that an interval made this way covers the
    true median; it is at least the confidence asked for, unless the sample is
    too small for that: then `low` and `high` are the whole range, and
    `verdict_possible` is False.
    """

    median: float
    low: float
    high: float
    coverage: float
    n: int

    @property
    def verdict_possible(self) -> bool:
        return self.n >= ENOUGH_ROUNDS

    def exp(self) -> Interval:
        """The same interval of ratios, from one of log ratios."""
        return Interval(
            math.exp(self.median), math.exp(self.low), math.exp(self.high), self.coverage, self.n
        )


def coverage_of_ranks(n: int, rank: int) -> float:
    """Probability that the `rank`-th smallest and largest of `n` enclose the median.

    With B binomial(n, 1/2): P(rank <= B <= n - rank). `rank` counts from 1.
    (David and Nagaraja, Order Statistics, 3rd ed., section 7.1.)
    """
    return 1 - 2 * binomial_tail(n, n - rank + 1)


def binomial_tail(n: int, least: int) -> float:
    """P(binomial(n, 1/2) >= `least`): exact for a sample as sweeps have it.

    Of a large one, the terms beyond the first are each made from the one before
    until they change nothing; the relative error stays below 1e-7.
    """
    if least <= n / 2:
        return 1.0 if least <= 0 else 1 - binomial_tail(n, n - least + 1)
    if least > n:
        return 0.0
    if n <= EXACT:
        return sum(math.comb(n, k) for k in range(least, n + 1)) / (1 << n)
    logarithm = math.lgamma(n + 1) - math.lgamma(least + 1) - math.lgamma(n - least + 1)
    total = term = math.exp(logarithm - n * math.log(2))
    for k in range(least, n):
        term *= (n - k) / (k + 1)
        total += term
        if term <= total * 1e-17:
            break
    return total


def median_interval(sample: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The median and the narrowest symmetric order-statistic interval of that confidence.

    Raises: ValueError for an empty sample or one that holds a NaN.
    """
    if not sample or any(math.isnan(value) for value in sample):
        raise ValueError("an interval needs one number or more, and no NaN")
    ordered = sorted(sample)
    n = len(ordered)
    rank, most = 1, n // 2
    while rank < most:  # coverage falls as ranks rise
        middle = (rank + most + 1) // 2
        if coverage_of_ranks(n, middle) >= confidence:
            rank = middle
        else:
            most = middle - 1
    return Interval(
        median(ordered), ordered[rank - 1], ordered[n - rank], coverage_of_ranks(n, rank), n
    )


def log_ratios(base: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """ln(base / other) for each round that both have: above 0 where `other` is quicker."""
    return [
        math.log(base[key]) - math.log(other[key]) for key in sorted(base.keys() & other.keys())
    ]


def sign_test(sample: Sequence[float], bound: float = 0.0) -> float:
    """One-sided p-value against "the median is at most `bound`": the exact sign test.

    Ties with the bound speak against the alternative (conservative).
    """
    return binomial_tail(len(sample), sum(value > bound for value in sample))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given, for one family of tests.

    Holm, A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for step, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def spread(sample: Sequence[float]) -> float:
    """1.4826 times the median absolute deviation: a standard deviation's robust stand-in."""
    middle = median(sample)
    return 1.4826 * median([abs(value - middle) for value in sample])
