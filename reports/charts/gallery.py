"""Which charts a page has, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ipcbench.bench.results.axes import RUNTIMES
from ipcbench.reports.charts import curves, dots
from ipcbench.reports.charts.axes import SCALING
from ipcbench.reports.charts.chart import Chart, Styles, runtimes_of
from ipcbench.reports.charts.style import styles
from ipcbench.reports.model import Measured
from ipcbench.reports.verdicts import python_cost

MOST_CHARTS = 48
SECTIONS = (
    "latency", "stream", "costs", "placement", "waiting", "scaling", "depth", "signal", "counter",
)  # fmt: skip
KINDS = (  # what the name of a chart begins with, and its files by it
    "latency", "throughput", "placement", "waiting", "poll", "in-place", "scaling", "echo",
    "depth", "signal", "counter", "lost-updates", "cost",
)  # fmt: skip


def all_charts(cells: Sequence[Measured]) -> tuple[list[Chart], int]:
    """The charts of a page, in order, and how many more there would have been."""
    drawn_as = styles(cells)
    shown = [one for one in cells if not one.cell.twin]
    charts = [
        chart
        for loops in _together(runtimes_of(shown))
        for chart in _of([one for one in shown if one.cell.runtime in loops], drawn_as)
    ]
    charts += python_cost.charts(shown)
    ordered = sorted(charts, key=lambda chart: SECTIONS.index(chart.section))
    return _named_apart(ordered[:MOST_CHARTS]), len(ordered[MOST_CHARTS:])


def _together(runtimes: Sequence[str]) -> list[list[str]]:
    """Our own loops share their charts, in panels of their own; any other has its own charts."""
    ours = [one for one in runtimes if one in RUNTIMES]
    return [loops for loops in (ours, *([one] for one in runtimes if one not in ours)) if loops]


def _of(cells: Sequence[Measured], drawn_as: Styles) -> Iterator[Chart]:
    yield from curves.latency(cells, drawn_as)
    yield from curves.throughput(cells, drawn_as)
    yield from dots.placement(cells)
    yield from dots.waiting(cells)
    yield from dots.poll(cells)
    yield from dots.in_place(cells)
    for pattern in SCALING:
        yield from curves.scaling(cells, drawn_as, pattern)
        yield from dots.scaling(cells, pattern)
    yield from curves.depth(cells, drawn_as)
    yield from dots.signal(cells)
    yield from curves.counter(cells, drawn_as)
    yield from dots.lost(cells)


def _named_apart(charts: Sequence[Chart]) -> list[Chart]:
    """Names that came out alike get a number: they are files, and ids of a page."""
    taken: set[str] = set()
    found = []
    for chart in charts:
        name, number = chart.name, 2
        while name in taken:
            name, number = f"{chart.name}-{number}", number + 1
        taken.add(name)
        found.append(replace(chart, name=name))
    return found
