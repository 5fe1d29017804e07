"""A sheet measured in inches: lines, markers and texts at known positions, without a layout engine.

All sizes are known in advance, so labels can be put beside the ends of curves, and a chart is
drawn once and not twice. A sheet is narrow: scaled to the 336 pixels of a telephone, its texts
still have 8 pixels.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from ipcbench.reports.charts.look.palette import INK, MUTED, PAPER
from ipcbench.reports.charts.look.style import FULL, HOLLOW, Style

WIDTH = 5.0  # inches
EDGE = 0.08  # at the left and at the right
TITLE, HEADING, TEXT = 11.0, 9.5, 8.6  # points
TITLE_LINE, TEXT_LINE = 0.19, 0.145  # inches from one line to the next
MOST_LINES = 3  # of a title or a note
LONGEST_LABEL = 44
MARKER = 5.0  # points
_LETTER, _BOLD = 0.575, 0.65  # em of a letter of DejaVu Sans, as it is in names and sentences

Point = tuple[float, float]
"""Inches from the left and from the top."""


class Sheet:
    """A figure of a known size; lengths are inches from its top left corner.

    `top`: the end of its title and note. `marks`: the id of a group -> the names of its markers.
    """

    def __init__(self, title: str, note: str, body: float) -> None:
        titles = lines_of(title, WIDTH - 2 * EDGE, TITLE, bold=True)
        notes = lines_of(note, WIDTH - 2 * EDGE)
        self.top = 0.1 + TITLE_LINE * len(titles) + TEXT_LINE * len(notes) + 0.08
        self.height = self.top + body
        self.figure = Figure(figsize=(WIDTH, self.height), dpi=144)
        self.marks: dict[str, Sequence[str]] = {}
        down = Affine2D().scale(1, -1).translate(0, self.height)
        self._inches = down + self.figure.dpi_scale_trans
        self.texts(EDGE, 0.19, titles, size=TITLE, line=TITLE_LINE, bold=True)
        self.texts(EDGE, 0.19 + TITLE_LINE * len(titles) - 0.01, notes, color=MUTED)

    def text(
        self,
        left: float,
        middle: float,
        content: str,
        *,
        size: float = TEXT,
        bold: bool = False,
        color: str = INK,
        align: str = "left",
        longest: int = LONGEST_LABEL,
        rotation: float = 0,
    ) -> None:
        """Write one line."""
        self.figure.text(
            left,
            middle,
            printable(content, longest),
            transform=self._inches,
            fontsize=size,
            fontweight="bold" if bold else "normal",
            ha=align,
            va="center" if rotation else "center_baseline",
            color=color,
            rotation=rotation,
        )

    def texts(
        self,
        left: float,
        middle: float,
        lines: Sequence[str],
        *,
        size: float = TEXT,
        line: float = TEXT_LINE,
        bold: bool = False,
        color: str = INK,
    ) -> None:
        """Write lines below each other."""
        for number, content in enumerate(lines):
            at = middle + line * number
            self.text(left, at, content, size=size, bold=bold, color=color, longest=len(content))

    def lines(
        self,
        lines: Sequence[Sequence[Point]],
        color: str,
        width: float,
        *,
        dash: str = "-",
        alpha: float = 1.0,
        layer: float = 1.0,
    ) -> None:
        """Draw lines of one look as one shape; `width` in points."""
        points = [point for line in lines for point in line]
        if not points:
            return
        steps = [Path.LINETO if at else Path.MOVETO for line in lines for at in range(len(line))]
        shape = PathPatch(
            Path(points, steps),
            facecolor="none",
            edgecolor=color,
            linewidth=width,
            linestyle=dash,
            alpha=None if alpha == 1 else alpha,
            capstyle="butt",
        )
        self._add(shape, layer)

    def box(self, left: float, top: float, width: float, height: float, color: str) -> None:
        """Fill a rectangle."""
        patch = Rectangle((left, top), width, height, facecolor=color, linewidth=0)
        self._add(patch, 0.4)

    def named_box(
        self, left: float, top: float, width: float, height: float, color: str, name: str
    ) -> None:
        """Fill a rectangle that is a marker with a name."""
        patch = Rectangle((left, top), width, height, facecolor=color, linewidth=0)
        patch.set_gid(self._register([name]))
        self._add(patch, 2)

    def markers(
        self, points: Sequence[Point], style: Style, names: Sequence[str], size: float = MARKER
    ) -> None:
        """Draw the markers of a style, each with its name; without names, as those of a legend."""
        if not points:
            return
        half: Any = style.fill if style.fill not in (FULL, HOLLOW) else FULL
        line = Line2D(
            [x for x, _ in points],
            [y for _, y in points],
            linestyle="none",
            marker=style.marker,
            markersize=size,
            fillstyle=half,
            markerfacecolor=PAPER if style.fill == HOLLOW else style.color,
            markerfacecoloralt=PAPER,
            markeredgecolor=style.color,
            markeredgewidth=1.0,
        )  # fmt: skip
        if names:
            line.set_gid(self._register(names))
        self._add(line, 3)

    def rings(self, points: Sequence[Point]) -> None:
        """Draw a ring around each of some markers."""
        if points:
            ring = Style(MUTED, "o", fill=HOLLOW)
            line = Line2D(
                [x for x, _ in points],
                [y for _, y in points],
                linestyle="none",
                marker=ring.marker,
                markersize=MARKER * 2.2,
                markerfacecolor="none",
                markeredgecolor=ring.color,
                markeredgewidth=0.8,
            )
            self._add(line, 2.5)

    def _register(self, names: Sequence[str]) -> str:
        found = f"marks-{len(self.marks)}"
        self.marks[found] = names
        return found

    def _add(self, artist: Artist, layer: float) -> None:
        artist.set_transform(self._inches)
        artist.set_zorder(layer)
        artist.set_clip_on(False)
        self.figure.add_artist(artist)


def lines_of(
    text: str, width: float, size: float = TEXT, bold: bool = False, most: int = MOST_LINES
) -> list[str]:
    """Break a text into lines that fit into a width, in inches."""
    longest = max(12, int(width / length("x", size, bold)))
    broken = textwrap.wrap(text, longest, max_lines=most, placeholder=" …")
    return [printable(line, longest) for line in broken]


def length(
    text: str, size: float = TEXT, bold: bool = False, longest: int = LONGEST_LABEL
) -> float:
    """Estimate the width of a text in inches."""
    return min(len(text), longest) * size * (_BOLD if bold else _LETTER) / 72


def printable(text: str, longest: int = LONGEST_LABEL) -> str:
    """Cut a text in its middle, and replace by `?` what the font may lack.

    What tells two labels apart often stands at the end of them: `, in place`, `, fresh payload`.
    Names are ASCII by custom.
    """
    short = text
    if len(text) > longest:
        tail = (longest - 1) // 2
        short = f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"
    return re.sub(r"[^\x20-\x7eµ…†‡\N{EN DASH}]", "?", short)


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
