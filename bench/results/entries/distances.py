"""Distances of CPUs, by run: one, or two where the CPUs have been moved.

A distance is the time of a cache line from a CPU to another one and back. On one machine it is a
constant of the two CPUs, but for the clock rate. A virtual machine's CPUs are threads of its host,
which moves them: between cores that share a cache, and cores that share none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ipcbench.bench.results.units import human_seconds, human_share

APART = 1.8  # times the near distance: clock rates differ by less for as long as CPUs are busy
LEAST_SHARE = 0.02  # of the runs: fewer may have been held up


@dataclass(frozen=True, slots=True)
class Distances:
    """The distances of some runs, in seconds.

    Attributes:
        near: the median of the nearer runs.
        far: that of the farther ones; None where all are alike.
        share: the share of the farther runs, 0 where all are alike.
    """

    near: float
    far: float | None = None
    share: float = 0.0

    @property
    def usual(self) -> float:
        """The distance of most runs."""
        return self.near if self.far is None or self.share <= 0.5 else self.far

    def is_far(self, distance: float) -> bool:
        """Tell whether a run of that distance is one of the farther ones."""
        return self.far is not None and distance > APART * self.near

    def differs(self, other: Distances) -> bool:
        """Tell whether most runs were farther apart than most of the other ones, or nearer."""
        low, high = sorted((self.usual, other.usual))
        return high > APART * low

    def __str__(self) -> str:
        """Write them: `98 ns`, `98 ns, and 490 ns in 29 % of the runs`."""
        if self.far is None:
            return human_seconds(self.near)
        near, far = human_seconds(self.near), human_seconds(self.far)
        return f"{near}, and {far} in {human_share(self.share)} of the runs"


def bound_of(found: Iterable[float]) -> float:
    """Return the distance beyond which runs are far: by the nearest tenth of some runs."""
    known = sorted(found)
    return APART * known[len(known) // 10]


def distances(found: Iterable[float | None]) -> Distances | None:
    """Return the distances of some runs; None where none is known."""
    known = sorted(one for one in found if one)
    if not known:
        return None
    bound = bound_of(known)
    near, far = ([one for one in known if (one > bound) == is_far] for is_far in (False, True))
    share = len(far) / len(known)
    if share < LEAST_SHARE:
        return Distances(median(known))
    return Distances(median(near), median(far), share)
