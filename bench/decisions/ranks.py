"""Tiers: the entrants of a task in one situation that no other beats by more than a band.

An entrant is *out* where some other is faster by more than the band. Its p-value combines the
tests against all others by Simes' inequality (Biometrika 73 (1986) 751-754), and Holm's correction
runs over the entrants. The others are the *tier*.

Each look has its share of the level, as in contests. At a look, two entrants are compared in the
first rounds that both have, where they are as many as the look says; in a fixed sweep, in all. The
factor is the number of planned looks, whichever of them a pair reaches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import p_faster
from ipcbench.bench.decisions.contest import LEVEL, LOOKS
from ipcbench.bench.stats import holm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Standing(Enum):
    """The place of an entrant. All but those that are out are the tier."""

    BEST = "smallest median"
    ALIKE = "alike"  # within the band of the best, by two one-sided tests
    OPEN = "not told apart"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Entrant:
    """An entrant and its place.

    Attributes:
        median: seconds, of all its rounds.
        p_out: of "another is faster by more than the band", corrected.
        p_alike: of "it is within the band of the best", corrected.
        beaten_by: the entrant that beats it most clearly; "" unless it is out.
    """

    cell: str
    standing: Standing
    median: float
    p_out: float
    p_alike: float
    beaten_by: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """The entrants of a task in one situation, those with the smallest medians first."""

    band: float
    entrants: tuple[Entrant, ...]

    @property
    def best(self) -> Entrant:
        return self.entrants[0]

    @property
    def members(self) -> tuple[Entrant, ...]:
        return tuple(each for each in self.entrants if each.standing is not Standing.OUT)


def tier_of(
    cells: Sequence[str],
    aligner: Aligner,
    *,
    band: float,
    looks: Sequence[int] = LOOKS,
    level: float = LEVEL,
) -> Tier:
    """Return the tier of entrants; a cell without a run is none.

    The entrant with the smallest median is never out: its times are those that a reader sees.

    Args:
        band: the relative difference up to which two entrants are equal.
        looks: the planned looks; (n,) for a fixed sweep of n rounds.
        level: that of each of the two kinds of statement, "out" and "alike".
    """
    import numpy as np

    times = aligner.times
    medians = {cell: median(times[cell].values()) for cell in cells if times.get(cell)}
    order = sorted(medians, key=medians.__getitem__)
    if not order:
        return Tier(band, ())
    out, alike = np.ones(len(order)), np.ones(len(order) - 1)
    beaten = np.ones((len(order), len(order)))
    for look in looks:
        ahead, close = _tests(order, aligner, look, band, exact=len(looks) > 1)
        beaten = np.minimum(beaten, ahead)
        out = np.minimum(out, len(looks) * _simes(ahead))
        alike = np.minimum(alike, len(looks) * len(order) * np.maximum(close[0], close[1])[1:])
    p_out, p_alike = holm(out.tolist()), [0.0, *holm(alike.tolist())]
    found = []
    for index, cell in enumerate(order):
        standing = _standing(index, p_out[index] <= level, p_alike[index] <= level)
        by = order[int(beaten[:, index].argmin())] if standing is Standing.OUT else ""
        found.append(Entrant(cell, standing, medians[cell], p_out[index], p_alike[index], by))
    return Tier(band, tuple(found))


def _standing(index: int, out: bool, alike: bool) -> Standing:
    if index == 0:
        return Standing.BEST
    if out:
        return Standing.OUT
    return Standing.ALIKE if alike else Standing.OPEN


def _simes(ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p-value of "some other beats it" of each column, without its diagonal.

    With the k-th smallest of r p-values, it is the smallest r p(k) / k: never above r times the
    smallest. It holds for tests that depend on each other positively, as those that share a
    sample do (Sarkar, Annals of Statistics 26 (1998) 494-504).
    """
    import numpy as np

    rivals = len(ahead) - 1
    ordered = np.sort(ahead, axis=0)[:rivals]  # the diagonal is 1, the largest
    ranks = np.arange(1, rivals + 1)[:, None]
    p_values: NDArray[np.float64] = (ordered * rivals / ranks).min(axis=0, initial=1.0)
    return p_values


def _tests(
    order: Sequence[str], aligner: Aligner, look: int, band: float, *, exact: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the p-values of one look, 1 where a pair has too few rounds.

    The first array has in row j and column i "j is faster than i by more than the band". The
    second has "i is not slower than the best by more than the band" and the reverse.
    """
    import numpy as np

    shift = math.log1p(band)
    ahead, close = np.ones((len(order), len(order))), np.ones((2, len(order)))
    for rounds, pairs in _pairs(order, aligner, look, exact=exact):
        samples = aligner.aligned(order, rounds)
        one = np.array([samples[order[first]] for first, _ in pairs])
        other = np.array([samples[order[second]] for _, second in pairs])
        rows, columns = np.array(pairs).T
        ahead[rows, columns] = p_faster(one, other, shift)
        ahead[columns, rows] = p_faster(other, one, shift)
        best = rows == 0
        close[0, columns[best]] = p_faster(other[best], one[best], -shift)
        close[1, columns[best]] = p_faster(one[best], other[best], -shift)
    return ahead, close


def _pairs(
    order: Sequence[str], aligner: Aligner, look: int, *, exact: bool
) -> Iterator[tuple[tuple[int, ...], list[tuple[int, int]]]]:
    """Yield rounds and the pairs, the better median first, that are compared in them."""
    found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for second, cell in enumerate(order):
        for first in range(second):
            common = aligner.times[order[first]].keys() & aligner.times[cell].keys()
            rounds = tuple(sorted(common)[:look])
            if len(rounds) >= (look if exact else 1):
                found.setdefault(rounds, []).append((first, second))
    yield from found.items()
