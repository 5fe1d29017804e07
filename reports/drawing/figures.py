"""Drawing of charts with matplotlib: an SVG for the page, an SVG and a PNG as files.

It uses the object interface and not pyplot, so no state remains after a call.
The same chart gives the same bytes: no dates, no random ids.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from ipcbench.reports.charts.chart import Chart, Curves
from ipcbench.reports.charts.style import GRID, INK, MUTED, PAPER, themed
from ipcbench.reports.drawing import curves, dots

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
            figure = curves.figure(chart.title, chart.note, chart.body)
        else:
            figure = dots.figure(chart.title, chart.note, chart.body)
        svg, png = io.BytesIO(), io.BytesIO()
        # Not `savefig`, which would draw everything twice for each file.
        raster: Any = FigureCanvasAgg(figure)
        raster.print_png(png, metadata={"Software": None})
        vector: Any = FigureCanvasSVG(figure)
        vector.print_svg(svg, metadata={"Date": None, "Creator": None})
    return Drawn(_inline(chart, svg.getvalue().decode()), svg.getvalue(), png.getvalue())


def _inline(chart: Chart, svg: str) -> str:
    """Convert a file to an element of a page: unique ids, no namespaces, colours of the theme."""
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
