"""Layout of rows of dots: points are arranged in charts that stay readable."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.bench.results.axes import FAMILIES, PLACEMENTS, RUNTIMES
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.dots import DotPanel, Dots, Row, Second, Series
from ipcbench.reports.charts.captions import about_placement, conditions, evidence, slug
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import Style, filling
from ipcbench.reports.model import Measured, loop_of, rank, runtimes_of
from ipcbench.reports.names import place

MOST_ROWS = 72
MOST_SERIES = 6  # kinds of dots in a row
MOST_BELOW = 6  # panels, one below the other
MOST_ALIKE = 6  # charts of one kind


class DotPanelKey(NamedTuple):
    """The runtime of a panel ("": all), and a title: what all of its dots have in common."""

    runtime: str
    title: str


class RowKey(NamedTuple):
    """The label of a row, and the family that it stands under."""

    label: str
    family: str


@dataclass(frozen=True, slots=True)
class Point:
    """One dot: its position, its look, and its value with what must be known of it."""

    panel: DotPanelKey
    row: RowKey
    style: Style
    order: tuple[object, ...]  # of the row
    series: str
    interval: Interval
    remark: str


@dataclass(frozen=True, slots=True)
class DotPlot:
    """The axes and texts of a chart of dots. `series`: the kinds of dots, in order."""

    kind: str  # the first part of the charts' names
    section: str
    title: str
    caption: str
    x_label: str
    series: Sequence[str] = ()
    x_kind: Axis = Axis.SECONDS
    second: Second | None = None


def compared(points: Sequence[Point], in_panel: bool = False) -> list[Point]:
    """Leave out rows with a single kind of dot: nothing is compared there."""

    def row_key(point: Point) -> Hashable:
        return point.panel if in_panel else point.panel.runtime, point.row

    kinds: dict[Hashable, set[str]] = {}
    for point in points:
        kinds.setdefault(row_key(point), set()).add(point.series)
    return [point for point in points if len(kinds[row_key(point)]) > 1]


def dot_charts(plot: DotPlot, points: Sequence[Point], cells: Sequence[Measured]) -> list[Chart]:
    """Make as many charts as keep each one readable: few panels, few rows."""
    if not points:
        return []
    found = {point.series for point in points}
    kinds = sorted(found, key=lambda text: rank(plot.series, text))[:MOST_SERIES]
    shown = [point for point in points if point.series in kinds]
    charts = []
    for below in _below(list(dict.fromkeys(point.panel for point in shown)))[:MOST_ALIKE]:
        runtimes = {key.runtime for key in below}
        theirs = [one for one in cells if one.cell.runtime in runtimes or "" in runtimes]
        own = [point for point in shown if point.panel in below]
        charts.append(
            Chart(
                slug(plot.kind, *runtimes_of(theirs)),
                plot.section,
                plot.title,
                conditions(theirs),
                f"{plot.caption} {evidence(theirs)}",
                _body(plot, kinds, below, own, theirs),
            )
        )
    return charts


def _body(
    plot: DotPlot,
    kinds: Sequence[str],
    below: Sequence[DotPanelKey],
    points: Sequence[Point],
    cells: Sequence[Measured],
) -> Dots:
    heads = {point.row: point for point in reversed(points)}
    keys = sorted(heads, key=lambda key: (rank(FAMILIES, key.family), heads[key].order))
    rows = {key: at for at, key in enumerate(keys[:MOST_ROWS])}
    several = len({key.runtime for key in below}) > 1
    panels = []
    for panel in below:
        dots: list[dict[int, Interval]] = [{} for _ in rows]
        notes = {}
        for point in points:
            if point.panel == panel and point.row in rows:
                at, index = rows[point.row], kinds.index(point.series)
                dots[at][index] = point.interval
                if point.remark:
                    notes[at, index] = point.remark
        note = about_placement(panel.title, cells)
        panels.append(DotPanel(_head(panel, several), note, dots, notes))
    return Dots(
        plot.x_kind,
        plot.x_label,
        [Series(place(name), filling(name, at)) for at, name in enumerate(kinds)],
        [Row(key.label, key.family, heads[key].style) for key in rows],
        panels,
        plot.second,
    )


def _below(keys: Sequence[DotPanelKey]) -> list[list[DotPanelKey]]:
    """Choose the panels of each chart: those of several runtimes together if they fit."""
    by_runtime: dict[str, list[DotPanelKey]] = {}
    for key in keys:
        by_runtime.setdefault(key.runtime, []).append(key)
    loops = []
    for runtime in sorted(by_runtime, key=lambda one: rank(RUNTIMES, one)):
        titles = by_runtime[runtime]
        if {key.title for key in titles} <= set(PLACEMENTS):
            titles.sort(key=lambda key: rank(PLACEMENTS, key.title))
        loops.append(titles)
    if len(keys) <= MOST_BELOW:
        return [[key for titles in loops for key in titles]]
    return [
        titles[start : start + MOST_BELOW]
        for titles in loops
        for start in range(0, len(titles), MOST_BELOW)
    ]


def _head(key: DotPanelKey, several: bool) -> str:
    """Write a panel's title; it names the loop where the chart has several."""
    if not several:
        return place(key.title)
    return f"{loop_of(key.runtime)}, {place(key.title)}" if key.title else loop_of(key.runtime)
