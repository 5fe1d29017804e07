"""Rows of the one table of a narrow run: all of its cells, each beside the fastest of its work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipcbench.bench.stats import Interval
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import Measured, grouped, work_order
from ipcbench.reports.percentiles import percentile


@dataclass(frozen=True, slots=True)
class NarrowRow:
    """A cell of a narrow run.

    Attributes:
        p99: of single times, in seconds; None: too few of them.
        alone: no other cell has the same work.
        ratio: its time divided by that of the fastest; None: it is the fastest, or alone, or no
            round has both.
    """

    measured: Measured
    p99: Interval | None
    alone: bool
    ratio: Interval | None

    @property
    def fastest(self) -> bool:
        return self.ratio is None and not self.alone


def narrow_rows(cells: Iterable[Measured]) -> list[NarrowRow]:
    """List the cells, work by work, the fastest first."""
    groups = grouped(sorted(cells, key=work_of), work_of).values()
    return [row for some in groups for row in _rows(sorted(some, key=_time))]


def _rows(some: Sequence[Measured]) -> list[NarrowRow]:
    first = some[0]
    return [
        NarrowRow(
            one,
            percentile(one, 0.99),
            len(some) == 1,
            None if one is first else ratio(one, first),
        )
        for one in some
    ]


def work_of(one: Measured) -> tuple[object, ...]:
    """Return what the bars of a group have in common: all but the facility, loop and waiting."""
    return (*work_order(one.situation), one.cell.size)


def _time(one: Measured) -> tuple[float, str]:
    return one.interval.median, one.cell.id
