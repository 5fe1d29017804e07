"""Trust by placement: one line for each, since noise and bursts differ between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ipcbench.bench.results.entries.distances import Distances, distances
from ipcbench.bench.results.records import Round, Run
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.model import Measured, placements_of
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.controls import Control, Controls
from ipcbench.reports.verdicts.finding import SHARE_TO_NOTE

LATE = 1.2  # times the usual start-up time of a cell: something held the run up
SLOW = 1.05  # times the usual time of a cell
_WORDS = ("good", "good", "with reservations", "not to be trusted")


def distances_of(results: Results) -> list[tuple[str, Distances]]:
    """Return the distances of the CPUs of each placement that has several, by its name."""
    runs: dict[str, list[float | None]] = {}
    for one in results.cells.values():
        runs.setdefault(one.cell.placement, []).extend(run.distance for run in one.runs)
    found = ((place(name), distances(known)) for name, known in runs.items())
    return [(name, apart) for name, apart in found if apart is not None]


@dataclass(frozen=True, slots=True)
class Bursts:
    """Runs of a placement that something held up, and how many were slow.

    A disturbance that lasts for several runs lengthens the start of a run as well as its blocks.
    `late`: the runs that took over 1.2 times as long to start as their cell's median.
    """

    runs: int
    late: int
    slow_late: int  # of them, over 5 % slower than the median
    slow_others: int

    @property
    def seen(self) -> bool:
        """True where late runs are common, and are slow at least twice as often as others."""
        others = self.runs - self.late
        return (
            self.late > SHARE_TO_NOTE * self.runs
            and self.slow_late * max(others, 1) >= 2 * self.slow_others * self.late
            and self.slow_late > 0
        )

    @property
    def severity(self) -> Severity:
        grave = self.seen and self.slow_late > SHARE_TO_NOTE * self.runs
        return Severity.WARNING if grave else Severity.NOTE if self.seen else Severity.OK


@dataclass(frozen=True, slots=True)
class Steal:
    """Shares that the hypervisor took of a placement's CPUs: in the median round, in the worst."""

    usual: float
    worst: float
    round: Round

    @property
    def severity(self) -> Severity:
        over = self.worst > SHARE_TO_NOTE
        return Severity.WARNING if over else Severity.NOTE if self.worst > 0 else Severity.OK


@dataclass(frozen=True, slots=True)
class PlaceTrust:
    """Trust in the figures of one placement.

    Attributes:
        severity: OK or NOTE: trusted; WARNING: with reservations; PROBLEM: not to be trusted.
        text: one line, without a full stop.
        width: the largest relative difference that the twins' intervals allow; None: no twin.
        could_see: the smallest slow-down that its runs could show; None: not known, or over 100 %.
        void: the share of its runs that do not count.
    """

    placement: str
    severity: Severity
    text: str
    width: float | None
    could_see: float | None
    void: float
    bursts: Bursts
    steal: Steal | None


def places(results: Results, cells: Sequence[Measured], controls: Controls) -> list[PlaceTrust]:
    """Assess each placement that has a figure."""
    return [_place(name, results, controls) for name in placements_of(cells)]


def _place(placement: str, results: Results, controls: Controls) -> PlaceTrust:
    own = [one for one in results.cells.values() if one.cell.placement == placement]
    runs = [run for one in own for run in one.runs]
    void = sum(bool(run.void) for run in runs) / max(len(runs), 1)
    apart = distances(run.distance for run in runs)
    bursts, steal = bursts_of(own), steal_of(results.rounds, runs)
    here = [one for one in controls.found if one.cell.placement == placement]
    twins = [one for one in here if one.cell.twin]
    widths = [one.width for one in twins if one.ratio and one.ratio.verdict_possible]
    width, seen = max(widths, default=None), controls.could_see(placement)
    severity = max(
        bursts.severity,
        steal.severity if steal else Severity.OK,
        Severity.WARNING if void > SHARE_TO_NOTE else Severity.OK,
        Severity.NOTE if apart and apart.far else Severity.OK,
        *(one.severity for one in here),
    )
    if not twins:
        severity = max(severity, Severity.NOTE)
    parts = [f"{place(placement)}: {_WORDS[severity]}" if twins else f"{place(placement)}: no twin"]
    parts += [f"repeatable {repeats(width)}"] if width is not None else []
    parts += _seen(seen, here)
    parts += [f"{percent(void)} of its runs are void"] if void > SHARE_TO_NOTE else []
    parts += [f"bursts in {percent(bursts.late / bursts.runs)} of its runs"] if bursts.seen else []
    if steal and steal.worst > SHARE_TO_NOTE:
        parts.append(f"steal of {percent(steal.worst)} in its worst round")
    if apart and apart.far:
        parts.append(f"between its CPUs and back, a cache line takes {apart}")
    found = seen[0] if seen else None
    return PlaceTrust(placement, severity, ", ".join(parts), width, found, void, bursts, steal)


def _seen(seen: tuple[float | None, int] | None, controls: Sequence[Control]) -> list[str]:
    """Say what could have been seen, and which slowed controls were not."""
    missed = [
        f"missed a control slowed by {percent(one.slow_down)}" for one in controls if one.is_missed
    ]
    if seen is None:
        return missed
    slow_down, rounds = seen
    if slow_down is None:
        return [f"could not have seen a slow-down by 100 % in {rounds} rounds", *missed]
    return [f"could have seen {percent(slow_down)} in {rounds} rounds", *missed]


def repeats(width: float, to: str = "to ") -> str:
    """Write how far two measurements differ: `to ±4.5 %`, `within a factor of 12.8`.

    A time cannot be shorter by 100 % or more, so a wide difference is a factor.
    """
    return f"{to}±{percent(width)}" if width < 1 else f"within a factor of {1 + width:.3g}"


def percent(share: float) -> str:
    """Write a share with two digits: `4.5 %`, `12 %`."""
    number = share * 100
    return f"{number:.1f} %" if abs(number) < 9.95 else f"{number:.0f} %"


def bursts_of(results: Sequence[CellResult]) -> Bursts:
    """Count the runs that something held up, of those that count."""
    runs = late = slow_late = slow_others = 0
    for one in results:
        times = one.by_round()
        if not times:
            continue
        start, time = median(run.start_up for run in one.good), median(times.values())
        for run in one.good:
            is_late, is_slow = run.start_up > LATE * start, median(run.values) > SLOW * time
            runs += 1
            late += is_late
            slow_late += is_late and is_slow
            slow_others += is_slow and not is_late
    return Bursts(runs, late, slow_late, slow_others)


def steal_of(rounds: Sequence[Round], runs: Sequence[Run]) -> Steal | None:
    """Find the shares that were stolen of the CPUs of some runs; None in older journals."""
    known = [one for one in rounds if one.limit]
    used = {tuple(map(tuple, run.cpus)) for run in runs}
    if not known or not used:
        return None
    shares = [(max(one.share(cpus) for cpus in used), one) for one in known]
    worst, when = max(shares, key=lambda pair: pair[0])
    return Steal(median(share for share, _ in shares), worst, when)
