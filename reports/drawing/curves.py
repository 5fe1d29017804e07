"""Drawing of curves in panels of one scale, each curve labelled at its right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ipcbench.reports.charts.bodies.curves import NEAR, Curve, Curves, Panel
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.palette import BAND, GRID, MUTED
from ipcbench.reports.drawing.canvas import (
    EDGE,
    WIDTH,
    Point,
    Sheet,
    length,
    printable,
    spread,
)
from ipcbench.reports.drawing.panels import X_AXIS, Box, head, head_height, y_axis
from ipcbench.reports.drawing.scales import Scale, log_scale, tick

_LEFT = 0.92  # inches, for the y axis
_TALL = 1.6  # of a panel
_LINE = 0.15  # from one label to the next
_LONGEST = 39  # letters of a label
_LEADER = 0.34  # from the end of a panel to a label
_BAND = 0.62  # the share of a band that its markers take


@dataclass(frozen=True, slots=True)
class Across:
    """Positions on the x axis: of each value, and of each curve beside it where there are bands."""

    xs: Sequence[float]
    scale: Scale
    width: float  # of a band; 0: there are none

    def at(self, x: float, curve: int, curves: int) -> float:
        if not self.width:
            return self.scale.at(_above_zero(x))
        left = self.scale.start + self.width * self.xs.index(x)
        aside = (curve + 0.5) / curves - 0.5
        return left + self.width * (0.5 + aside * _BAND)


def sheet_of(title: str, note: str, curves: Curves) -> Sheet:
    most = max((len(_labelled(panel)) for panel in curves.panels), default=0)
    tall = max(_TALL, most * _LINE)
    heads = [head_height(panel.title, panel.note) for panel in curves.panels]
    body = sum(heads) + len(heads) * (tall + X_AXIS)
    sheet = Sheet(title, note, body)
    widest = max(
        (
            length(curve.label, longest=_LONGEST)
            for panel in curves.panels for curve in _labelled(panel)
        ),
        default=0.0,
    )  # fmt: skip
    right = WIDTH - EDGE - _LEADER - widest
    top = sheet.top
    for panel, above in zip(curves.panels, heads, strict=True):
        head(sheet, top, panel.title, panel.note)
        box = Box(_LEFT, top + above, right, top + above + tall)
        across = _across(curves, box)
        low, high = _limits(curves, curves.panels if curves.common else [panel])
        up = log_scale(curves.y_kind, low, high, box.bottom, box.top)
        y_axis(sheet, box, up, curves.y_label)
        _x_axis(sheet, box, curves, across)
        _draw(sheet, curves, panel, across, up)
        _labels(sheet, panel, box, across, up)
        top = box.bottom + X_AXIS
    return sheet


def _labelled(panel: Panel) -> list[Curve]:
    return [*panel.curves, panel.reference] if panel.reference else panel.curves


def _limits(curves: Curves, panels: Sequence[Panel]) -> tuple[float, float]:
    drawn = [curve for panel in panels for curve in panel.curves]
    values = [y for curve in drawn for y in (*curve.low, *curve.high)]
    low, high = min(values), max(values)
    if curves.y_limits:
        low, high = min(low, curves.y_limits[0]), max(high, curves.y_limits[1])
    return low / 1.25, high * 1.25


def _above_zero(x: float) -> float:
    """Map 0 bytes to the left of all others."""
    return x if x > 0 else 0.5


def _across(curves: Curves, box: Box) -> Across:
    xs = curves.xs
    low, high = _above_zero(xs[0]), _above_zero(xs[-1])
    if curves.in_bands:
        scale = Scale(curves.x_kind, low, high, box.left, box.right)
        return Across(xs, scale, (box.right - box.left) / len(xs))
    if curves.x_kind is Axis.SECONDS:
        scale = log_scale(curves.x_kind, low / 1.4, high * 1.4, box.left, box.right)
    else:
        scale = Scale(curves.x_kind, low, high, box.left + 0.12, box.right - 0.12)
        if low == high:
            scale = log_scale(curves.x_kind, low, high, box.left + 0.12, box.right - 0.12)
    return Across(xs, scale, 0.0)


def _x_axis(sheet: Sheet, box: Box, curves: Curves, across: Across) -> None:
    if curves.x_kind is Axis.SECONDS:
        ticks = across.scale.ticks()
        sheet.lines([[(at, box.top), (at, box.bottom)] for at, _ in ticks], GRID, 0.8, layer=0.2)
    else:
        ticks = [(across.at(x, 0, 1), "0" if x == 0 else tick(curves.x_kind, x)) for x in across.xs]
    if across.width:
        for number in range(1, len(across.xs), 2):
            left = box.left + across.width * number
            sheet.box(left, box.top, across.width, box.bottom - box.top, BAND)
    marks = [[(at, box.bottom), (at, box.bottom + 0.04)] for at, _ in ticks]
    sheet.lines([[(box.left, box.bottom), (box.right, box.bottom)], *marks], MUTED, 0.7, layer=0.6)
    last = -1.0
    for at, text in ticks:
        if at - length(text) / 2 > last:
            sheet.text(at, box.bottom + 0.12, text, align="center")
            last = at + length(text) / 2
    sheet.text((box.left + box.right) / 2, box.bottom + 0.3, curves.x_label, align="center")


def _draw(sheet: Sheet, curves: Curves, panel: Panel, across: Across, up: Scale) -> None:
    number = len(panel.curves)
    for name, factor in curves.guides:
        _guide(sheet, name, factor, across.scale, up)
    if panel.reference:
        _reference(sheet, panel.reference, across, up)
    for index, curve in enumerate(panel.curves):
        xs = [across.at(x, index, number) for x in curve.x]
        points = list(zip(xs, map(up.at, curve.y), strict=True))
        bars = [
            [(x, up.at(low)), (x, up.at(high))]
            for x, low, high in zip(xs, curve.low, curve.high, strict=True)
            if low != high
        ]
        sheet.lines(bars, curve.style.color, 1.5, layer=2)
        if not across.width:
            joined = _joined(curves, curve, points)
            sheet.lines(joined, curve.style.color, 1.2, dash=curve.style.line)
        sheet.markers(points, curve.style, curves.names(panel, curve))
        sheet.rings([points[at] for at in curve.notes])


def _guide(sheet: Sheet, name: str, factor: float, right: Scale, up: Scale) -> None:
    """Draw the part of y = factor * x that the panel holds, with its name beside it."""
    first = max(right.low, up.low / factor)
    last = min(right.high, up.high / factor)
    if first < last:
        ends = [(right.at(x), up.at(x * factor)) for x in (first, last)]
        sheet.lines([ends], MUTED, 0.7, dash=":", layer=0.5)
        if factor > 1:  # above the others
            sheet.text(ends[1][0] - 0.1, ends[1][1] + 0.08, name, align="right", color=MUTED)
        else:
            sheet.text(ends[0][0] + 0.14, ends[0][1] - 0.08, name, color=MUTED)


def _joined(curves: Curves, curve: Curve, points: Sequence[Point]) -> list[list[Point]]:
    """Join points that are near each other: between others, nothing is known."""
    near = curves.x_kind is Axis.PERCENTILE
    return [
        [points[at], points[at + 1]]
        for at, (before, after) in enumerate(pairwise(curve.x))
        if near or after <= NEAR * before
    ]


def _reference(sheet: Sheet, curve: Curve, across: Across, up: Scale) -> None:
    """Draw the best of the others: a dash over each band, or over each value."""
    half = across.width * 0.45 if across.width else 0.1
    middles = [(across.at(x, 0, 1), up.at(y)) for x, y in zip(curve.x, curve.y, strict=True)]
    dashes = [[(x - half, y), (x + half, y)] for x, y in middles]
    sheet.lines(dashes, curve.style.color, 1.2, dash=curve.style.line, layer=0.8)


def _labels(sheet: Sheet, panel: Panel, box: Box, across: Across, up: Scale) -> None:
    """Write the name of each curve at the height of its last value, with a thin leader to it.

    Labels that collide are moved apart. A leader starts at the panel's edge: across the panel it
    would look like data.
    """
    curves = _labelled(panel)
    ends = [up.at(curve.y[-1]) for curve in curves]
    heights = spread(ends, _LINE, box.top + 0.04, box.bottom - 0.04)
    for curve, end, at in zip(curves, ends, heights, strict=True):
        edge = box.right
        sheet.lines(
            [[(edge + 0.02, end), (edge + 0.06, end), (edge + 0.14, at)]],
            curve.style.color, 0.5, alpha=0.7,
        )  # fmt: skip
        if curve.style.marker:
            sheet.markers([(edge + 0.21, at)], curve.style, [])
        else:
            sheet.lines(
                [[(edge + 0.15, at), (edge + 0.29, at)]], curve.style.color, 1.2,
                dash=curve.style.line,
            )  # fmt: skip
        sheet.text(edge + _LEADER - 0.04, at, printable(curve.label, _LONGEST), longest=_LONGEST)
