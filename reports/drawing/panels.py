"""Parts that panels have in common: their heads, axes, and the legend of a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipcbench.reports.charts.look.palette import GRID, INK, MUTED
from ipcbench.reports.charts.look.style import Style
from ipcbench.reports.drawing.canvas import (
    EDGE,
    HEADING,
    TEXT_LINE,
    WIDTH,
    Sheet,
    length,
    lines_of,
    printable,
)
from ipcbench.reports.drawing.scales import Scale

X_AXIS = 0.46  # inches, for its ticks and its label
LEGEND_LINE = 0.19
_HEAD_LINE = 0.17
_TICK = 0.04
_CLOSE = 0.06  # inches between the texts of two ticks, at least


@dataclass(frozen=True, slots=True)
class Box:
    """The area of a panel's marks, in inches."""

    left: float
    top: float
    right: float
    bottom: float


def head_height(title: str, note: str) -> float:
    """Return the height of a panel's title and note."""
    titles, notes = _head_lines(title, note)
    return _HEAD_LINE * len(titles) + TEXT_LINE * len(notes) + (0.1 if titles or notes else 0.0)


def head(sheet: Sheet, top: float, title: str, note: str) -> None:
    """Write the title of a panel, and a muted note below it."""
    titles, notes = _head_lines(title, note)
    sheet.texts(EDGE, top + 0.08, titles, size=HEADING, line=_HEAD_LINE, bold=True)
    sheet.texts(EDGE, top + 0.08 + _HEAD_LINE * len(titles) - 0.01, notes, color=MUTED)


def _head_lines(title: str, note: str) -> tuple[list[str], list[str]]:
    width = WIDTH - 2 * EDGE
    return lines_of(title, width, HEADING, bold=True), lines_of(note, width)


def x_axis(sheet: Sheet, box: Box, scale: Scale, label: str) -> None:
    """Draw the grid of an x axis, its ticks, and its label below them."""
    ticks = _apart(scale.ticks())
    sheet.lines([[(at, box.top), (at, box.bottom)] for at, _ in ticks], GRID, 0.8, layer=0.2)
    edge = [[(box.left, box.bottom), (box.right, box.bottom)]]
    marks = [[(at, box.bottom), (at, box.bottom + _TICK)] for at, _ in ticks]
    sheet.lines([*edge, *marks], MUTED, 0.7, layer=0.6)
    for at, text in ticks:
        sheet.text(_inside(at, text), box.bottom + 0.12, text, align="center")
    sheet.text((box.left + box.right) / 2, box.bottom + 0.3, label, align="center", longest=60)


def top_axis(sheet: Sheet, box: Box, scale: Scale, label: str) -> None:
    """Draw a second x axis above a panel."""
    ticks = _apart(scale.ticks())
    marks = [[(at, box.top - _TICK), (at, box.top)] for at, _ in ticks]
    sheet.lines([[(box.left, box.top), (box.right, box.top)], *marks], MUTED, 0.7, layer=0.6)
    for at, text in ticks:
        sheet.text(_inside(at, text), box.top - 0.12, text, align="center")
    sheet.text((box.left + box.right) / 2, box.top - 0.29, label, align="center", longest=60)


def y_axis(sheet: Sheet, box: Box, scale: Scale, label: str) -> None:
    """Draw the grid of a y axis, its ticks, and its label to the left of them."""
    ticks = scale.ticks()
    sheet.lines([[(box.left, at), (box.right, at)] for _, at in _ats(ticks)], GRID, 0.8, layer=0.2)
    sheet.lines([[(box.left, box.top), (box.left, box.bottom)]], MUTED, 0.7, layer=0.6)
    for text, at in _ats(ticks):
        sheet.text(box.left - 0.06, at, text, align="right")
    sheet.text(EDGE + 0.06, (box.top + box.bottom) / 2, label, align="center", rotation=90)


def _ats(ticks: Iterable[tuple[float, str]]) -> list[tuple[str, float]]:
    return [(text, at) for at, text in ticks]


def _inside(at: float, text: str) -> float:
    """Move the middle of a text so that it stays on the sheet."""
    half = length(text) / 2
    return min(max(at, EDGE / 2 + half), WIDTH - EDGE / 2 - half)


def _apart(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out ticks whose texts would touch that of the one before."""
    found: list[tuple[float, str]] = []
    for at, text in ticks:
        before = found[-1] if found else None
        if before is None or at - before[0] >= (length(text) + length(before[1])) / 2 + _CLOSE:
            found.append((at, text))
    return found


def legend_lines(names: Sequence[str]) -> list[list[tuple[float, int]]]:
    """Break a legend into lines: the position and the index of each of its names."""
    lines: list[list[tuple[float, int]]] = []
    left = WIDTH
    for index, name in enumerate(names):
        wide = 0.36 + length(printable(name))
        if left + wide > WIDTH - EDGE and left > EDGE:
            lines.append([])
            left = EDGE
        lines[-1].append((left, index))
        left += wide
    return lines


def legend(sheet: Sheet, top: float, names: Sequence[str], styles: Sequence[Style]) -> None:
    """Draw markers with their names."""
    for number, line in enumerate(legend_lines(names)):
        middle = top + LEGEND_LINE * (number + 0.5)
        for left, index in line:
            sheet.markers([(left + 0.07, middle)], styles[index], [])
            sheet.text(left + 0.18, middle, names[index], color=INK)
