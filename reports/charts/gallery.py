"""The charts of a page, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ipcbench.bench.results.axes import (
    ECHO,
    FAN_IN,
    FAN_OUT,
    PAIRS,
    PAIRS_LATENCY,
    RUNTIMES,
)
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.kinds import curves, dots, small
from ipcbench.reports.charts.kinds.axes import SCALING
from ipcbench.reports.charts.kinds.cpu import cpu
from ipcbench.reports.charts.kinds.ladder import ladder
from ipcbench.reports.charts.kinds.narrow import all_cells, is_narrow
from ipcbench.reports.charts.kinds.paced import paced
from ipcbench.reports.charts.kinds.parts import parts
from ipcbench.reports.charts.kinds.python_cost import cost_charts
from ipcbench.reports.charts.kinds.tails import tails
from ipcbench.reports.charts.sections import SECTIONS
from ipcbench.reports.model import Measured, runtimes_of

MOST_CHARTS = 48
KINDS = (  # the first parts of the names of charts and of their files
    "ladder", "round-trip", "rate", "tails", "parts", "frames", "cpu", "cells",
    "latency", "throughput", "paced", "placement", "waiting", "poll", "in-place", "batch",
    "payload", "scaling", "echo", "depth", "signal", "counter", "lost-updates", "cost",
)  # fmt: skip


_FOREMOST = (ECHO, FAN_IN, FAN_OUT, PAIRS, PAIRS_LATENCY)  # in this order on the page


def page_charts(cells: Sequence[Measured]) -> tuple[list[Chart], int]:
    """Make the charts of a page: a narrow run is one chart of bars."""
    shown = shown_cells(cells)
    return (all_cells(shown), 0) if is_narrow(shown) else all_charts(cells)


def shown_cells(cells: Sequence[Measured]) -> list[Measured]:
    """Return the cells that charts show: without controls, and without disturbed ones."""
    return [one for one in cells if not (one.cell.is_control or one.disturbed)]


def all_charts(cells: Sequence[Measured]) -> tuple[list[Chart], int]:
    """Make the charts of a run, in order, and count those that are left out."""
    shown = shown_cells(cells)
    charts = [
        chart
        for loops in _together(runtimes_of(shown))
        for chart in _of([one for one in shown if one.cell.runtime in loops])
    ]
    charts += cost_charts(shown)
    several = [chart for chart in charts if chart.body.marks > 1]  # one point is text, no chart
    ordered = sorted(several, key=lambda chart: SECTIONS.index(chart.section))
    return _named_apart(ordered[:MOST_CHARTS]), len(ordered[MOST_CHARTS:])


def _together(runtimes: Sequence[str]) -> list[list[str]]:
    """Group the runtimes that share charts: those of ipcbench; any other has its own charts."""
    ours = [one for one in runtimes if one in RUNTIMES]
    return [loops for loops in (ours, *([one] for one in runtimes if one not in ours)) if loops]


def _of(cells: Sequence[Measured]) -> Iterator[Chart]:
    yield from ladder(cells)
    yield from small.round_trip(cells)
    yield from tails(cells)
    yield from small.rate(cells)
    yield from parts(cells)
    yield from curves.throughput(cells)
    yield from curves.latency(cells)
    yield from small.frames(cells)
    yield from dots.batch(cells)
    yield from dots.waiting(cells)
    yield from dots.placement(cells)
    yield from paced(cells)
    yield from cpu(cells)
    yield from dots.poll(cells)
    yield from dots.in_place(cells)
    yield from dots.payload(cells)
    for pattern in sorted(SCALING, key=_FOREMOST.index):
        yield from curves.scaling(cells, pattern)
        yield from dots.scaling(cells, pattern)
    yield from curves.depth(cells)
    yield from dots.signal(cells)
    yield from curves.counter(cells)
    yield from dots.lost(cells)


def _named_apart(charts: Sequence[Chart]) -> list[Chart]:
    """Number equal names, which are those of files and ids, and tell equal titles apart."""
    names: set[str] = set()
    titles: set[str] = set()
    found = []
    for chart in charts:
        loops = chart.note.partition(";")[0]
        title = f"{chart.title} ({loops})" if chart.title in titles else chart.title
        name, title = _free(chart.name, "-{}", names), _free(title, " ({})", titles)
        found.append(replace(chart, name=name, title=title))
    return found


def _free(name: str, ending: str, taken: set[str]) -> str:
    """Append a number to a name that is taken, and take it."""
    free, number = name, 2
    while free in taken:
        free, number = name + ending.format(number), number + 1
    taken.add(free)
    return free
