"""Drawing of rows of dots with their intervals, in panels below each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ipcbench.reports.charts.bodies.dots import DotPanel, Dots
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.palette import GRID, INK, MUTED, family_color
from ipcbench.reports.charts.look.style import Style
from ipcbench.reports.drawing.canvas import EDGE, WIDTH, Point, Sheet, length
from ipcbench.reports.drawing.panels import (
    LEGEND_LINE,
    X_AXIS,
    Box,
    head,
    head_height,
    legend,
    legend_lines,
    top_axis,
    x_axis,
)
from ipcbench.reports.drawing.scales import Scale, log_scale

LONGEST_ROW = 66  # letters of a label
_BESIDE = 2.05  # inches of labels that stand beside their rows; longer ones stand above them
_ROW, _TALL_ROW = 0.2, 0.36  # inches of a row with its label beside it, and above it
_TOP_AXIS = 0.42
_RIGHT = 0.14


def sheet_of(title: str, note: str, dots: Dots) -> Sheet:
    named = _legend(dots, note)
    above = LEGEND_LINE * len(legend_lines(named)) + (0.06 if named else 0.0)
    sheet = Sheet(title, note, above + sum(_height(dots, panel) for panel in dots.panels))
    legend(sheet, sheet.top, named, [Style(INK, "o", fill=one.fill) for one in dots.series])
    top = sheet.top + above
    for panel in dots.panels:
        _draw(sheet, top, dots, panel)
        top += _height(dots, panel)
    return sheet


def _legend(dots: Dots, note: str) -> list[str]:
    """Return the names of the series; none where the note says the only one already."""
    named = [series.name for series in dots.series if series.name]
    told = note.partition(";")[0]
    return [] if named == [told] else named


def _is_beside(dots: Dots) -> bool:
    """Tell whether the labels stand beside the rows."""
    return max(length(row.label, longest=LONGEST_ROW) for row in dots.rows) <= _BESIDE


def _rows(dots: Dots, panel: DotPanel) -> tuple[list[float], dict[float, str], float]:
    """Return the top of each row, that of each family's name, and the whole height, in inches."""
    shown = [row for row, found in zip(dots.rows, panel.dots, strict=True) if found]
    several = len({row.family for row in shown}) > 1
    tall = _ROW if _is_beside(dots) else _TALL_ROW
    tops: list[float] = []
    names: dict[float, str] = {}
    at, family = 0.06 if dots.second else 0.0, ""
    for row in shown:
        if several and row.family != family:
            at += 0.06 if tops else 0.0
            names[at] = family = row.family
            at += _ROW
        tops.append(at)
        at += tall
    return tops, names, at + 0.04


def _height(dots: Dots, panel: DotPanel) -> float:
    second = _TOP_AXIS if dots.second else 0.0
    return head_height(panel.title, panel.note) + second + _rows(dots, panel)[2] + X_AXIS + 0.04


def _draw(sheet: Sheet, top: float, dots: Dots, panel: DotPanel) -> None:
    beside = _is_beside(dots)
    tall = _ROW if beside else _TALL_ROW
    tops, names, whole = _rows(dots, panel)
    head(sheet, top, panel.title, panel.note)
    start = top + head_height(panel.title, panel.note) + (_TOP_AXIS if dots.second else 0.0)
    widest = max(length(row.label, longest=LONGEST_ROW) for row in dots.rows)
    heading = max((length(family, bold=True) for family in names.values()), default=0.0)
    left = EDGE + 0.1 + (max(widest + 0.14, heading) if beside else 0.0)
    box = Box(left, start, WIDTH - _RIGHT, start + whole)
    scale = _scale(dots, box)
    x_axis(sheet, box, scale, dots.x_label)
    if dots.second:
        second = replace(
            scale,
            kind=dots.second.kind,
            low=scale.low * dots.second.factor,
            high=scale.high * dots.second.factor,
        )
        top_axis(sheet, box, second, dots.second.label)
    for at, family in names.items():
        sheet.text(EDGE, start + at + _ROW / 2, family, bold=True, color=family_color(family))
    shown = [index for index, found in enumerate(panel.dots) if found]
    guides: list[list[Point]] = []
    spans: list[list[Point]] = []
    bars: dict[str, list[list[Point]]] = {}
    for above, index in zip(tops, shown, strict=True):
        label = dots.rows[index].label
        sheet.text(EDGE + 0.08, start + above + _ROW / 2, label, longest=LONGEST_ROW)
        middle = start + above + (tall - _ROW / 2 if not beside else _ROW / 2)
        guides.append([(box.left, middle), (box.right, middle)])
        placed = _positions(dots, panel, index, scale, middle)
        ends = sorted(x for x, _ in placed.values())
        spans.append([(ends[0], middle), (ends[-1], middle)])
        own = bars.setdefault(dots.rows[index].style.color, [])
        own += [
            [(scale.at(one.low), placed[series][1]), (scale.at(one.high), placed[series][1])]
            for series, one in panel.dots[index].items()
        ]
        _markers(sheet, dots, panel, index, placed)
    sheet.lines(guides, GRID, 0.5, layer=0.3)
    sheet.lines(spans, MUTED, 0.7, alpha=0.6)
    for color, lines in bars.items():
        sheet.lines(lines, color, 2.0, layer=2)


def _positions(
    dots: Dots, panel: DotPanel, row: int, scale: Scale, middle: float
) -> dict[int, Point]:
    """Return the position of each dot of a row."""
    return {
        index: (scale.at(interval.median), middle + _aside(dots, index))
        for index, interval in panel.dots[row].items()
    }


def _markers(sheet: Sheet, dots: Dots, panel: DotPanel, row: int, at: Mapping[int, Point]) -> None:
    for index in sorted(at, reverse=True):
        look = replace(dots.rows[row].style, fill=dots.series[index].fill)
        sheet.markers([at[index]], look, [dots.name(panel, row, index)])
    sheet.rings([at[index] for index in at if (row, index) in panel.notes])


def _aside(dots: Dots, index: int) -> float:
    """Offset the dots of a series, in inches: dots that coincide must not hide each other."""
    return (index - (len(dots.series) - 1) / 2) * min(0.045, 0.1 / len(dots.series))


def _scale(dots: Dots, box: Box) -> Scale:
    if dots.x_kind is Axis.SHARE:
        return Scale(Axis.SHARE, -0.02, 1.02, box.left, box.right, linear=True)
    found = [interval for panel in dots.panels for row in panel.dots for interval in row.values()]
    low, high = min(one.low for one in found), max(one.high for one in found)
    return log_scale(dots.x_kind, low / 1.25, high * 1.25, box.left, box.right)
