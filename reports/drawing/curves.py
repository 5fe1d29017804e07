"""Drawing of curves in panels of one scale, each curve labelled at its end."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ipcbench.reports.charts.axis import Axis
from ipcbench.reports.charts.chart import BLANK, Curve, Curves, Panel
from ipcbench.reports.charts.style import PAPER
from ipcbench.reports.drawing.canvas import (
    HEAD,
    LONGEST_LABEL,
    NARROW,
    WIDTH,
    Sheet,
    head,
    length,
    panel_head,
    printable,
    scale_y,
    tick,
)
from ipcbench.reports.drawing.canvas import spread as spread_out

_LEFT = 0.82  # for the y axis
_FOOT = 0.46  # for the x axis
_BETWEEN = 0.22  # panels
_LABEL = 7.5  # points
_LINE = 0.135  # inches from one label to the next
_LEAST = 1.45  # the least width of a panel, inches
_TALL = 2.15  # the height of a panel, inches


def sheet_of(title: str, note: str, curves: Curves) -> Sheet:
    columns = max(1, min(curves.columns, len(curves.panels)))
    width = WIDTH if columns > 1 else NARROW
    gutters = _gutters(curves.panels, columns)
    while columns > 1 and _panel_width(width, columns, gutters) < _LEAST:
        columns -= 1
        gutters = _gutters(curves.panels, columns)
    across = _panel_width(width, columns, gutters)
    most = max(len(_labelled(panel)) for panel in curves.panels)
    tall = max(_TALL, most * _LINE)
    rows = math.ceil(len(curves.panels) / columns)
    above = panel_head(
        (panel.note, across + gutters[index % columns])
        for index, panel in enumerate(curves.panels)
        if panel is not BLANK
    )
    drawing = Sheet(width, HEAD + rows * (above + tall) + _FOOT, title, note)
    limits = _limits(curves)
    for index, panel in enumerate(curves.panels):
        if panel is BLANK:
            continue
        row, column = divmod(index, columns)
        left = _LEFT + column * (across + _BETWEEN) + sum(gutters[:column])
        axes = drawing.axes(left, HEAD + above + row * (above + tall), across, tall)
        _draw(drawing, axes, curves, panel)
        head(axes, panel.title, panel.note, across + gutters[column])
        _scale(axes, curves, limits, across)
        bottom = all(below is BLANK for below in curves.panels[index + columns :: columns])
        axes.tick_params(labelbottom=bottom, labelleft=column == 0, length=3)
        if column == 0:
            axes.set_ylabel(curves.y_label)
        if bottom:
            axes.set_xlabel(curves.x_label)
        if _has_labels(curves.panels, index, columns):
            _end_labels(axes, _labelled(panel), limits, across, tall)
    return drawing


def _panel_width(width: float, columns: int, gutters: list[float]) -> float:
    """Compute the width of each panel in inches."""
    return (width - _LEFT - 0.05 - sum(gutters) - _BETWEEN * (columns - 1)) / columns


def _labelled(panel: Panel) -> list[Curve]:
    return [*panel.curves, panel.reference] if panel.reference else panel.curves


def _has_labels(panels: list[Panel], index: int, columns: int) -> bool:
    """Decide if a panel labels its curves: the last of a row does, for those with the same ones."""
    start = index - index % columns
    row = panels[start : start + columns]
    last = [panel for panel in row if panel is not BLANK][-1]
    if panels[index] is last:
        return True
    names = {curve.label for curve in last.curves}
    return not all({curve.label for curve in panel.curves} <= names for panel in row)


def _gutters(panels: list[Panel], columns: int) -> list[float]:
    """Compute the inches to the right of each column, for labels."""
    found = [0.0] * columns
    for index, panel in enumerate(panels):
        if panels[index] is not BLANK and _has_labels(panels, index, columns):
            longest = max((length(curve.label, _LABEL) for curve in _labelled(panel)), default=0.0)
            found[index % columns] = max(found[index % columns], 0.42 + longest)
    return found


def _draw(drawing: Sheet, axes: Axes, body: Curves, panel: Panel) -> None:
    if panel.reference:
        axes.add_line(Line2D(*_points(panel.reference), zorder=1.5, **_look(panel.reference)))
    for curve in panel.curves:
        named = drawing.name_markers(body.marks(panel, curve))
        axes.add_line(Line2D(*_points(curve), gid=named, **_look(curve)))
    bars = [
        ([(log_x(x), low), (log_x(x), high)], curve.style.color)
        for curve in panel.curves
        for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)
    ]
    axes.add_collection(
        LineCollection(
            [bar for bar, _ in bars], colors=[color for _, color in bars], linewidths=1.5
        )
    )


def _points(curve: Curve) -> tuple[list[float], list[float]]:
    return [log_x(x) for x in curve.x], curve.y


def _look(curve: Curve) -> dict[str, Any]:
    style = curve.style
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
    axes: Axes, curves: list[Curve], limits: tuple[float, float], across: float, tall: float
) -> None:
    """Write the name of each curve beside its end, with a thin leader to the label.

    Labels that collide are moved apart. The leader of a curve that ends before
    the others starts at the panel's edge: across the panel it would look like data.
    """
    low, high = map(math.log, limits)
    right, last = axes.get_xlim(), axes.xaxis.get_majorticklocs()[-1]
    ends = [(math.log(curve.y[-1]) - low) / (high - low) * tall for curve in curves]
    heights = spread_out(ends, _LINE, 0.03, tall - 0.03)
    leaders: list[list[tuple[float, float]]] = []
    for curve, end, at in zip(curves, ends, heights, strict=True):
        start = 1.0
        if log_x(curve.x[-1]) >= last:
            start = math.log(log_x(curve.x[-1]) / right[0]) / math.log(right[1] / right[0])
        begin, mark = 1 + 0.16 / across, 1 + 0.24 / across
        turn = 1 + 0.03 / across
        leaders.append([(start, end / tall), (turn, end / tall), (begin, at / tall)])
        look = {**_look(curve), "linestyle": "none" if curve.style.marker else "-"}
        ends_of = [mark] if curve.style.marker else [begin, mark + 0.06 / across]
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
            printable(curve.label, LONGEST_LABEL),
            transform=axes.transAxes,
            fontsize=_LABEL,
            va="center_baseline",
        )
    axes.add_collection(
        LineCollection(
            leaders,
            transform=axes.transAxes,
            colors=[curve.style.color for curve in curves],
            linewidths=0.5,
            alpha=0.7,
            clip_on=False,
        ),
        autolim=False,
    )


def log_x(value: int) -> float:
    """Map a number to its position on a logarithmic axis; 0 bytes is left of all others."""
    return float(value) if value > 0 else 0.5


def _limits(curves: Curves) -> tuple[float, float]:
    drawn = [curve for panel in curves.panels for curve in panel.curves]
    values = [y for curve in drawn for y in (*curve.low, *curve.high)]
    low, high = min(values), max(values)
    if curves.y_limits:
        low, high = min(low, curves.y_limits[0]), max(high, curves.y_limits[1])
    return low / 1.25, high * 1.25


def _scale(axes: Axes, curves: Curves, limits: tuple[float, float], across: float) -> None:
    xs = sorted({x for panel in curves.panels for curve in panel.curves for x in curve.x})
    axes.set_xscale("log", base=2)
    most = max(2, int(across / 0.34))
    shown = xs if len(xs) <= most else xs[:: math.ceil(len(xs) / most)]
    texts = {log_x(x): "0" if x == 0 else tick(curves.x_kind, x) for x in shown}
    axes.xaxis.set_major_locator(FixedLocator(list(texts)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: texts.get(value, "")))
    margin = 1.5 if curves.x_kind is Axis.BYTES else 1.12
    axes.set_xlim(log_x(xs[0]) / margin, log_x(xs[-1]) * margin)
    scale_y(axes, curves.y_kind, *limits)
