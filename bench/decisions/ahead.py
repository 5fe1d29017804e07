"""One side of a contest against the other: its p-values at a look, and its lead over all looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ipcbench.bench.decisions.comparison import log_ratio_limits, p_faster, rounds_needed
from ipcbench.bench.decisions.contest import Asks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = Mapping[str, "NDArray[np.float64]"]
"""Cell -> logarithms of its times."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The smallest p-value of any candidate against each rival.

    Attributes:
        rivals: the cells of the other side.
        faster: of "a candidate is faster than this rival".
        close: of "a candidate is not slower than this rival by more than the band".
        factor: the correction for the looks and for the choice among candidates.
        rounds: the values of each sample.
        beyond: of "a candidate is faster by more than the band"; empty where that is not asked.
    """

    rivals: Sequence[str]
    faster: Sequence[float]
    close: Sequence[float]
    factor: int
    rounds: int
    beyond: Sequence[float] = ()

    def p_values(self) -> dict[str, float]:
        """Return the corrected p-value of "a candidate is faster", of each rival."""
        return self._corrected(self.faster)

    def p_within(self) -> dict[str, float]:
        """Return that of "a candidate is not slower by more than the band", of each rival."""
        return self._corrected(self.close)

    def p_beyond(self) -> dict[str, float]:
        """Return that of "a candidate is faster by more than the band", of each rival."""
        return self._corrected(self.beyond)

    def _corrected(self, p_values: Sequence[float]) -> dict[str, float]:
        pairs = zip(self.rivals, p_values, strict=True)
        return {rival: min(1.0, self.factor * p) for rival, p in pairs}

    def p_close(self, beaten: Mapping[str, float]) -> float:
        """Return the corrected p-value of "the candidates are behind no rival".

        `beaten`: the p-values of the rivals that are beaten and take no part in this look.
        """
        close = max(min(1.0, self.factor * p) for p in self.close)
        others = (p for rival, p in beaten.items() if rival not in self.rivals)
        return max(close, *others, 0.0)

    def needed_faster(self, level: float) -> float:
        """Return the rounds that it takes to beat every rival at a level; infinity: too many."""
        return self._needed(self.faster, level)

    def needed_close(self, level: float) -> float:
        """Return the rounds that it takes to be behind no rival."""
        return self._needed(self.close, level)

    def needed_beyond(self, level: float) -> float:
        """Return the rounds that it takes to beat every rival by more than the band."""
        return self._needed(self.beyond, level)

    def _needed(self, p_values: Sequence[float], level: float) -> float:
        found = rounds_needed(p_values, self.rounds, level / self.factor)
        return float(found.max())


def ahead(
    candidates: Sequence[str],
    rivals: Sequence[str],
    samples: Samples,
    *,
    band: float,
    factor: int,
    asks: Asks = Asks.DIRECTION,
) -> Ahead:
    """Test the candidates against each rival.

    Args:
        samples: cell -> logarithms of its times, the same number of each cell.
        band: the relative difference up to which two cells are close.
        asks: with `BAND`, they are also tested for a lead by more than the band.
    """
    import numpy as np

    ours = np.stack([samples[cell] for cell in candidates])[:, None, :]
    theirs = np.stack([samples[cell] for cell in rivals])[None, :, :]
    wide = math.log1p(band)
    shifts = [0.0, -wide, wide] if asks is Asks.BAND else [0.0, -wide]
    p = p_faster(ours, theirs, np.array(shifts)[:, None, None]).min(axis=1).tolist()
    faster, close, *beyond = p
    return Ahead(rivals, faster, close, factor, ours.shape[-1], beyond[0] if beyond else ())


class Compared(NamedTuple):
    """The cells of one look, seen from one side."""

    candidates: Sequence[str]
    rivals: Sequence[str]
    logs: Samples


@dataclass(slots=True)
class Lead:
    """The largest shift by which the candidates of a side are ahead of every rival.

    A candidate is ahead of a rival by a shift where `p_faster` is at most the level, at any look. A
    limit takes many comparisons. So the closest rival is searched first, and the others only
    where no candidate is ahead of them by its limit.
    """

    looks: Sequence[Compared]
    level: float
    value: float = math.inf
    left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the closest rival first."""
        rivals = dict.fromkeys(rival for look in self.looks for rival in look.rivals)
        self.left = sorted(rivals, key=self._distance)

    def pairs(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Yield the samples of each candidate and of the closest rival that is left."""
        for look in self.looks:
            if self.left and self.left[0] in look.rivals:
                for candidate in look.candidates:
                    yield look.logs[candidate], look.logs[self.left[0]]

    def take(self, limit: float) -> None:
        """Take the limit against that rival; keep the rivals that may be closer."""
        self.value = min(self.value, limit)
        rivals = self.left[1:] if self.value > -math.inf else []
        for look in self.looks:
            here = [rival for rival in rivals if rival in look.rivals]
            if here:
                ours = _stacked(look, look.candidates)[:, None, :]
                p = p_faster(ours, _stacked(look, here)[None, :, :], self.value).min(axis=0)
                behind = {
                    one for one, each in zip(here, p.tolist(), strict=True) if each <= self.level
                }
                rivals = [rival for rival in rivals if rival not in behind]
        self.left = rivals

    def _distance(self, rival: str) -> float:
        """Return about how far the best candidate is ahead of a rival, at its last look."""
        import numpy as np

        last = [look for look in self.looks if rival in look.rivals][-1]
        ours = np.median(_stacked(last, last.candidates), axis=1).min()
        return float(np.median(last.logs[rival]) - ours)


def search(leads: Sequence[Lead]) -> None:
    """Find all leads; the limits of samples of one length are computed together."""
    import numpy as np

    while unfinished := [one for one in leads if one.left]:
        by_length: dict[int, list[int]] = {}
        pairs = [(index, *pair) for index, one in enumerate(unfinished) for pair in one.pairs()]
        for number, (_, ours, _) in enumerate(pairs):
            by_length.setdefault(len(ours), []).append(number)
        limits = [-math.inf] * len(unfinished)
        for numbers in by_length.values():
            some = [pairs[number] for number in numbers]
            found, _ = log_ratio_limits(
                np.stack([ours for _, ours, _ in some]),
                np.stack([theirs for _, _, theirs in some]),
                [unfinished[index].level for index, _, _ in some],
                0.0,
            )
            for (index, _, _), limit in zip(some, found.tolist(), strict=True):
                limits[index] = max(limits[index], limit)
        for one, limit in zip(unfinished, limits, strict=True):
            one.take(limit)


def _stacked(look: Compared, cells: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    return np.stack([look.logs[cell] for cell in cells])
