"""The chart of a narrow run: all of its cells as bars."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.bodies.bars import Bar, BarGroup, Bars
from ipcbench.reports.charts.captions import (
    conditions,
    evidence,
    manner_phrases,
    remark,
    slug,
    way,
)
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style
from ipcbench.reports.charts.sections import CELLS
from ipcbench.reports.model import Measured, grouped, runtimes_of, work_order
from ipcbench.reports.names import a_unit, language, place

NARROW = 12  # cells
_CAPTION = (
    "A group of bars is one kind of work on the same CPUs: its bars can be compared. Each is the "
    "time of one round trip or message. Lower is better; the axis is logarithmic."
)


def is_narrow(cells: Sequence[Measured]) -> bool:
    """Tell whether a run has so few cells that one chart of bars shows them all."""
    return 0 < len(cells) <= NARROW


def all_cells(cells: Sequence[Measured]) -> list[Chart]:
    """Draw all cells of a run as bars, grouped by the work; nothing for a single one."""
    if len(cells) < 2:
        return []
    groups = grouped(sorted(cells, key=_order), _order).values()
    units = list(dict.fromkeys(one.facts.per for one in cells))
    body = Bars(
        Axis.SECONDS,
        f"time of {' or '.join(map(a_unit, units))}",
        [BarGroup(_title(members[0]), _bars(members)) for members in groups],
        ("work", "facility", "time"),
    )
    caption = f"{_CAPTION} {evidence(cells, 'Bars', 'thin lines')}"
    name, title = slug("cells", *runtimes_of(cells)), f"{_all(len(cells))} cells of this run"
    return [Chart(name, CELLS, title, conditions(cells), caption, body)]


def _order(one: Measured) -> tuple[object, ...]:
    """Return what the bars of a group have in common, as a sorting key."""
    return (*work_order(one.situation), one.cell.size)


def _all(number: int) -> str:
    return "Both" if number == 2 else f"All {number}"


def _title(one: Measured) -> str:
    cell = one.cell
    size = f", {short_size(cell.size)}" if cell.size else ""
    several = f", {cell.processes} processes" if cell.processes > 2 else ""
    work = f"{cell.pattern}{size}, {place(cell.placement)}{several}"
    return ", ".join([work, *manner_phrases(cell)])


def _bars(cells: Sequence[Measured]) -> list[Bar]:
    """Name each bar of a group by what the title does not say: all else is the same."""
    several = len(runtimes_of(cells)) > 1
    return [
        Bar(
            f"{way(one)}, {language(one.cell.runtime)}" if several else way(one),
            facility_style(one),
            one.interval,
            remark(one),
        )
        for one in sorted(cells, key=lambda one: one.interval.median)
    ]  # fmt: skip
