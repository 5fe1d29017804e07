"""Drawing of bars that consist of parts, on a linear axis for each panel."""

from __future__ import annotations

from ipcbench.reports.charts.bodies.stacks import Stack, StackPanel, Stacks
from ipcbench.reports.charts.look.axis import value_text
from ipcbench.reports.charts.look.palette import INK
from ipcbench.reports.charts.look.style import Style
from ipcbench.reports.drawing.canvas import EDGE, WIDTH, Sheet, length
from ipcbench.reports.drawing.panels import (
    LEGEND_LINE,
    X_AXIS,
    Box,
    head,
    head_height,
    legend,
    legend_lines,
    x_axis,
)
from ipcbench.reports.drawing.scales import Scale

LONGEST_BAR = 34  # letters of a label
_BAR, _THICK = 0.23, 0.15
_VALUE = 0.62


def sheet_of(title: str, note: str, stacks: Stacks) -> Sheet:
    names = [part.name for part in stacks.parts]
    above = LEGEND_LINE * len(legend_lines(names)) + 0.06
    sheet = Sheet(title, note, above + sum(map(_height, stacks.panels)))
    legend(sheet, sheet.top, names, [Style(part.color, "s") for part in stacks.parts])
    top = sheet.top + above
    for panel in stacks.panels:
        _draw(sheet, top, stacks, panel)
        top += _height(panel)
    return sheet


def _height(panel: StackPanel) -> float:
    return head_height(panel.title, panel.note) + _BAR * len(panel.stacks) + X_AXIS + 0.1


def _draw(sheet: Sheet, top: float, stacks: Stacks, panel: StackPanel) -> None:
    head(sheet, top, panel.title, panel.note)
    start = top + head_height(panel.title, panel.note)
    left = EDGE + 0.2 + max(length(one.label, longest=LONGEST_BAR) for one in panel.stacks)
    box = Box(left, start, WIDTH - EDGE, start + _BAR * len(panel.stacks) + 0.04)
    most = max(max(one.whole, _sum(one)) for one in panel.stacks)
    scale = Scale(
        stacks.x_kind, 0.0, most if most > 0 else 1.0, left, box.right - _VALUE, linear=True
    )
    x_axis(sheet, box, scale, stacks.x_label)
    for number, one in enumerate(panel.stacks):
        middle = start + _BAR * (number + 0.5) + 0.02
        sheet.text(EDGE, middle, one.label, longest=LONGEST_BAR)
        value = 0.0
        for index, part in one.parts.items():
            if part.median > 0:
                begin, end = scale.at(value), scale.at(value + part.median)
                name = stacks.name(panel, one, index)
                color = stacks.parts[index].color
                sheet.named_box(begin, middle - _THICK / 2, end - begin, _THICK, color, name)
                value += part.median
        whole = scale.at(one.whole)
        sheet.lines([[(whole, middle - _BAR / 2), (whole, middle + _BAR / 2)]], INK, 1.2, layer=3)
        end = max(scale.at(value), whole)
        sheet.text(end + 0.05, middle, value_text(stacks.x_kind, one.whole))


def _sum(stack: Stack) -> float:
    return sum(max(0.0, part.median) for part in stack.parts.values())
