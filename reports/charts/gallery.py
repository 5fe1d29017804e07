"""The charts of a page, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ipcbench.bench.results.axes import RUNTIMES
from ipcbench.reports.charts import curves, dots
from ipcbench.reports.charts.axes import SCALING
from ipcbench.reports.charts.chart import Chart, Styles
from ipcbench.reports.charts.paced import paced
from ipcbench.reports.charts.python_cost import cost_charts
from ipcbench.reports.charts.sections import SECTIONS
from ipcbench.reports.charts.style import styles
from ipcbench.reports.model import Measured, runtimes_of

MOST_CHARTS = 48
KINDS = (  # the first parts of the names of charts and of their files
    "latency", "throughput", "paced", "placement", "waiting", "poll", "in-place", "batch",
    "payload", "scaling", "echo", "depth", "signal", "counter", "lost-updates", "cost",
)  # fmt: skip


def all_charts(cells: Sequence[Measured]) -> tuple[list[Chart], int]:
    """Make the charts of a page, in order, and count those that are left out."""
    drawn_as = styles(cells)
    shown = [one for one in cells if not (one.cell.is_control or one.disturbed)]
    charts = [
        chart
        for loops in _together(runtimes_of(shown))
        for chart in _of([one for one in shown if one.cell.runtime in loops], drawn_as)
    ]
    charts += cost_charts(shown)
    ordered = sorted(charts, key=lambda chart: SECTIONS.index(chart.section))
    return _named_apart(ordered[:MOST_CHARTS]), len(ordered[MOST_CHARTS:])


def _together(runtimes: Sequence[str]) -> list[list[str]]:
    """Group the runtimes that share charts: those of ipcbench; any other has its own charts."""
    ours = [one for one in runtimes if one in RUNTIMES]
    return [loops for loops in (ours, *([one] for one in runtimes if one not in ours)) if loops]


def _of(cells: Sequence[Measured], drawn_as: Styles) -> Iterator[Chart]:
    yield from curves.latency(cells, drawn_as)
    yield from curves.throughput(cells, drawn_as)
    yield from paced(cells, drawn_as)
    yield from dots.batch(cells)
    yield from dots.placement(cells)
    yield from dots.waiting(cells)
    yield from dots.poll(cells)
    yield from dots.in_place(cells)
    yield from dots.payload(cells)
    for pattern in SCALING:
        yield from curves.scaling(cells, drawn_as, pattern)
        yield from dots.scaling(cells, pattern)
    yield from curves.depth(cells, drawn_as)
    yield from dots.signal(cells)
    yield from curves.counter(cells, drawn_as)
    yield from dots.lost(cells)


def _named_apart(charts: Sequence[Chart]) -> list[Chart]:
    """Number equal names: they are names of files, and ids of the page."""
    taken: set[str] = set()
    found = []
    for chart in charts:
        name, number = chart.name, 2
        while name in taken:
            name, number = f"{chart.name}-{number}", number + 1
        taken.add(name)
        found.append(replace(chart, name=name))
    return found
