"""Draws lines over x in panels of one scale, each line labelled at its end."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ipcbench.reports.charts.chart import BLANK, Axis, Curves, Line, Panel
from ipcbench.reports.charts.style import PAPER
from ipcbench.reports.drawing.canvas import (
    HEAD,
    LONGEST_LABEL,
    NARROW,
    PANEL_HEAD,
    WIDTH,
    Sheet,
    head,
    length,
    plain,
    scale_y,
    tick,
)
from ipcbench.reports.drawing.canvas import spread as spread_out

_LEFT = 0.82  # for the y axis
_FOOT = 0.46  # for the x axis
_BETWEEN = 0.22  # panels
_LABEL = 7.5  # points
_LINE = 0.135  # inches from one label to the next
_LEAST = 1.45  # inches of a panel's width
_TALL = 2.15


def figure(title: str, note: str, curves: Curves) -> Figure:
    columns = max(1, min(curves.columns, len(curves.panels)))
    width = WIDTH if columns > 1 else NARROW
    gutters = _gutters(curves.panels, columns)
    while columns > 1 and _room(width, columns, gutters) < _LEAST:
        columns -= 1
        gutters = _gutters(curves.panels, columns)
    across = _room(width, columns, gutters)
    most = max(len(_labelled(panel)) for panel in curves.panels)
    tall = max(_TALL, most * _LINE)
    rows = math.ceil(len(curves.panels) / columns)
    sheet = Sheet(width, HEAD + rows * (PANEL_HEAD + tall) + _FOOT, title, note)
    limits = _limits(curves)
    for index, panel in enumerate(curves.panels):
        if panel is BLANK:
            continue
        row, column = divmod(index, columns)
        left = _LEFT + column * (across + _BETWEEN) + sum(gutters[:column])
        axes = sheet.axes(left, HEAD + PANEL_HEAD + row * (PANEL_HEAD + tall), across, tall)
        _draw(axes, panel)
        head(axes, panel.title, panel.note, across + gutters[column])
        _scale(axes, curves, limits, across)
        bottom = all(below is BLANK for below in curves.panels[index + columns :: columns])
        axes.tick_params(labelbottom=bottom, labelleft=column == 0, length=3)
        if column == 0:
            axes.set_ylabel(curves.y_label)
        if bottom:
            axes.set_xlabel(curves.x_label)
        if _speaks(curves.panels, index, columns):
            _end_labels(axes, _labelled(panel), limits, across, tall)
    return sheet.figure


def _room(width: float, columns: int, gutters: list[float]) -> float:
    """Inches of each panel's width."""
    return (width - _LEFT - 0.05 - sum(gutters) - _BETWEEN * (columns - 1)) / columns


def _labelled(panel: Panel) -> list[Line]:
    return [*panel.lines, panel.reference] if panel.reference else panel.lines


def _speaks(panels: list[Panel], index: int, columns: int) -> bool:
    """Whether a panel labels its lines; the last of a row speaks for those with the same ones."""
    start = index - index % columns
    row = panels[start : start + columns]
    last = [panel for panel in row if panel is not BLANK][-1]
    if panels[index] is last:
        return True
    names = {line.label for line in last.lines}
    return not all({line.label for line in panel.lines} <= names for panel in row)


def _gutters(panels: list[Panel], columns: int) -> list[float]:
    """Inches right of each column."""
    found = [0.0] * columns
    for index, panel in enumerate(panels):
        if panels[index] is not BLANK and _speaks(panels, index, columns):
            longest = max((length(line.label, _LABEL) for line in _labelled(panel)), default=0.0)
            found[index % columns] = max(found[index % columns], 0.42 + longest)
    return found


def _draw(axes: Axes, panel: Panel) -> None:
    if panel.reference:
        axes.add_line(Line2D(*_points(panel.reference), zorder=1.5, **_look(panel.reference)))
    for line in panel.lines:
        axes.add_line(Line2D(*_points(line), **_look(line)))
    bars = [
        ([(place(x), low), (place(x), high)], line.style.color)
        for line in panel.lines
        for x, low, high in zip(line.x, line.low, line.high, strict=True)
    ]
    axes.add_collection(
        LineCollection(
            [bar for bar, _ in bars], colors=[color for _, color in bars], linewidths=1.5
        )
    )


