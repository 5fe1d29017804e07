"""Statistics for small samples: distribution-free, pure functions.

The unit is a new pair of processes, so a sample has one number per round
(docs/method.md calls it a run's value). Nothing here assumes a normal
distribution, or anything about tails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

CONFIDENCE = 0.95
EXACT = 1000  # the largest sample with exact probabilities
ENOUGH_ROUNDS = 6  # with five, even the whole range covers only 93.75 %


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and its order-statistic interval.

    `coverage` is the probability that such an interval covers the true
    median. It is at least the requested confidence, unless the sample is too
    small: then `low` and `high` are the whole range, and `verdict_possible` is
    False.
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
        """Convert an interval of log ratios to one of ratios."""
        return Interval(
            math.exp(self.median), math.exp(self.low), math.exp(self.high), self.coverage, self.n
        )


def coverage_of_ranks(n: int, rank: int) -> float:
    """Return the probability that the `rank`-th smallest and largest of `n` enclose the median.

    With B binomial(n, 1/2): P(rank <= B <= n - rank). `rank` counts from 1.
    (David and Nagaraja, Order Statistics, 3rd ed.)
    """
    return 1 - 2 * binomial_tail(n, n - rank + 1)


def binomial_tail(n: int, least: int) -> float:
    """Return P(binomial(n, 1/2) >= `least`), exact for the usual sample sizes.

    For a large sample, each term is computed from the previous one until they
    are negligible; the relative error is below 1e-7.
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
    """Return the median and the narrowest symmetric order-statistic interval around it.

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
    """Return ln(base / other) of each common round: above 0 where `other` is faster."""
    return [
        math.log(base[key]) - math.log(other[key]) for key in sorted(base.keys() & other.keys())
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of one family of tests; keep their order.

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
