"""Drawing of bars on a logarithmic axis, with their labels and values."""

from __future__ import annotations

from ipcbench.reports.charts.bodies.bars import Bars
from ipcbench.reports.charts.look.axis import value_text
from ipcbench.reports.charts.look.palette import INK
from ipcbench.reports.drawing.canvas import EDGE, WIDTH, Sheet, length
from ipcbench.reports.drawing.panels import X_AXIS, Box, x_axis
from ipcbench.reports.drawing.scales import log_scale

LONGEST_BAR = 34  # letters of a label
_BAR, _THICK = 0.2, 0.13  # inches of a row, and of its bar
_GROUP = 0.24
_SPACE = 0.05  # before a group
_VALUE = 0.62  # inches for a value beside the longest bar
_LEAST = 1.3  # times: the shortest bar is seen


def sheet_of(title: str, note: str, bars: Bars) -> Sheet:
    whole = sum(_GROUP + _SPACE + _BAR * len(group.bars) for group in bars.groups)
    sheet = Sheet(title, note, whole + X_AXIS + 0.1)
    every = [bar for group in bars.groups for bar in group.bars]
    left = EDGE + 0.2 + max(length(bar.label, longest=LONGEST_BAR) for bar in every)
    box = Box(left, sheet.top, WIDTH - EDGE, sheet.top + whole)
    low = min(bar.value.low for bar in every) / _LEAST
    high = max(bar.value.high for bar in every)
    scale = log_scale(bars.x_kind, low, high, box.left, box.right - _VALUE)
    x_axis(sheet, box, scale, bars.x_label)
    top = sheet.top
    for group in bars.groups:
        top += _SPACE
        sheet.text(EDGE, top + _GROUP / 2, group.title, bold=True, longest=60)
        top += _GROUP
        for bar in group.bars:
            middle, end = top + _BAR / 2, scale.at(bar.value.median)
            sheet.text(EDGE + 0.1, middle, bar.label, longest=LONGEST_BAR)
            sheet.named_box(
                box.left, middle - _THICK / 2, end - box.left, _THICK,
                bar.style.color, bars.name(group, bar),
            )  # fmt: skip
            ends = scale.at(bar.value.low), scale.at(bar.value.high)
            sheet.lines([[(ends[0], middle), (ends[1], middle)]], INK, 1.0, layer=2.5)
            mark = " ‡" if bar.note else ""
            sheet.text(
                max(end, ends[1]) + 0.05, middle, value_text(bars.x_kind, bar.value.median) + mark
            )
            top += _BAR
    return sheet
