"""Charts of dots: a row for each thing compared, a dot with its interval for each variant.

Each chart shows the effect of one axis: the placement, the receiver's way of
waiting, copying or reading in place, the number of processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.bench.results.axes import (
    COUNTER,
    FAMILIES,
    LATENCY,
    PLACEMENTS,
    RUNTIMES,
    SIGNAL,
    STREAM,
    WAITS,
)
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.axes import SCALING
from ipcbench.reports.charts.captions import (
    about_placement,
    conditions,
    evidence,
    label,
    size_label,
    slug,
    wait_phrase,
)
from ipcbench.reports.charts.chart import Axis, Chart, DotPanel, Dots, Row, Series
from ipcbench.reports.charts.curves import crowded, scaled
from ipcbench.reports.charts.groups import best_at, memory
from ipcbench.reports.charts.style import series
from ipcbench.reports.model import (
    Measured,
    defaults_only,
    grouped,
    inverse,
    loop_of,
    rank,
    runtimes_of,
)

MOST_ROWS = 72
MOST_SERIES = 6  # kinds of dots in a row
MOST_ABREAST = 3  # panels side by side
MOST_OF_BOTH = 4  # panels side by side where they are those of several runtimes
_SIZES = (64, 65536)  # of the chart of placements: a small message, and a large one
_READ, _POLL = "read alone", "poll(2), then read"
_COPIED, _IN_PLACE = "copied out", "read in place"


class DotPanelKey(NamedTuple):
    """The runtime of a panel ("": all), and a title: what all of its dots have in common."""

    runtime: str
    title: str


@dataclass(frozen=True, slots=True)
class Point:
    """One dot: its position, and its value."""

    panel: DotPanelKey
    row: Row
    order: tuple[object, ...]  # of the row
    series: str
    interval: Interval


def placement(cells: Sequence[Measured]) -> list[Chart]:
    """Compare the placements: one core, two cores, two that never idle."""
    able = defaults_only(_of(cells, LATENCY))
    sizes = _near({one.cell.size for one in able})
    chosen = [one for one in able if one.cell.size in sizes]
    points = [
        Point(_key(one, size_label(one)), Row(label(one), one.facts.family),
              (one.cell.transport,), one.cell.placement, one.interval)
        for one in sorted(chosen, key=lambda one: one.cell.size)
    ]  # fmt: skip
    return dot_charts(
        "placement",
        "placement",
        "The effect of placement on each facility: round trip",
        _several(points),
        _by_rank(PLACEMENTS),
        Axis.SECONDS,
        "round trip",
        "The same cell with both processes on one core and on two: waking an idle CPU takes "
        "longer than moving the bytes. Lower is better, to the left; logarithmic.",
        chosen,
    )


def waiting(cells: Sequence[Measured]) -> list[Chart]:
    """Compare sleeping and spinning receivers over the same memory."""
    copied = [one for one in _of(cells, LATENCY) if not one.facts.in_place]
    shared = [one for one in defaults_only(copied) if "+" in one.cell.transport]
    chosen = []
    points = []
    by = grouped(
        shared,
        lambda one: (
            _key(one, one.cell.placement),
            memory(one.cell.transport),
            one.wait,
        ),
    )
    for (key, segment, wait), members in by.items():
        for one in best_at(members, lambda one: one.cell.size):
            row = Row(f"{segment}, {size_label(one)}", one.facts.family)
            order, text = (segment, one.cell.size), wait_phrase(wait)
            points.append(Point(key, row, order, text, one.interval))
            chosen.append(one)
    return dot_charts(
        "waiting",
        "waiting",
        "Sleeping and spinning receivers over the same memory: round trip",
        _several(points, in_panel=True),
        _by_rank([wait_phrase(wait) for wait in WAITS]),
        Axis.SECONDS,
        "round trip",
        "For each way of waiting, the fastest of its transports by median. A receiver that spins "
        "keeps its CPU busy while it waits. Lower is better.",
        chosen,
    )


def poll(cells: Sequence[Measured]) -> list[Chart]:
    """Show the cost of poll(2) before each read."""
    polled = {_except_poll(one) for one in cells if one.cell.poll}
    chosen = [one for one in cells if _except_poll(one) in polled]
    points = [
        Point(_key(one, one.cell.placement),
              Row(f"{one.cell.transport}, {size_label(one)}", one.facts.family),
              (one.cell.transport, one.cell.size),
              _POLL if one.cell.poll else _READ, one.interval)
        for one in chosen
        if one.cell.pattern == LATENCY
    ]  # fmt: skip
    return dot_charts(
        "poll",
        "waiting",
        "I/O multiplexing: read alone, and poll(2) before each read: round trip",
        _several(points),
        _by_rank((_READ, _POLL)),
        Axis.SECONDS,
        "round trip",
        "Both ends wait with poll(2) before they read. Lower is better.",
        chosen,
    )


def in_place(cells: Sequence[Measured]) -> list[Chart]:
    """Compare copying out of shared memory with reading in place."""
    found = []
    for members in grouped(cells, _except_copying).values():
        if len({one.facts.in_place for one in members}) == 2:
            found += members
    charts = []
    for pattern in (LATENCY, STREAM):
        chosen = defaults_only(_of(found, pattern))
        points = [
            Point(_key(one, one.cell.placement),
                  Row(f"{_base(one)}, {size_label(one)}", one.facts.family),
                  (_base(one), one.cell.size),
                  _IN_PLACE if one.facts.in_place else _COPIED, one.interval)
            for one in chosen
        ]  # fmt: skip
        charts += dot_charts(
            f"in-place-{pattern}",
            "waiting",
            f"Copying out of shared memory and reading in place: {pattern}",
            points,
            _by_rank((_COPIED, _IN_PLACE)),
            Axis.SECONDS,
            "round trip" if pattern == LATENCY else "time per message",
            "In place, the receiver reads every byte where the sender wrote it, without a copy. "
            "Lower is better.",
            chosen,
        )
    return charts


def signal(cells: Sequence[Measured]) -> list[Chart]:
    """Show the cost of a wake-up alone."""
    chosen = _of(cells, SIGNAL)
    points = [
        Point(_key(one, ""), Row(label(one), one.facts.family), (one.cell.transport,),
              one.cell.placement, one.interval)
        for one in chosen
    ]  # fmt: skip
    return dot_charts(
        "signal",
        "signal",
        "A wake-up in each direction, without payload",
        points,
        _by_rank(PLACEMENTS),
        Axis.SECONDS,
        "round trip",
        "Two processes wake each other in turn. Lower is better; logarithmic.",
        chosen,
    )


def lost(cells: Sequence[Measured]) -> list[Chart]:
    """Show the share of updates that a counter lost."""
    chosen = [one for one in cells if one.cell.pattern == COUNTER and one.lost is not None]
    points = [
        Point(_key(one, one.cell.placement),
              Row(f"{label(one)}, {one.cell.processes} processes", one.facts.family),
              (one.cell.transport, one.cell.processes), "", one.lost)
        for one in chosen
        if one.lost is not None
    ]  # fmt: skip
    return dot_charts(
        "lost-updates",
        "counter",
        "Updates lost by a counter",
        points,
        _by_rank(()),
        Axis.SHARE,
        "share of all updates",
        "Every process reads the variable, adds one and writes it back; an update that another "
        "process makes in between is lost. With a guard, a run that loses an update has failed.",
        chosen,
    )


def scaling(cells: Sequence[Measured], pattern: str) -> list[Chart]:
    """Show every transport by its number of processes where there are too many for curves."""
    chosen = scaled(cells, pattern)
    if not crowded(chosen):
        return []
    plot, _ = SCALING[pattern]
    points = [
        Point(_key(one, f"{size_label(one)}, {one.cell.placement}"),
              Row(label(one), one.facts.family), (one.cell.transport,),
              f"{one.cell.processes} processes", inverse(one.interval, 1))
        for one in chosen
    ]  # fmt: skip
    counts = [f"{number} processes" for number in sorted({one.cell.processes for one in chosen})]
    return dot_charts(
        f"{plot.kind}-all",
        "scaling",
        f"{plot.title}: every transport",
        points,
        _by_rank(counts),
        Axis.UNITS_PER_SECOND,
        plot.y_label,
        plot.caption,
        chosen,
    )


def _of(cells: Sequence[Measured], pattern: str) -> list[Measured]:
    return [one for one in cells if one.cell.pattern == pattern and one.carries_data]


def _near(sizes: set[int]) -> set[int]:
    return {
        min(sizes, key=lambda size: (abs(math.log2(max(size, 1) / wanted)), size))
        for wanted in _SIZES
        if sizes
    }


def _key(one: Measured, title: str) -> DotPanelKey:
    return DotPanelKey(one.cell.runtime, title)


def _except_poll(one: Measured) -> tuple[Hashable, ...]:
    cell = one.cell
    axes = (cell.transport, cell.pattern, cell.size, cell.processes, cell.placement, cell.depth)
    return (cell.runtime, *axes)


def _base(one: Measured) -> str:
    return one.cell.transport.removesuffix("/in-place")


def _except_copying(one: Measured) -> tuple[Hashable, ...]:
    cell = one.cell
    axes = (cell.pattern, cell.size, cell.processes, cell.placement, cell.depth, cell.poll)
    return (cell.runtime, _base(one), *axes)


def _several(points: Sequence[Point], in_panel: bool = False) -> list[Point]:
    """Leave out rows with a single kind of dot: nothing is compared there."""

    def row_key(point: Point) -> Hashable:
        return point.panel if in_panel else point.panel.runtime, point.row

    kinds: dict[Hashable, set[str]] = {}
    for point in points:
        kinds.setdefault(row_key(point), set()).add(point.series)
    return [point for point in points if len(kinds[row_key(point)]) > 1]


def _by_rank(known: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    return lambda text: rank(known, text)


def dot_charts(
    kind: str,
    section: str,
    title: str,
    points: Sequence[Point],
    order: Callable[[str], tuple[int, str]],
    x_kind: Axis,
    x_label: str,
    caption: str,
    cells: Sequence[Measured],
) -> list[Chart]:
    """Make as many charts as keep each one readable: few panels side by side, few rows."""
    if not points:
        return []
    heads = {point.row: point.order for point in points}
    rows = sorted(heads, key=lambda row: (rank(FAMILIES, row.family), heads[row]))
    kinds = sorted({point.series for point in points}, key=order)[:MOST_SERIES]
    drawn_as = [Series(text, *series(index)) for index, text in enumerate(kinds)]
    by: dict[tuple[DotPanelKey, Row], dict[int, Interval]] = {}
    for point in points:
        if point.series in kinds:
            by.setdefault((point.panel, point.row), {})[kinds.index(point.series)] = point.interval
    charts = []
    for abreast in _abreast(list(dict.fromkeys(panel for panel, _ in by))):
        runtimes = {key.runtime for key in abreast}
        theirs = [one for one in cells if one.cell.runtime in runtimes or "" in runtimes]
        shown = [row for row in rows if any((key, row) in by for key in abreast)][:MOST_ROWS]
        drawn = [
            DotPanel(_head(key, len(runtimes) > 1), about_placement(key.title),
                     [by.get((key, row), {}) for row in shown])
            for key in abreast
        ]  # fmt: skip
        charts.append(
            Chart(
                slug(kind, *runtimes_of(theirs)),
                section,
                title,
                conditions(theirs),
                f"{caption} {evidence(theirs)}",
                Dots(x_kind, x_label, drawn_as, shown, drawn),
            )
        )
    return charts


def _abreast(keys: Sequence[DotPanelKey]) -> list[list[DotPanelKey]]:
    """Choose the panels of each chart: several runtimes together if they fit."""
    by_runtime: dict[str, list[DotPanelKey]] = {}
    for key in keys:
        by_runtime.setdefault(key.runtime, []).append(key)
    loops = []
    for runtime in sorted(by_runtime, key=lambda one: rank(RUNTIMES, one)):
        titles = by_runtime[runtime]
        if {key.title for key in titles} <= set(PLACEMENTS):
            titles.sort(key=lambda key: rank(PLACEMENTS, key.title))
        loops.append(titles)
    if len(loops) > 1 and len(keys) <= MOST_OF_BOTH:
        return [[key for titles in loops for key in titles]]
    return [
        titles[start : start + MOST_ABREAST]
        for titles in loops
        for start in range(0, len(titles), MOST_ABREAST)
    ]


def _head(key: DotPanelKey, several: bool) -> str:
    """Write a panel's title; it names the loop where the chart has several."""
    if not several:
        return key.title
    return f"{loop_of(key.runtime)}, {key.title}" if key.title else loop_of(key.runtime)
