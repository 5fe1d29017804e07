"""Estimates beside the verdicts: what a table shows, and no contest has tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from ipcbench.bench.decisions.comparison import log_ratio, log_ratio_limits
from ipcbench.bench.stats import CONFIDENCE, Interval
from ipcbench.reports.model import Measured

MOST_ROUNDS = 200  # of a sample, so that no journal takes minutes

Samples: TypeAlias = tuple[Sequence[float], Sequence[float]]


def shifts(pairs: Sequence[Samples]) -> list[Interval]:
    """Estimate how much more the second sample of each pair is than the first.

    The estimate is that of Hodges and Lehmann. The limits are the shifts that the test of
    contests does not reject, at `CONFIDENCE` for each estimate alone. Where the rounds are too few
    for it, they are the whole range of the differences, with the coverage that it has by the
    rank-sum statistic. Samples have one number or more.
    """
    alike: dict[tuple[int, int], list[int]] = {}  # sizes of the samples -> indices of the pairs
    for index, (first, second) in enumerate(pairs):
        alike.setdefault((len(first), len(second)), []).append(index)
    found: dict[int, Interval] = {}
    for indices in alike.values():
        found.update(zip(indices, _shifts([pairs[index] for index in indices]), strict=True))
    return [found[index] for index in range(len(pairs))]


def _shifts(pairs: Sequence[Samples]) -> list[Interval]:
    """Estimate the shifts of pairs whose samples have the same sizes."""
    import numpy as np

    first, second = (
        np.array([pair[side][:MOST_ROUNDS] for pair in pairs], dtype=float) for side in (0, 1)
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = log_ratio_limits(first, second, tail, tail)
    coverage = CONFIDENCE
    n, m = first.shape[1], second.shape[1]
    if not (np.isfinite(low) & np.isfinite(high)).all():  # it depends on the sizes alone
        low, high = second.min(axis=1) - first.max(axis=1), second.max(axis=1) - first.min(axis=1)
        coverage = 1 - 2 / math.comb(n + m, n)
    columns = zip(log_ratio(first, second).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(*column, coverage, min(n, m)) for column in columns]


def ratio(slower: Measured, faster: Measured) -> Interval | None:
    """Estimate how many times as fast `faster` is; None without a common round.

    Only rounds that both have count. They are not paired: runs of one round have little in
    common.
    """
    quick, slow = common_times(faster, slower)
    logs = [math.log(time) for time in quick], [math.log(time) for time in slow]
    return shifts([logs])[0].exp() if quick else None


def common_times(first: Measured, second: Measured) -> Samples:
    """Return the times of the rounds that both have."""
    rounds = sorted(first.times.keys() & second.times.keys())
    return [first.times[one] for one in rounds], [second.times[one] for one in rounds]
