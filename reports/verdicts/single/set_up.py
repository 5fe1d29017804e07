"""Channels that are set up and removed: the time of each phase, by facility."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ipcbench.bench.results.axes import PLACEMENTS, SET_UP
from ipcbench.bench.results.records import PHASES
from ipcbench.reports.model import Measured, rank

NAMES = tuple(phase.partition(",")[0] for phase in PHASES)


@dataclass(frozen=True, slots=True)
class Phases:
    """The phases of a facility: `seconds`, the median of the runs of each; None: not recorded."""

    measured: Measured
    seconds: Sequence[float | None]


def phases(cells: Iterable[Measured]) -> list[Phases]:
    """Return the facilities whose channels were set up, the fastest of a placement first."""
    found = [one for one in cells if one.cell.pattern == SET_UP and not one.cell.is_control]
    found.sort(key=lambda one: (rank(PLACEMENTS, one.cell.placement), one.interval.median))
    return [Phases(one, [_median(one, phase) for phase in PHASES]) for one in found]


def _median(one: Measured, phase: str) -> float | None:
    known = [run.observations[phase] for run in one.runs if phase in run.observations]
    return median(known) if known else None
