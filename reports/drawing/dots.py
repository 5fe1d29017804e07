"""Drawing of rows of dots with their intervals, panels side by side over the same rows."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from ipcbench.reports.charts.axis import Axis
from ipcbench.reports.charts.chart import DotPanel, Dots
from ipcbench.reports.charts.style import GRID, MUTED, PAPER, family_color
from ipcbench.reports.drawing.canvas import (
    HEAD,
    NARROW,
    WIDTH,
    Sheet,
    head,
    length,
    panel_head,
    printable,
    scale_x,
)

_ROW = 0.185  # inches
_LABEL = 8  # points
LONGEST_ROW = 60  # letters of a label: half of a narrow chart
_FOOT = 0.5
_LEGEND = 0.22
_BETWEEN = 0.25  # panels


def sheet_of(title: str, note: str, dots: Dots) -> Sheet:
    width = WIDTH if len(dots.panels) > 1 else NARROW
    heights, headings, total = _heights(dots)
    left = 0.34 + max(length(row.label, _LABEL, LONGEST_ROW) for row in dots.rows)
    tall = total * _ROW
    legend = _LEGEND if dots.series[0].name else 0.0
    across = (width - left - 0.2 - _BETWEEN * (len(dots.panels) - 1)) / len(dots.panels)
    titled = any(panel.title for panel in dots.panels)
    heading = panel_head((panel.note, across) for panel in dots.panels) if titled else 0.08
    top = HEAD + legend + heading
    drawing = Sheet(width, top + tall + _FOOT, title, note)
    limits = _limits(dots)
    for index, panel in enumerate(dots.panels):
        axes = drawing.axes(left + index * (across + _BETWEEN), top, across, tall)
        axes.set_ylim(total, 0)
        scale_x(axes, dots.x_kind, *limits)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False, labelleft=False, length=3)
        axes.set_xlabel(dots.x_label)
        if panel.title:
            head(axes, panel.title, panel.note, across)
        _draw(drawing, axes, dots, panel, heights)
    _row_labels(drawing, dots, heights, headings, top)
    if legend:
        _legend(drawing, dots, HEAD + 0.06)
    return drawing


def _heights(dots: Dots) -> tuple[list[float], dict[float, str], float]:
    """Compute the position of each row and of each family's name, and the whole height, in rows."""
    several = len({row.family for row in dots.rows}) > 1
    heights: list[float] = []
    headings: dict[float, str] = {}
    at, family = 0.5, ""
    for row in dots.rows:
        if several and row.family != family:
            at += 0.35 if heights else 0.0
            headings[at] = family = row.family
            at += 1
        heights.append(at)
        at += 1
    return heights, headings, at


def _row_labels(
    sheet: Sheet, dots: Dots, heights: list[float], headings: dict[float, str], top: float
) -> None:
    for at, family in headings.items():
        sheet.text(
            0.1, top + at * _ROW, family, size=_LABEL, weight="bold", color=family_color(family)
        )
    for row, at in zip(dots.rows, heights, strict=True):
        sheet.text(0.2, top + at * _ROW, row.label, size=_LABEL, longest=LONGEST_ROW)


def _draw(drawing: Sheet, axes: Axes, dots: Dots, panel: DotPanel, heights: list[float]) -> None:
    guides, spans, bars, colors = [], [], [], []
    low, high = axes.get_xlim()
    for at, found in zip(heights, panel.dots, strict=True):
        guides.append([(low, at), (high, at)])
        middles = [interval.median for interval in found.values()]
        if len(middles) > 1:
            spans.append([(min(middles), at), (max(middles), at)])
        for index, interval in found.items():
            beside = at + _aside(dots, index)
            bars.append([(interval.low, beside), (interval.high, beside)])
            colors.append(dots.series[index].color)
    axes.add_collection(LineCollection(guides, colors=GRID, linewidths=0.5, zorder=0.5))
    axes.add_collection(LineCollection(spans, colors=MUTED, linewidths=0.8, alpha=0.6, zorder=1.5))
    axes.add_collection(LineCollection(bars, colors=colors, linewidths=2.0, zorder=2))
    for index in reversed(range(len(dots.series))):
        points = [
            (found[index].median, at + _aside(dots, index))
            for at, found in zip(heights, panel.dots, strict=True)
            if index in found
        ]
        x, y = [one for one, _ in points], [one for _, one in points]
        if points:
            rows = [row for row, found in enumerate(panel.dots) if index in found]
            named = drawing.name_markers([dots.mark(panel, row, index) for row in rows])
            axes.add_line(Line2D(x, y, zorder=3, gid=named, **_look(dots, index)))


def _aside(dots: Dots, index: int) -> float:
    """Offset the dots of a series, in rows: dots that coincide must not hide each other."""
    return (index - (len(dots.series) - 1) / 2) * min(0.22, 0.5 / len(dots.series))


def _look(dots: Dots, index: int) -> dict[str, Any]:
    series = dots.series[index]
    return {
        "linestyle": "none",
        "marker": series.marker,
        "markersize": 4.8,
        "markerfacecolor": series.color,
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.5,
    }


def _legend(sheet: Sheet, dots: Dots, top: float) -> None:
    left = 0.16
    for index, series in enumerate(dots.series):
        x, y = left / sheet.width, 1 - top / sheet.height
        mark = Line2D([x], [y], transform=sheet.figure.transFigure, **_look(dots, index))
        sheet.figure.add_artist(mark)
        sheet.text(left + 0.1, top, series.name, size=8.5)
        left += 0.42 + length(printable(series.name), 8.5)


def _limits(dots: Dots) -> tuple[float, float]:
    if dots.x_kind is Axis.SHARE:
        return 0.0, 1.0
    found = [interval for panel in dots.panels for row in panel.dots for interval in row.values()]
    return min(one.low for one in found) / 1.3, max(one.high for one in found) * 1.3
