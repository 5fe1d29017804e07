"""Sensitivity of a run: the smallest slow-down that it could have seen, by resampling. Pure.

Controls are cells that repeat an original, so their runs differ by noise alone, about the median of
each. A resampling draws the runs of two cells from those of two controls of one original, or of one
and the original, slows the second one, and compares both by the test of contests
(`ipcbench.bench.decisions.comparison`). A slow-down could have been seen where that test finds it
in 95 % of the resamplings.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import TYPE_CHECKING, TypeAlias

from ipcbench.bench.decisions.comparison import p_faster
from ipcbench.bench.decisions.contest import LEVEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POWER = 0.95  # the share of resamplings in which it must be found
ONE_SIDED = LEVEL / 2  # of one contest by itself, with one look
DRAWS = 1000
SEED = 14  # the same page from the same run
LARGEST = 1.0  # the largest slow-down that is tried: twice the time
STEPS = 10  # halvings: to a thousandth

Group: TypeAlias = "Sequence[NDArray[np.float64]]"
"""Logarithms of the times of cells that do the same work: an original and its controls."""


def could_see(groups: Sequence[Group], rounds: int, draws: int = DRAWS) -> float | None:
    """Return the smallest slow-down that so many rounds show, as a share of the time.

    None: not even the largest one is found often enough, or no group has two cells.
    """
    import numpy as np

    samples = _resampled(groups, rounds, draws)
    if samples is None:
        return None
    first, second = samples

    def is_seen(slow_down: float) -> bool:
        p = p_faster(first, second, by=-np.log1p(slow_down))
        return bool((p <= ONE_SIDED).mean() >= POWER)

    low, high = 0.0, LARGEST
    if not is_seen(high):
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_seen(middle) else (middle, high)
    return high


def _resampled(
    groups: Sequence[Group], rounds: int, draws: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Draw two samples a resampling, from as many resamplings of each pair of cells."""
    import numpy as np

    pairs = [
        pair
        for group in groups
        for pair in permutations([cell - np.median(cell) for cell in group if len(cell)], 2)
    ]
    if not pairs or rounds < 1:
        return None
    random, each = np.random.default_rng(SEED), -(-draws // len(pairs))
    first = [random.choice(one, (each, rounds)) for one, _ in pairs]
    second = [random.choice(other, (each, rounds)) for _, other in pairs]
    return np.concatenate(first), np.concatenate(second)
