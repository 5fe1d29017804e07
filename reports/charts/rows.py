"""Layout of rows of dots: points are arranged in charts that stay readable."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.bench.results.axes import FAMILIES, PLACEMENTS, RUNTIMES
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.axis import Axis
from ipcbench.reports.charts.captions import about_placement, conditions, evidence, slug
from ipcbench.reports.charts.chart import Chart, DotPanel, Dots, Row, Series
from ipcbench.reports.charts.style import series
from ipcbench.reports.model import Measured, loop_of, rank, runtimes_of

MOST_ROWS = 72
MOST_SERIES = 6  # kinds of dots in a row
MOST_ABREAST = 3  # panels side by side
MOST_OF_BOTH = 4  # panels side by side where they are those of several runtimes


class DotPanelKey(NamedTuple):
    """The runtime of a panel ("": all), and a title: what all of its dots have in common."""

    runtime: str
    title: str


@dataclass(frozen=True, slots=True)
class Point:
    """One dot: its position, and its value."""

    panel: DotPanelKey
    row: Row
    order: tuple[object, ...]  # of the row
    series: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class DotPlot:
    """The axis and texts of a chart of dots. `series`: the kinds of dots, in order."""

    kind: str  # the first part of the charts' names
    section: str
    title: str
    caption: str
    x_label: str
    series: Sequence[str] = ()
    x_kind: Axis = Axis.SECONDS


def compared(points: Sequence[Point], in_panel: bool = False) -> list[Point]:
    """Leave out rows with a single kind of dot: nothing is compared there."""

    def row_key(point: Point) -> Hashable:
        return point.panel if in_panel else point.panel.runtime, point.row

    kinds: dict[Hashable, set[str]] = {}
    for point in points:
        kinds.setdefault(row_key(point), set()).add(point.series)
    return [point for point in points if len(kinds[row_key(point)]) > 1]


def dot_charts(plot: DotPlot, points: Sequence[Point], cells: Sequence[Measured]) -> list[Chart]:
    """Make as many charts as keep each one readable: few panels side by side, few rows."""
    if not points:
        return []
    heads = {point.row: point.order for point in points}
    rows = sorted(heads, key=lambda row: (rank(FAMILIES, row.family), heads[row]))
    found = {point.series for point in points}
    kinds = sorted(found, key=lambda text: rank(plot.series, text))[:MOST_SERIES]
    drawn_as = [Series(text, *series(index)) for index, text in enumerate(kinds)]
    by: dict[tuple[DotPanelKey, Row], dict[int, Interval]] = {}
    for point in points:
        if point.series in kinds:
            by.setdefault((point.panel, point.row), {})[kinds.index(point.series)] = point.interval
    charts = []
    for abreast in _abreast(list(dict.fromkeys(panel for panel, _ in by))):
        runtimes = {key.runtime for key in abreast}
        theirs = [one for one in cells if one.cell.runtime in runtimes or "" in runtimes]
        shown = [row for row in rows if any((key, row) in by for key in abreast)][:MOST_ROWS]
        drawn = [
            DotPanel(_head(key, len(runtimes) > 1), about_placement(key.title, theirs),
                     [by.get((key, row), {}) for row in shown])
            for key in abreast
        ]  # fmt: skip
        charts.append(
            Chart(
                slug(plot.kind, *runtimes_of(theirs)),
                plot.section,
                plot.title,
                conditions(theirs),
                f"{plot.caption} {evidence(theirs)}",
                Dots(plot.x_kind, plot.x_label, drawn_as, shown, drawn),
            )
        )
    return charts


def _abreast(keys: Sequence[DotPanelKey]) -> list[list[DotPanelKey]]:
    """Choose the panels of each chart: several runtimes together if they fit."""
    by_runtime: dict[str, list[DotPanelKey]] = {}
    for key in keys:
        by_runtime.setdefault(key.runtime, []).append(key)
    loops = []
    for runtime in sorted(by_runtime, key=lambda one: rank(RUNTIMES, one)):
        titles = by_runtime[runtime]
        if {key.title for key in titles} <= set(PLACEMENTS):
            titles.sort(key=lambda key: rank(PLACEMENTS, key.title))
        loops.append(titles)
    if len(loops) > 1 and len(keys) <= MOST_OF_BOTH:
        return [[key for titles in loops for key in titles]]
    return [
        titles[start : start + MOST_ABREAST]
        for titles in loops
        for start in range(0, len(titles), MOST_ABREAST)
    ]


def _head(key: DotPanelKey, several: bool) -> str:
    """Write a panel's title; it names the loop where the chart has several."""
    if not several:
        return key.title
    return f"{loop_of(key.runtime)}, {key.title}" if key.title else loop_of(key.runtime)
