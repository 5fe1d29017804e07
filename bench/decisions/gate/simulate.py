"""Simulation of the gate: the same test on pairs that are drawn from recorded ones.

The recorded pairs are of two equal arms, so ln(head / base) has a size that the noise has given it
and a sign that the coin has given it. A drawn pair has a recorded size and a coin of its own;
pairs are drawn in blocks of neighbours, so that bursts stay bursts (Kuensch, Annals of Statistics
17 (1989) 1217-1241). A slow-down adds its logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ipcbench.bench.decisions.gate.arrays import log_capital, log_gains
from ipcbench.bench.decisions.gate.sequential import (
    BETS,
    LEARNED,
    NARROWEST,
    NORMAL,
    SATURATED,
    Rule,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 10  # neighbouring pairs that are drawn together
AT_ONCE = 4000  # cells
POWER = 0.95  # the share in which a slow-down is to be found
LARGEST = 3.0  # the largest slow-down that is tried: four times the time
STEPS = 9  # halvings
SEED = 17

Recorded: TypeAlias = "Sequence[Sequence[float]]"
"""Of each cell its ln(head / base) of equal arms, in the order in which they were measured."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of many cells, in arrays: those in neither array are inconclusive."""

    broken: NDArray[np.bool_]
    passed: NDArray[np.bool_]
    pairs: NDArray[np.int64]  # that each took


@dataclass(frozen=True, slots=True)
class Found:
    """The outcomes of cells that are slowed by one share: how many were judged how.

    Attributes:
        pairs: that a cell takes, on average.
    """

    slow_down: float
    broken: int
    passed: int
    of: int
    pairs: float

    @property
    def power(self) -> float:
        return self.broken / self.of


def judged(differences: NDArray[np.float64], rule: Rule) -> Outcomes:
    """Judge many cells, a row each, as `SequentialTest` does."""
    import numpy as np

    differences = np.clip(differences, -SATURATED, SATURATED)
    cells, pairs = len(differences), min(differences.shape[1], rule.most_pairs)
    found = Outcomes(np.zeros(cells, bool), np.zeros(cells, bool), np.full(cells, pairs))
    open_, logs = np.arange(cells), np.zeros((2, cells, len(BETS)))
    reached, median = np.zeros((2, cells), bool), np.zeros(cells)
    bounds = np.log([[rule.breaks], [rule.passes]])
    for count in range(pairs):
        if not len(open_):
            break
        if count >= LEARNED:
            logs += _gains(differences[:, :count], differences[:, count], median, rule.band)
            reached |= log_capital(logs) >= bounds
        median = np.median(differences[:, : count + 1], axis=1)
        slower = median > rule.band / 2
        broken, passed = reached[0] & slower, reached[1] & ~slower
        decided = broken | passed
        if decided.any():
            found.broken[open_], found.passed[open_] = broken, passed
            found.pairs[open_[decided]] = count + 1
            left = ~decided
            open_, differences, median = open_[left], differences[left], median[left]
            logs, reached = logs[:, left], reached[:, left]
    return found


def _gains(
    earlier: NDArray[np.float64],
    now: NDArray[np.float64],
    centre: NDArray[np.float64],
    band: float,
) -> NDArray[np.float64]:
    """Return the logarithms of the factors of both wagers: (2, cells, bets)."""
    import numpy as np

    spread = NORMAL * np.median(np.abs(earlier - centre[:, None]), axis=1)
    scale = np.maximum(spread, NARROWEST * band)
    over, ahead = np.stack([now, band - now]), np.stack([centre, band - centre])
    return log_gains(over, ahead, scale, band)


def drawn(
    recorded: Recorded, repeats: int, pairs: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the pairs of equal arms, so many cells of each recorded one: a row each."""
    import numpy as np

    blocks = -(-pairs // BLOCK)
    rows = []
    for own in recorded:
        starts = random.integers(len(own), size=(repeats, blocks, 1))
        places = ((starts + np.arange(BLOCK)) % len(own)).reshape(repeats, -1)[:, :pairs]
        rows.append(np.asarray(own)[places])
    sizes = np.concatenate(rows)
    drawn_pairs: NDArray[np.float64] = sizes * random.choice((-1.0, 1.0), sizes.shape)
    return drawn_pairs


def power(
    recorded: Recorded, slow_downs: Sequence[float], rule: Rule, repeats: int, seed: int = SEED
) -> Iterator[Found]:
    """Yield for each slow-down how cells with the noise of the recorded ones are judged."""
    for slow_down in slow_downs:
        parts = list(_judged_in_parts(recorded, slow_down, rule, repeats, seed))
        of = sum(len(part.pairs) for part in parts)
        yield Found(
            slow_down,
            sum(int(part.broken.sum()) for part in parts),
            sum(int(part.passed.sum()) for part in parts),
            of,
            sum(int(part.pairs.sum()) for part in parts) / of,
        )


def smallest_found(
    recorded: Recorded, rule: Rule, repeats: int, share: float = POWER, seed: int = SEED
) -> float | None:
    """Return the smallest slow-down that is found so often; None: not even the largest one.

    The same pairs are drawn for each, so a larger one is found as often or, nearly, more often.
    """
    recorded = [own for own in recorded if own]
    if not recorded:
        return None

    def is_found(slow_down: float) -> bool:
        return next(power(recorded, [slow_down], rule, repeats, seed)).power >= share

    if not is_found(LARGEST):
        return None
    low, high = 0.0, math.log1p(LARGEST)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_found(math.expm1(middle)) else (middle, high)
    return math.expm1(high)


def suites(
    recorded: Recorded, rule: Rule, count: int, seed: int = SEED
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Judge so many suites of the recorded cells, all unchanged.

    Returns:
        False alarms and pairs: (suites, cells).
    """
    import numpy as np

    alarms, pairs = [], []
    for part in _judged_in_parts(recorded, 0.0, rule, count, seed):
        alarms.append(part.broken.reshape(len(recorded), -1).T)
        pairs.append(part.pairs.reshape(len(recorded), -1).T)
    return np.concatenate(alarms), np.concatenate(pairs)


def _judged_in_parts(
    recorded: Recorded, slow_down: float, rule: Rule, repeats: int, seed: int
) -> Iterator[Outcomes]:
    import numpy as np

    random = np.random.default_rng(seed)
    each = max(1, AT_ONCE // len(recorded))
    for done in range(0, repeats, each):
        pairs = drawn(recorded, min(each, repeats - done), rule.most_pairs, random)
        yield judged(pairs + math.log1p(slow_down), rule)
