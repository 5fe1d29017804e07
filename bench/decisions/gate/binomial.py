"""Interval of a share that was counted: n of N."""

from __future__ import annotations

import math
from collections.abc import Callable

LEVEL = 0.95
HALVINGS = 60  # to the last digits of a float


def clopper_pearson(found: int, of: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval of a binomial share: it covers the truth at least so often.

    Its limits are the shares at which so many or more, so many or fewer, have a probability of
    (1 - `level`) / 2 (Clopper and Pearson, Biometrika 26 (1934) 404-413).

    Raises: ValueError for counts that are none, and for a level outside of 0 to 1.
    """
    if not 0 <= found <= of or not 0 < level < 1:
        raise ValueError(f"no interval for {found} of {of} at {level}")
    tail = (1 - level) / 2
    low = 0.0 if found == 0 else _root(lambda share: _at_least(found, of, share) >= tail)
    high = 1.0 if found == of else _root(lambda share: _at_most(found, of, share) <= tail)
    return low, high


def _root(is_above: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2


def _at_least(found: int, of: int, share: float) -> float:
    return _at_most(of - found, of, 1 - share)


def _at_most(found: int, of: int, share: float) -> float:
    """Return P(binomial(of, share) <= found), from its largest term downwards and upwards."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if found >= of else 0.0
    mode = min(found, int((of + 1) * share))
    odds = share / (1 - share)
    total = term = math.exp(_log_term(mode, of, share))
    for count in range(mode, 0, -1):
        term *= count / (of - count + 1) / odds
        total += term
        if term <= total * 1e-18:
            break
    term = math.exp(_log_term(mode, of, share))
    for count in range(mode, found):
        term *= (of - count) / (count + 1) * odds
        total += term
        if term <= total * 1e-18:
            break
    return min(1.0, total)


def _log_term(count: int, of: int, share: float) -> float:
    ways = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    return ways + count * math.log(share) + (of - count) * math.log1p(-share)
