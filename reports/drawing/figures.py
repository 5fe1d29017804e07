"""Drawing of charts with matplotlib: an SVG for the page, an SVG and a PNG as files.

It uses the object interface and not pyplot, so no state remains after a call.
The same chart gives the same bytes: no dates, no random ids.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from ipcbench.reports.charts.chart import Chart, Curves
from ipcbench.reports.charts.style import GRID, INK, MUTED, PAPER
from ipcbench.reports.drawing import curves, dots, svg

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # part of matplotlib: the same on every machine
    "font.size": 9,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may contain a dollar sign
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
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.labelsize": 8.5,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn chart. `inline` is an element of a page; the others are whole files."""

    inline: str
    svg: bytes
    png: bytes


def draw(chart: Chart) -> Drawn:
    settings: Any = {**_RC, "svg.hashsalt": chart.name}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # ignore any matplotlibrc: the working directory's is read too
        matplotlib.rcParams.update(settings)
        if isinstance(chart.body, Curves):
            sheet = curves.sheet_of(chart.title, chart.note, chart.body)
        else:
            sheet = dots.sheet_of(chart.title, chart.note, chart.body)
        drawn, png = io.BytesIO(), io.BytesIO()
        # Not `savefig`, which would draw everything twice for each file.
        raster: Any = FigureCanvasAgg(sheet.figure)
        raster.print_png(png, metadata={"Software": None})
        vector: Any = FigureCanvasSVG(sheet.figure)
        vector.print_svg(drawn, metadata={"Date": None, "Creator": None})
    parsed = svg.parse(drawn.getvalue(), sheet.marks)
    return Drawn(svg.inline(parsed, chart.name), svg.file(parsed), png.getvalue())
