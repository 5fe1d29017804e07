"""The lead of one side of a contest over the other, as its tests show it over all looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ipcbench.bench.decisions.ahead import Samples
from ipcbench.bench.decisions.comparison import log_ratio_limits, p_faster

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
