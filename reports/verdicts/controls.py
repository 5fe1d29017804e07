"""Controls of a run beside their originals: twins, which show noise, and slowed ones.

Both are compared by the test of contests (`ipcbench.bench.decisions.comparison`), not paired by
round: drift is subtracted as for contests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import log_ratio, log_ratio_limits
from ipcbench.bench.decisions.contest import LEVEL
from ipcbench.bench.decisions.contests import band_of
from ipcbench.bench.decisions.sensitivity import ONE_SIDED, could_see
from ipcbench.bench.decisions.situation import situation_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval
from ipcbench.reports.model import Measured, grouped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 200  # controls that are compared: a journal is untrusted, and no run has as many
MOST_GROUPS = 20  # originals whose runs are resampled, of a placement
MOST_ROUNDS = 96  # that are resampled
KNOWN = (0.2, 3.0)  # times what was asked for: a delay beyond was not calibrated


@dataclass(frozen=True, slots=True)
class Control:
    """A control beside its original.

    Attributes:
        ratio: time of the control divided by time of its original; None without a common round.
        band: the relative difference up to which a twin is equal to its original.
        slow_down: the share of a round trip that the delay of a slowed control adds, else 0.
    """

    cell: Cell
    ratio: Interval | None
    band: float
    severity: Severity
    verdict: str
    slow_down: float = 0.0

    @property
    def width(self) -> float:
        """The largest relative difference that the interval of a twin allows."""
        assert self.ratio is not None
        return max(self.ratio.high - 1, 1 - self.ratio.low)

    @property
    def is_missed(self) -> bool:
        """True for a slowed control whose slow-down was not found."""
        return self.verdict == MISSED


FOUND, MISSED = "found", "not found"


class Controls:
    """The controls of a run. `delays`: slowed control -> the share that its delay adds."""

    def __init__(self, cells: Sequence[Measured], delays: Mapping[str, float]) -> None:
        placements = {one.cell.id: one.cell.placement for one in cells}
        self._aligner = Aligner({one.cell.id: one.times for one in cells}, placements.__getitem__)
        self._cells = cells
        originals = {one.cell.id: one for one in cells if not one.cell.is_control}
        self.found = [
            self._control(one, originals.get(one.cell.original.id), delays.get(one.cell.id, 0.0))
            for one in [one for one in cells if one.cell.is_control][:MOST]
        ]

    def _control(self, one: Measured, original: Measured | None, delay: float) -> Control:
        band = band_of(situation_of(one.cell, one.facts))
        ratio = self._ratio(one, original) if original else None
        disturbed = one.disturbed or (original is not None and original.disturbed)
        trouble = _trouble(ratio, disturbed=disturbed)
        if trouble:
            severity = Severity.NOTE if one.cell.slowed else Severity.WARNING
            return Control(one.cell, ratio, band, severity, trouble, delay)
        assert ratio is not None
        if one.cell.slowed:
            return Control(one.cell, ratio, band, *_slowed(ratio, delay, one.cell.slowed), delay)
        return Control(one.cell, ratio, band, *_grade(ratio, band))

    def _ratio(self, one: Measured, original: Measured) -> Interval | None:
        rounds = _common([one, original])
        if not rounds:
            return None
        logs = self._aligner.aligned([original.cell.id, one.cell.id], rounds)
        first, second = logs[original.cell.id], logs[one.cell.id]
        low, high = log_ratio_limits(first, second, ONE_SIDED, ONE_SIDED)
        # Where the level cannot be reached, the whole range.
        limits = (
            max(float(low), first_to(first, second)),
            min(float(high), -first_to(second, first)),
        )
        middle = float(log_ratio(first, second))
        return Interval(middle, *limits, 1 - LEVEL, len(rounds)).exp()

    def could_see(self, placement: str, rounds: int = 0) -> tuple[float | None, int] | None:
        """Return the smallest slow-down that so many runs could show, and their number.

        Without a number, it is that of the placement's median cell. None: no control and its
        original have enough runs.
        """
        cells = [one for one in self._cells if one.cell.placement == placement]
        groups: list[list[NDArray[np.float64]]] = []
        for members in grouped(cells, lambda one: one.cell.original.id).values():
            common = _common(members)
            if len(members) > 1 and len(common) >= ENOUGH_ROUNDS and len(groups) < MOST_GROUPS:
                logs = self._aligner.aligned([one.cell.id for one in members], common)
                groups.append(list(logs.values()))
        if not groups:
            return None
        usual = int(median(len(one.times) for one in cells if not one.cell.is_control))
        count = min(rounds or usual, MOST_ROUNDS)
        return could_see(groups, count), count


def first_to(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the smallest difference between a value of the second sample and one of the first."""
    return float(second.min() - first.max())


def _common(cells: Iterable[Measured]) -> list[int]:
    """Return the rounds that all of the cells have."""
    return sorted(set.intersection(*({*one.times} for one in cells)))


def _trouble(ratio: Interval | None, *, disturbed: bool) -> str:
    """Return why a control tells nothing; "" where it tells something."""
    if ratio is None:
        return "no control: no round has both"
    if disturbed:
        return "disturbed"
    return "" if ratio.verdict_possible else "too few rounds"


def _slowed(ratio: Interval, delay: float, asked: int) -> tuple[Severity, str]:
    low, high = KNOWN
    if not low * asked / 100 <= delay <= high * asked / 100:
        return Severity.NOTE, "its delay was not calibrated"
    return (Severity.OK, FOUND) if ratio.low > 1 else (Severity.NOTE, MISSED)


def _grade(ratio: Interval, band: float) -> tuple[Severity, str]:
    if 1 - band <= ratio.low and ratio.high <= 1 + band:
        return Severity.OK, "good"
    if ratio.low > 1 + band or ratio.high < 1 - band:
        return Severity.PROBLEM, "bad"
    return Severity.WARNING, "undecided"
