"""Rows of the page's table of newest values, and what they say in short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ipcbench.bench.results.axes import LATEST
from ipcbench.bench.results.records import MISSED, TORN, VAIN
from ipcbench.bench.results.units import human_seconds, human_size
from ipcbench.bench.stats import Interval
from ipcbench.reports.model import Measured, loop_of
from ipcbench.reports.names import display, place
from ipcbench.reports.page.rows.tables import Rows, bounded
from ipcbench.reports.page.rows.tails import QUANTILES, Tail, tails

MOST_SENTENCES = 12


@dataclass(frozen=True, slots=True)
class Newest:
    """A cell of the pattern `latest`.

    `missed`, `vain` and `torn` are shares, the median over the runs; None in none of them. `age`
    and `oldest` are the p50 and the p99 of the ages, in nanoseconds, where the sample bears them.
    """

    measured: Measured
    missed: float | None
    vain: float | None
    torn: float | None
    age: Interval | None
    oldest: Interval | None

    @property
    def readers(self) -> int:
        return self.measured.cell.processes - 1

    @property
    def place(self) -> tuple[str, str, int, int]:
        """The axes that compared rows have in common."""
        cell = self.measured.cell
        return cell.runtime, cell.placement, cell.processes, cell.size


def newest(cells: Iterable[Measured]) -> Rows[Newest]:
    """Return the rows, without controls."""
    found = [
        one for one in cells if one.cell.pattern == LATEST and not one.cell.is_control and one.runs
    ]
    ages = {one.measured.cell.id: one for one in tails(found).rows}
    return bounded([_row(one, ages.get(one.cell.id)) for one in found])


def _row(one: Measured, tail: Tail | None) -> Newest:
    return Newest(
        measured=one,
        missed=_share(one, MISSED),
        vain=_share(one, VAIN),
        torn=_share(one, TORN),
        age=tail.percentiles[QUANTILES.index(0.5)] if tail else None,
        oldest=tail.percentiles[QUANTILES.index(0.99)] if tail else None,
    )


def _share(one: Measured, name: str) -> float | None:
    found = [run.observations[name] for run in one.runs if name in run.observations]
    return median(found) if found else None


def in_short(rows: Sequence[Newest]) -> list[str]:
    """Return a sentence for each place with two ways or more: the youngest and the oldest values.

    They are medians, and no verdicts: those are the contests' of the task. Nothing is said of
    fewer rounds than an interval takes.
    """
    places: dict[tuple[str, str, int, int], list[Newest]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    aged = [[one for one in found if _is_known(one)] for found in places.values()]
    several = [found for found in aged if len(found) > 1]
    return [_sentence(found) for found in several[:MOST_SENTENCES]]


def _is_known(row: Newest) -> bool:
    return row.age is not None and row.age.verdict_possible


def _sentence(rows: Sequence[Newest]) -> str:
    aged = sorted(
        ((row.age.median, row) for row in rows if row.age is not None), key=lambda pair: pair[0]
    )
    (young, best), (old, worst) = aged[0], aged[-1]
    cell = best.measured.cell
    readers = "1 reader" if best.readers == 1 else f"{best.readers} readers"
    head = f"{readers}, {human_size(cell.size)}, {place(cell.placement)}, {loop_of(cell.runtime)}"
    if not _apart(best, worst):
        span = f"{human_seconds(young * 1e-9)} to {human_seconds(old * 1e-9)}"
        return f"{head}: the values were {span} old (medians), and no facility is told apart by it."
    return (
        f"{head}: the youngest values came through {display(cell.transport)}, "
        f"{human_seconds(young * 1e-9)} old, the oldest through "
        f"{display(worst.measured.cell.transport)}, {human_seconds(old * 1e-9)} (medians)."
    )


def _apart(young: Newest, old: Newest) -> bool:
    """Tell if the intervals of two ages do not meet."""
    return young.age is not None and old.age is not None and young.age.high < old.age.low
