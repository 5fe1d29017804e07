"""Draws charts with matplotlib: an SVG for the page, an SVG and a PNG as files.

The object interface on a canvas of its own, never pyplot: no state outlives a
call. The same chart gives the same bytes: no dates, no random ids.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from bench.results import format_size, human_rate, human_seconds
from reports.charts import Axis, Chart, Line, Panel
from reports.style import GRID, INK, MUTED, PAPER, themed

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold a dollar
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}
_WIDTH = 10.4  # inches
_ROW = 3.4
_MOST_TICKS = 8
_LONGEST_LABEL = 44
_LEGEND_WIDTH = 140  # characters


@dataclass(frozen=True, slots=True)
class Drawn:
    """`inline` goes into a page and follows its theme; the others are whole files."""

    inline: str
    svg: bytes
    png: bytes


def draw(chart: Chart) -> Drawn:
    settings: Any = {**_RC, "svg.hashsalt": chart.name}
    with matplotlib.rc_context(settings):
        figure = _figure(chart)
        svg, png = io.BytesIO(), io.BytesIO()
        # The canvases' own methods: `savefig` would draw everything twice a file.
        raster: Any = FigureCanvasAgg(figure)
        raster.print_png(png, metadata={"Software": None})
        figure.set_layout_engine("none")  # laid out once is enough for both
        vector: Any = FigureCanvasSVG(figure)
        vector.print_svg(svg, metadata={"Date": None, "Creator": None})
    return Drawn(_inline(chart, svg.getvalue().decode()), svg.getvalue(), png.getvalue())


def _figure(chart: Chart) -> Figure:
    columns = max(1, min(chart.columns, len(chart.panels)))
    rows = math.ceil(len(chart.panels) / columns)
    entries = _legend_entries(chart)
    longest = max((len(text) for text in entries), default=0)
    across = max(1, min(len(entries), _LEGEND_WIDTH // (min(longest, _LONGEST_LABEL) + 7)))
    below = 0.30 + 0.20 * math.ceil(len(entries) / across)
    width = _WIDTH if columns > 1 else _WIDTH * 0.72
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    figure = Figure(figsize=(width, rows * _ROW + below), dpi=130, layout=layout)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    cells = list(grid.flat)
    for index, (axes, panel) in enumerate(zip(cells, chart.panels, strict=False)):
        _draw_panel(axes, panel)
        last_of_column = index + columns >= len(chart.panels)
        _label(axes, chart, left=index % columns == 0, bottom=last_of_column)
    for axes in cells[len(chart.panels) :]:
        axes.set_axis_off()
    _scale(cells[0], chart)
    figure.suptitle(_plain(chart.title, 120), x=0.008, ha="left", fontsize=11.5, fontweight="bold")
    figure.legend(
        handles=list(entries.values()),
        loc="outside lower center",
        ncols=across,
        frameon=False,
        fontsize=8.5,
        handlelength=2.6,
        columnspacing=1.8,
    )
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(_plain(panel.title), loc="left", fontsize=10, fontweight="bold", pad=16)
    axes.text(0, 1.025, panel.note, transform=axes.transAxes, fontsize=8, color=MUTED, va="bottom")
    for line in panel.lines:
        axes.add_line(Line2D([_place(x) for x in line.x], line.y, **_look(line)))
    bars = [
        ([(_place(x), low), (_place(x), high)], line.style.color)
        for line in panel.lines
        for x, low, high in zip(line.x, line.low, line.high, strict=True)
    ]
    axes.add_collection(
        LineCollection(
            [bar for bar, _ in bars], colors=[color for _, color in bars], linewidths=1.6
        )
    )


def _look(line: Line) -> dict[str, Any]:
    style = line.style
    return {
        "color": style.color,
        "linestyle": style.line,
        "linewidth": 1.4,
        "marker": style.marker,
        "markersize": 5,
        "markerfacecolor": style.color if style.filled else PAPER,
        "markeredgecolor": style.color,
        "markeredgewidth": 1.0,
    }


def _legend_entries(chart: Chart) -> dict[str, Line2D]:
    """One for each label, in the order of the first panels that have them."""
    entries: dict[str, Line2D] = {}
    for panel in chart.panels:
        for line in panel.lines:
            if line.label not in entries:
                entries[line.label] = Line2D([], [], label=_plain(line.label), **_look(line))
    return entries


def _place(value: int) -> float:
    """Where a size stands on a logarithmic axis; a message of 0 bytes left of all others."""
    return float(value) if value > 0 else 0.5


def _label(axes: Axes, chart: Chart, left: bool, bottom: bool) -> None:
    if left:
        axes.set_ylabel(chart.y_label)
    if bottom:
        axes.set_xlabel(chart.x_label)
    axes.tick_params(labelbottom=bottom, labelleft=left, length=3)


def _scale(axes: Axes, chart: Chart) -> None:
    """Scales and ticks; the panels share them all."""
    xs = sorted({x for panel in chart.panels for line in panel.lines for x in line.x})
    ys = [y for panel in chart.panels for line in panel.lines for y in (*line.low, *line.high)]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    shown = xs if len(xs) <= _MOST_TICKS else xs[:: math.ceil(len(xs) / _MOST_TICKS)]
    texts = {_place(x): _x_text(chart.x_kind, x) for x in shown}
    axes.xaxis.set_major_locator(FixedLocator(list(texts)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: texts.get(value, "")))
    axes.set_xlim(_place(xs[0]) / 1.5, _place(xs[-1]) * 1.5)
    low, high = min(ys) / 1.25, max(ys) * 1.25
    axes.set_ylim(low, high)
    narrow = high / low < 1000
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5) if narrow else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _y_text(chart, value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _x_text(kind: Axis, value: int) -> str:
    return format_size(value) if kind is Axis.BYTES else str(value)


def _y_text(chart: Chart, value: float) -> str:
    """A tick is a round number: no digits after it."""
    if chart.y_kind is Axis.SECONDS:
        text = human_seconds(value * (1 + 1e-9))
    else:
        unit = "B" if chart.y_kind is Axis.BYTES_PER_SECOND else ""
        text = human_rate(value * (1 + 1e-9), unit)
    return re.sub(r"\.0+(?=\D|$)", "", text)


def _plain(text: str, longest: int = _LONGEST_LABEL) -> str:
    """What the font can show: names are ASCII by custom, and anything else is marked."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return re.sub(r"[^\x20-\x7eµ…]", "?", short)


def _inline(chart: Chart, svg: str) -> str:
    """A file -> an element of a page: ids made unique, no namespaces, colours of the theme."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = svg.replace("xlink:href=", "href=")
    prefix = f"{chart.name}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'\bhref="#', f'href="#{prefix}', svg)
    svg = svg.replace("url(#", f"url(#{prefix}")
    svg = re.sub(r'(<svg\b[^>]*?)\swidth="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg\b[^>]*?)\sheight="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("<svg", '<svg role="img" aria-labelledby="' + f'{prefix}title"', 1)
    return themed(svg)