def _points(line: Line) -> tuple[list[float], list[float]]:
    return [place(x) for x in line.x], line.y


def _look(line: Line) -> dict[str, Any]:
    style = line.style
    return {
        "color": style.color,
        "linestyle": style.line,
        "linewidth": 1.3 if style.marker else 1.0,
        "marker": style.marker or None,
        "markersize": 4.5,
        "markerfacecolor": style.color if style.filled else PAPER,
        "markeredgecolor": style.color,
        "markeredgewidth": 0.9,
    }


def _end_labels(
    axes: Axes, lines: list[Line], limits: tuple[float, float], across: float, tall: float
) -> None:
    """Each line's name beside its end, moved apart where they collide, with a thin leader.

    The leader of a line that ends before the others begins at the panel's edge: one that
    crossed the panel would look like data.
    """
    low, high = map(math.log, limits)
    right, last = axes.get_xlim(), axes.xaxis.get_majorticklocs()[-1]
    ends = [(math.log(line.y[-1]) - low) / (high - low) * tall for line in lines]
    places = spread_out(ends, _LINE, 0.03, tall - 0.03)
    leaders: list[list[tuple[float, float]]] = []
    for line, end, at in zip(lines, ends, places, strict=True):
        start = 1.0
        if place(line.x[-1]) >= last:
            start = math.log(place(line.x[-1]) / right[0]) / math.log(right[1] / right[0])
        begin, mark = 1 + 0.16 / across, 1 + 0.24 / across
        turn = 1 + 0.03 / across
        leaders.append([(start, end / tall), (turn, end / tall), (begin, at / tall)])
        look = {**_look(line), "linestyle": "none" if line.style.marker else "-"}
        ends_of = [mark] if line.style.marker else [begin, mark + 0.06 / across]
        axes.add_line(
            Line2D(
                ends_of,
                [at / tall] * len(ends_of),
                transform=axes.transAxes,
                clip_on=False,
                **look,
            )
        )
        axes.text(
            1 + 0.33 / across,
            at / tall,
            plain(line.label, LONGEST_LABEL),
            transform=axes.transAxes,
            fontsize=_LABEL,
            va="center_baseline",
        )
    axes.add_collection(
        LineCollection(
            leaders,
            transform=axes.transAxes,
            colors=[line.style.color for line in lines],
            linewidths=0.5,
            alpha=0.7,
            clip_on=False,
        ),
        autolim=False,
    )


def place(value: int) -> float:
    """Where a number stands on a logarithmic axis; a message of 0 bytes left of all others."""
    return float(value) if value > 0 else 0.5


def _limits(curves: Curves) -> tuple[float, float]:
    lines = [line for panel in curves.panels for line in panel.lines]
    values = [y for line in lines for y in (*line.low, *line.high)]
    low, high = min(values), max(values)
    if curves.y_limits:
        low, high = min(low, curves.y_limits[0]), max(high, curves.y_limits[1])
    return low / 1.25, high * 1.25


def _scale(axes: Axes, curves: Curves, limits: tuple[float, float], across: float) -> None:
    xs = sorted({x for panel in curves.panels for line in panel.lines for x in line.x})
    axes.set_xscale("log", base=2)
    most = max(2, int(across / 0.34))
    shown = xs if len(xs) <= most else xs[:: math.ceil(len(xs) / most)]
    texts = {place(x): "0" if x == 0 else tick(curves.x_kind, x) for x in shown}
    axes.xaxis.set_major_locator(FixedLocator(list(texts)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: texts.get(value, "")))
    margin = 1.5 if curves.x_kind is Axis.BYTES else 1.12
    axes.set_xlim(place(xs[0]) / margin, place(xs[-1]) * margin)
    scale_y(axes, curves.y_kind, *limits)
