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

from ipcbench.reports.charts.bodies.bars import Bars
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.bodies.dots import Dots
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.palette import PAPER
from ipcbench.reports.drawing import bars, curves, dots, stacks, svg
from ipcbench.reports.drawing.canvas import Sheet

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # part of matplotlib: the same on every machine
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may contain a dollar sign
    "savefig.facecolor": PAPER,
    "figure.facecolor": PAPER,
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
        sheet = _sheet(chart)
        drawn, png = io.BytesIO(), io.BytesIO()
        # Not `savefig`, which would draw everything twice for each file.
        raster: Any = FigureCanvasAgg(sheet.figure)
        raster.print_png(png, metadata={"Software": None})
        vector: Any = FigureCanvasSVG(sheet.figure)
        vector.print_svg(drawn, metadata={"Date": None, "Creator": None})
    parsed = svg.parse(drawn.getvalue(), sheet.marks)
    return Drawn(svg.inline(parsed, chart.name), svg.file(parsed), png.getvalue())


def _sheet(chart: Chart) -> Sheet:
    body = chart.body
    if isinstance(body, Curves):
        return curves.sheet_of(chart.title, chart.note, body)
    if isinstance(body, Dots):
        return dots.sheet_of(chart.title, chart.note, body)
    if isinstance(body, Bars):
        return bars.sheet_of(chart.title, chart.note, body)
    return stacks.sheet_of(chart.title, chart.note, body)
