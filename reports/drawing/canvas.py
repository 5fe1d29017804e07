"""A sheet measured in inches: positions of axes and texts, without a layout engine.

All sizes are known in advance, so labels can be put beside the ends of curves,
and a chart is drawn once and not twice.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullLocator

from ipcbench.bench.results.units import format_size, human_rate, human_seconds
from ipcbench.reports.charts.axis import Axis
from ipcbench.reports.charts.style import INK, MUTED

WIDTH = 10.4  # inches
NARROW = 7.5
HEAD = 0.56  # for the title of a chart and its note
PANEL_HEAD = 0.40  # for the title of a panel and its note
NOTE_LINE = 0.13  # for each further line of a panel's note
MOST_LINES = 3  # of a note
LONGEST_LABEL = 44


class Sheet:
    """A figure of a known size; lengths are inches from its top left corner."""

    def __init__(self, width: float, height: float, title: str, note: str) -> None:
        self.width = width
        self.height = height
        self.figure = Figure(figsize=(width, height), dpi=120)
        self.marks: dict[str, Sequence[str]] = {}  # the id of a group -> the names of its markers
        self.text(0.08, 0.2, title, size=11.5, weight="bold", longest=int(width / 0.092))
        self.text(0.08, 0.41, note, size=8.5, color=MUTED, longest=int(width / 0.07))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self.height - top - height
        box = (
            left / self.width, bottom / self.height, width / self.width, height / self.height,
        )  # fmt: skip
        return self.figure.add_axes(box)

    def name_markers(self, names: Sequence[str]) -> str:
        """Register the names of the markers of one artist; return the id that it must have."""
        found = f"marks-{len(self.marks)}"
        self.marks[found] = names
        return found

    def text(
        self,
        left: float,
        middle: float,
        content: str,
        *,
        size: float,
        weight: str = "normal",
        color: str = INK,
        longest: int = LONGEST_LABEL,
    ) -> None:
        self.figure.text(
            left / self.width,
            1 - middle / self.height,
            printable(content, longest),
            fontsize=size,
            fontweight=weight,
            va="center",
            color=color,
        )


def head(axes: Axes, title: str, note: str, width: float) -> None:
    """Write the title of a panel, and a muted note below it."""
    # Matplotlib's types allow axes in a part of a figure, or in none: here they are in a figure.
    high = axes.get_position().height * axes.get_figure().get_figheight()  # type: ignore[union-attr]
    longest = max(12, int(width / 0.078))
    lines = note_lines(note, width)
    up = 1 + (0.2 + NOTE_LINE * (len(lines) - 1) if lines else 0.08) / high
    axes.text(
        0, up, printable(title, longest), transform=axes.transAxes, fontsize=9, fontweight="bold"
    )  # fmt: skip
    for number, line in enumerate(lines, 1):
        at = 1 + (0.06 + NOTE_LINE * (len(lines) - number)) / high
        axes.text(0, at, line, transform=axes.transAxes, fontsize=7.5, color=MUTED)


def note_lines(note: str, width: float) -> list[str]:
    """Break the note of a panel into lines that fit into its width, in inches."""
    longest = max(12, int(width / 0.062))
    broken = textwrap.wrap(note, longest, max_lines=MOST_LINES, placeholder=" …")
    return [printable(line, longest) for line in broken]


def panel_head(notes: Iterable[tuple[str, float]]) -> float:
    """Return the height that the titles and notes of panels take; a note comes with its width."""
    most = max((len(note_lines(note, width)) for note, width in notes), default=1)
    return PANEL_HEAD + NOTE_LINE * max(0, most - 1)


def length(text: str, size: float, longest: int = LONGEST_LABEL) -> float:
    """Estimate the width of a text in inches: DejaVu Sans has 0.6 em per letter."""
    return min(len(text), longest) * size * 0.6 / 72


def printable(text: str, longest: int = LONGEST_LABEL) -> str:
    """Cut a text, and replace by `?` what the font may lack: names are ASCII by custom."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return re.sub(r"[^\x20-\x7eµ…†\N{EN DASH}]", "?", short)


def scale_y(axes: Axes, kind: Axis, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(_decades(low, high))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(kind, value)))
    axes.yaxis.set_minor_locator(NullLocator())


def scale_x(axes: Axes, kind: Axis, low: float, high: float) -> None:
    if kind is Axis.SHARE:
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_locator(MultipleLocator(0.25))
    else:
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(_decades(low, high))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(kind, value)))
    axes.xaxis.set_minor_locator(NullLocator())


_TICKS: tuple[tuple[float, tuple[float, ...]], ...] = (  # from this ratio of the limits on
    (300, (1,)), (30, (1, 3)), (6, (1, 2, 5)), (0, (1, 1.5, 2, 3, 4, 5, 7)),
)  # fmt: skip


def _decades(low: float, high: float) -> LogLocator:
    return LogLocator(base=10, subs=next(subs for ratio, subs in _TICKS if high / low >= ratio))


def tick(kind: Axis, value: float) -> str:
    """Format the round number of a tick, without trailing zeros."""
    if kind is Axis.SHARE:
        return f"{value * 100:.0f} %"
    if kind is Axis.BYTES:
        return format_size(round(value))
    if kind is Axis.COUNT:
        return f"{value:.0f}"
    if kind is Axis.SECONDS:
        text = human_seconds(value * (1 + 1e-9))
    else:
        unit = "B" if kind is Axis.BYTES_PER_SECOND else ""
        text = human_rate(value * (1 + 1e-9), unit)
    return re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", text).replace(". ", " ").rstrip(".")


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart: at least `gap`, and within the bounds if they fit.

    Positions that collide form a block around their mean; blocks that collide merge.
    """
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    blocks: list[tuple[float, list[int]]] = []  # position of the first member, members
    for index in order:
        first, members = wanted[index], [index]
        while blocks and blocks[-1][0] + gap * len(blocks[-1][1]) > first:
            _, before = blocks.pop()
            members = before + members
            offsets = [wanted[one] - gap * step for step, one in enumerate(members)]
            first = math.fsum(offsets) / len(offsets)
        first = min(max(first, low), high - gap * (len(members) - 1))
        blocks.append((first, members))
    found = [0.0] * len(wanted)
    floor = low
    for first, members in blocks:
        start = max(first, floor)
        for step, index in enumerate(members):
            found[index] = start + gap * step
        floor = start + gap * len(members)
    over = max(found, default=low) - high
    if over > 0:  # a block below pushed them over the upper bound: move all back down
        ceiling = high
        for index in reversed(order):
            found[index] = min(found[index], ceiling)
            ceiling = found[index] - gap
    return found
