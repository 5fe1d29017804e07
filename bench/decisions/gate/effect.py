"""Effect of a change on a cell: its size with an interval, and that of the order of the runs.

The interval is what the sequential test does not reject (`sequential`). That test bets against two
shifts of head: none, and the band. Here the same wagers are laid against every other shift: its
lower limit is the smallest shift that was never rejected by the bound of *broken*, its upper limit
the largest one that was never rejected by the bound of *passed*. What was rejected once stays
rejected, so the interval may be looked at after every pair (a confidence sequence: Howard et al.,
Annals of Statistics 49 (2021) 1055-1080). It needs noise that is symmetric about the shift.

Where the test itself has rejected "no change", the lower limit lies above it, and where it has
rejected the band, the upper limit below that: for noise with one peak, what speaks against a
shift speaks against those behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.gate.arrays import log_capital, log_gains
from ipcbench.bench.decisions.gate.sequential import LEARNED, SATURATED, Rule, SequentialTest
from ipcbench.bench.stats import ENOUGH_ROUNDS, median_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FARTHEST = 20.0  # a shift of the logarithm beyond which none is looked for
NEAREST = 1e-3  # of the band: the first step from the median
STEPS = 200  # between them, each larger than the one before
LONE = 300  # candidates at which a single pair speaks most for a shift
HALVINGS = 30
AT_ONCE = 500_000  # bets
APART = 1e-9  # by which a limit differs at least from a shift that was rejected


@dataclass(frozen=True, slots=True)
class SlotEffect:
    """Time of the run that went second divided by that of the first: its median, with an interval.

    `low` and `high` are order statistics of all pairs, at 95 %.
    """

    ratio: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Effect:
    """Head's time divided by base's, and the interval of it that the test leaves.

    `low` is 0 and `high` infinite where there are too few pairs for a limit.
    """

    ratio: float
    low: float
    high: float


def effect(differences: Sequence[float], rule: Rule) -> Effect | None:
    """Return the effect that pairs show, by their ln(head / base) in order; None: no pairs.

    `low` is above 1 exactly where the test has once reached the bound of *broken*, and `high`
    below 1 + delta exactly where it has reached that of *passed*.
    """
    if not differences:
        return None
    test = SequentialTest(rule)
    for each in differences:
        test.add(each)
    shifts = _Shifts(test)
    low, high = shifts.limit(+1), shifts.limit(-1)
    if low > high:  # each was rejected at some time: what lies between them is left
        low, high = high, low
    # The limits of the test itself, to the last digit.
    low = max(low, APART) if test.was_broken else min(low, 0.0)
    high = min(high, rule.band - APART) if test.was_passed else max(high, rule.band)
    at = max(low, min(high, test.median))
    return Effect(*(math.exp(each) if each < SATURATED else math.inf for each in (at, low, high)))


def slot_effect(cells: Iterable[Sequence[tuple[float, str]]]) -> SlotEffect | None:
    """Return the effect of the order, over the pairs of all cells; None: too few pairs.

    Args:
        cells: of each its pairs: ln(head / base), and the arm that went first, "base" or "head".

    The effect of the change is the mean of the medians of both orders of a cell, and is taken out.
    """
    found: list[float] = []
    for pairs in cells:
        orders = [[each for each, first in pairs if first == arm] for arm in ("base", "head")]
        if all(orders):
            change = sum(map(median, orders)) / 2
            found += [each - change for each in orders[0]] + [change - each for each in orders[1]]
    if len(found) < ENOUGH_ROUNDS:
        return None
    interval = median_interval(found)
    ratio, low, high = (
        math.exp(min(each, SATURATED)) for each in (interval.median, interval.low, interval.high)
    )
    return SlotEffect(ratio, low, high, len(found))


class _Shifts:
    """The wagers against shifts, with the pairs of a test."""

    def __init__(self, test: SequentialTest) -> None:
        import numpy as np

        self._test = test
        earlier = SequentialTest(test.rule)
        centres, scales = [], []
        for each in test.differences:
            centres.append(earlier.median)
            scales.append(earlier.scale)
            earlier.add(each)
        self._differences, self._centres, self._scales = (
            np.array(each[LEARNED:])[:, None] for each in (test.differences, centres, scales)
        )

    def limit(self, sign: int) -> float:
        """Return the farthest shift that is not rejected; infinite where there is none.

        Args:
            sign: +1 for the lower limit, -1 for the upper one.
        """
        tested, rejected = (
            (0.0, self._test.was_broken) if sign > 0 else (self._band, self._test.was_passed)
        )
        shifts = self._candidates(sign)
        if rejected:
            shifts = shifts[sign * (shifts - tested) > 0]
        kept = (~self._rejected(shifts, sign)).nonzero()[0]
        if not len(kept):
            return self._test.median
        first = int(kept[0])
        if first == 0 and not rejected:
            return -sign * math.inf
        outside = tested if first == 0 else float(shifts[first - 1])
        return self._boundary(outside, float(shifts[first]), sign)

    def _boundary(self, outside: float, inside: float, sign: int) -> float:
        import numpy as np

        for _ in range(HALVINGS):
            middle = (outside + inside) / 2
            if self._rejected(np.array([middle]), sign)[0]:
                outside = middle
            else:
                inside = middle
        return inside

    def _candidates(self, sign: int) -> NDArray[np.float64]:
        """Return shifts to try, the farthest first.

        Among them are those for which one pair alone speaks most: there a gap may be.
        """
        import numpy as np

        steps = np.geomspace(NEAREST * self._band, FARTHEST, STEPS)
        lone = np.concatenate(
            [self._differences + sign * self._band, (self._differences + self._centres) / 2]
        ).ravel()
        lone = lone[:: -(-len(lone) // LONE) or 1]
        found = np.concatenate([self._test.median - sign * steps, lone, [self._test.median]])
        return sign * np.sort(sign * found)

    def _rejected(self, shifts: NDArray[np.float64], sign: int) -> NDArray[np.bool_]:
        """Return for each shift whether its wager has ever reached the bound."""
        import numpy as np

        pairs = len(self._differences)
        if not pairs or not len(shifts):
            return np.zeros(len(shifts), dtype=bool)
        rule = self._test.rule
        bound = math.log(rule.breaks if sign > 0 else rule.passes)
        parts = np.array_split(shifts, -(-pairs * len(shifts) // AT_ONCE))
        return np.concatenate([self._most(each, sign) >= bound for each in parts])

    def _most(self, shifts: NDArray[np.float64], sign: int) -> NDArray[np.float64]:
        """Return the largest logarithm that the capital of each shift ever had."""
        over, ahead = (sign * (each - shifts) for each in (self._differences, self._centres))
        logs = log_gains(over, ahead, self._scales, self._band).cumsum(axis=0)
        found: NDArray[np.float64] = log_capital(logs).max(axis=0)
        return found

    @property
    def _band(self) -> float:
        return self._test.rule.band
