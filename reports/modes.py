"""Two modes among the times of a cell's runs.

The noise of a run is often a mixture: some runs are in one regime, others in a second one. A
median then stands in one of them, or between both, and describes neither.

The test is about one gap in the sorted times. If their density has a single mode, it is on one
side of the gap at most, so on the other side the density is nowhere higher than in the gap. The
`m` spacings between the `m + 1` values of that side then are, taken together, at least as wide
beside the gap as those of a uniform sample, whose spacings are in ratio as exponential variables
(R. Pyke, Spacings, Journal of the Royal Statistical Society B 27, 1965):

    P(gap >= r * (sum of the m spacings)) <= (1 + r) ** -m

It is not known which side that is, so the larger probability of the two counts (an
intersection-union test), multiplied by the number of gaps that are looked at (Bonferroni). It
is exact for any density with one mode, and so for small samples as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

FEWEST = 8  # runs
LEAST_SHARE = 0.25  # of the runs, in the smaller mode: fewer are outliers
LEAST_APART = 0.1  # as a share of the lower mode: less changes no decision
LEVEL = 0.05  # the probability to find two modes in a cell that has one is at most this


@dataclass(frozen=True, slots=True)
class Modes:
    """Two groups of runs, the faster ones first: their medians, and how many there are of each."""

    low: float
    high: float
    fast: int
    slow: int

    @property
    def apart(self) -> float:
        """The difference of the medians, as a share of the lower one."""
        return self.high / self.low - 1


def two_modes(times: Sequence[float]) -> Modes | None:
    """Return the two modes of a sample of times above 0; None where it may have a single one."""
    n = len(times)
    if n < FEWEST or min(times) <= 0 or not math.isfinite(max(times)):
        return None
    ordered = sorted(times)
    logs = [math.log(time) for time in ordered]
    least = max(2, math.ceil(LEAST_SHARE * n))
    splits = range(least, n - least + 1)
    split = min(splits, key=lambda at: _p_of_gap(logs, at))
    if _p_of_gap(logs, split) * len(splits) > LEVEL:
        return None
    low, high = median(ordered[:split]), median(ordered[split:])
    found = Modes(low, high, split, n - split)
    return found if found.apart >= LEAST_APART else None


def _p_of_gap(logs: Sequence[float], split: int) -> float:
    """Bound the probability of the gap before `split`, for any density with one mode."""
    gap = logs[split] - logs[split - 1]
    left, right = logs[split - 1] - logs[0], logs[-1] - logs[split]
    return max(_p_of_side(gap, left, split - 1), _p_of_side(gap, right, len(logs) - split - 1))


def _p_of_side(gap: float, width: float, spacings: int) -> float:
    if gap <= 0:
        return 1.0
    return float((width / (width + gap)) ** spacings)
