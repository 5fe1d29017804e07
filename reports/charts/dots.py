"""Charts of dots: a row for each thing compared, a dot with its interval for each way.

They answer "what does it change?" for one axis at a time: where the processes
are put, how the receiver waits, whether it copies, how many take part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.bench.results.axes import FAMILIES, PLACEMENTS, RUNTIMES, WAITS
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.axes import SCALING
from ipcbench.reports.charts.chart import (
    Axis,
    Chart,
    DotPanel,
    Dots,
    Row,
    Series,
    about,
    carries,
    evidence,
    grouped,
    inverse,
    label,
    name,
    plain,
    runtimes_of,
    size_of,
    who,
)
from ipcbench.reports.charts.curves import crowded, scaled
from ipcbench.reports.charts.groups import best_at, memory
from ipcbench.reports.charts.style import series
from ipcbench.reports.model import Measured, loop_of, rank

MOST_ROWS = 72
MOST_SERIES = 6  # kinds of dots in a row
MOST_ABREAST = 3  # panels
MOST_OF_BOTH = 4  # panels abreast where they are those of several loops
_SIZES = (64, 65536)  # what placement does: a small message, and a large one


class Place(NamedTuple):
    """A panel: whose loop ("": of all), and what all of its dots have in common."""

    runtime: str
    title: str


@dataclass(frozen=True, slots=True)
class Point:
    """One dot: where it stands, and its value."""

    panel: Place
    row: Row
    order: tuple[object, ...]  # of the row
    series: str
    interval: Interval


def placement(cells: Sequence[Measured]) -> list[Chart]:
    """The same cell on one core, on two, and on two that never idle."""
    able = plain([one for one in cells if one.cell.pattern == "latency" and carries(one)])
    sizes = _near({one.cell.size for one in able})
    chosen = [one for one in able if one.cell.size in sizes]
    points = [
        Point(_place(one, size_of(one)), Row(label(one), one.facts.family),
              (one.cell.transport,), one.cell.placement, one.interval)
        for one in sorted(chosen, key=lambda one: one.cell.size)
    ]  # fmt: skip
    return dot_charts(
        "placement",
        "placement",
        "What placement does to each facility: round trip",
        _several(points),
        _by_rank(PLACEMENTS),
        Axis.SECONDS,
        "round trip",
        "The same measurement with both processes on one core and on two: the wake-up of an idle "
        "CPU outweighs what carries the bytes. Lower is better, to the left; logarithmic.",
        chosen,
    )


def waiting(cells: Sequence[Measured]) -> list[Chart]:
    """Blocking against spinning, over the same memory."""
    copied = [one for one in _of(cells, "latency") if not one.facts.in_place]
    shared = [one for one in plain(copied) if "+" in one.cell.transport]
    chosen = []
    points = []
    by = grouped(
        shared,
        lambda one: (
            _place(one, one.cell.placement),
            memory(one.cell.transport),
            one.facts.wait,
        ),
    )
    for (where, segment, wait), members in by.items():
        for one in best_at(members, lambda one: one.cell.size):
            row = Row(f"{segment}, {size_of(one)}", one.facts.family)
            points.append(Point(where, row, (segment, one.cell.size), wait, one.interval))
            chosen.append(one)
    return dot_charts(
        "waiting",
        "waiting",
        "Blocking against spinning over the same memory: round trip",
        _several(points, in_panel=True),
        _by_rank(WAITS),
        Axis.SECONDS,
        "round trip",
        "For each way of waiting the quickest of its transports, by median. A receiver that spins "
        "keeps its CPU busy for as long as it waits. Lower is better.",
        chosen,
    )


def poll(cells: Sequence[Measured]) -> list[Chart]:
    """What poll(2) before each read costs."""
    polled = {_but(one, poll=False) for one in cells if one.cell.poll}
    chosen = [one for one in cells if _but(one, poll=False) in polled]
    points = [
        Point(_place(one, one.cell.placement),
              Row(f"{one.cell.transport}, {size_of(one)}", one.facts.family),
              (one.cell.transport, one.cell.size),
              "poll, then read" if one.cell.poll else "read alone", one.interval)
        for one in chosen
        if one.cell.pattern == "latency"
    ]  # fmt: skip
    return dot_charts(
        "poll",
        "waiting",
        "I/O multiplexing: poll(2) before each read, against the read alone: round trip",
        _several(points),
        _by_rank(("read alone", "poll, then read")),
        Axis.SECONDS,
        "round trip",
        "Both ends wait with poll(2) before they read. Lower is better.",
        chosen,
    )


def in_place(cells: Sequence[Measured]) -> list[Chart]:
    """Copying out of shared memory against reading it where it lies."""
    found = []
    there = grouped(cells, _copying)
    for members in there.values():
        if len({one.facts.in_place for one in members}) == 2:
            found += members
    charts = []
    for pattern in ("latency", "stream"):
        chosen = plain(_of(found, pattern)) if _of(found, pattern) else []
        points = [
            Point(_place(one, one.cell.placement),
                  Row(f"{_base(one)}, {size_of(one)}", one.facts.family),
                  (_base(one), one.cell.size),
                  "read in place" if one.facts.in_place else "copied out", one.interval)
            for one in chosen
        ]  # fmt: skip
        charts += dot_charts(
            f"in-place-{pattern}",
            "waiting",
            f"Copying out of shared memory against reading in place: {pattern}",
            points,
            _by_rank(("copied out", "read in place")),
            Axis.SECONDS,
            "round trip" if pattern == "latency" else "time per message",
            "In place, the receiver looks at every byte where the sender wrote it, and copies "
            "none. Lower is better.",
            chosen,
        )
    return charts


def signal(cells: Sequence[Measured]) -> list[Chart]:
    """What a wake-up alone costs."""
    chosen = [one for one in cells if one.cell.pattern == "signal" and carries(one)]
    points = [
        Point(_place(one, ""), Row(label(one), one.facts.family), (one.cell.transport,),
              one.cell.placement, one.interval)
        for one in chosen
    ]  # fmt: skip
    return dot_charts(
        "signal",
        "signal",
        "A wake-up there and back, without payload",
        points,
        _by_rank(PLACEMENTS),
        Axis.SECONDS,
        "round trip",
        "Two processes wake each other in turn. Lower is better; logarithmic.",
        chosen,
    )


def lost(cells: Sequence[Measured]) -> list[Chart]:
    """The share of a counter's updates that got lost."""
    chosen = [one for one in cells if one.cell.pattern == "counter" and one.lost is not None]
    points = [
        Point(_place(one, one.cell.placement),
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
        "Every process reads the variable, adds one and writes it back; what another wrote in "
        "between is lost. A guard must lose none: a run in which one does has failed.",
        chosen,
    )


def scaling(cells: Sequence[Measured], pattern: str) -> list[Chart]:
    """Every transport by its number of processes, where that is too much for lines."""
    chosen = scaled(cells, pattern)
    if not crowded(chosen):
        return []
    plot, _ = SCALING[pattern]
    points = [
        Point(_place(one, f"{size_of(one)}, {one.cell.placement}"),
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
    return [one for one in cells if one.cell.pattern == pattern and carries(one)]


def _near(sizes: set[int]) -> set[int]:
    return {
        min(sizes, key=lambda size: (abs(math.log2(max(size, 1) / wanted)), size))
        for wanted in _SIZES
        if sizes
    }


def _place(one: Measured, title: str) -> Place:
    return Place(one.cell.runtime, title)


def _but(one: Measured, poll: bool) -> tuple[Hashable, ...]:
    cell = one.cell
    axes = (cell.transport, cell.pattern, cell.size, cell.processes, cell.placement, cell.depth)
    return (cell.runtime, *axes, poll)


def _base(one: Measured) -> str:
    return one.cell.transport.removesuffix("/in-place")


def _copying(one: Measured) -> tuple[Hashable, ...]:
    cell = one.cell
    axes = (cell.pattern, cell.size, cell.processes, cell.placement, cell.depth, cell.poll)
    return (cell.runtime, _base(one), *axes)


def _several(points: Sequence[Point], in_panel: bool = False) -> list[Point]:
    """Without the rows that have one kind of dot alone: nothing is compared there."""

    def where(point: Point) -> Hashable:
        return point.panel if in_panel else point.panel.runtime, point.row

    kinds: dict[Hashable, set[str]] = {}
    for point in points:
        kinds.setdefault(where(point), set()).add(point.series)
    return [point for point in points if len(kinds[where(point)]) > 1]


def _by_rank(known: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    return lambda name: rank(known, name)


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
    """As many charts as keep each one readable: some panels abreast, some rows below."""
    if not points:
        return []
    heads = {point.row: point.order for point in points}
    rows = sorted(heads, key=lambda row: (rank(FAMILIES, row.family), heads[row]))
    kinds = sorted({point.series for point in points}, key=order)[:MOST_SERIES]
    drawn_as = [Series(text, *series(index)) for index, text in enumerate(kinds)]
    by: dict[tuple[Place, Row], dict[int, Interval]] = {}
    for point in points:
        if point.series in kinds:
            by.setdefault((point.panel, point.row), {})[kinds.index(point.series)] = point.interval
    charts = []
    for abreast in _abreast(list(dict.fromkeys(panel for panel, _ in by))):
        runtimes = {place.runtime for place in abreast}
        theirs = [one for one in cells if one.cell.runtime in runtimes or "" in runtimes]
        shown = [row for row in rows if any((place, row) in by for place in abreast)][:MOST_ROWS]
        drawn = [
            DotPanel(_head(place, len(runtimes) > 1), about(place.title),
                     [by.get((place, row), {}) for row in shown])
            for place in abreast
        ]  # fmt: skip
        charts.append(
            Chart(
                name(kind, *runtimes_of(theirs)),
                section,
                title,
                who(theirs),
                f"{caption} {evidence(theirs)}",
                Dots(x_kind, x_label, drawn_as, shown, drawn),
            )
        )
    return charts


def _abreast(places: Sequence[Place]) -> list[list[Place]]:
    """The panels of each chart: as many as stay readable, several loops together if that fits."""
    by_runtime: dict[str, list[Place]] = {}
    for place in places:
        by_runtime.setdefault(place.runtime, []).append(place)
    loops = []
    for runtime in sorted(by_runtime, key=lambda one: rank(RUNTIMES, one)):
        titles = by_runtime[runtime]
        if {place.title for place in titles} <= set(PLACEMENTS):
            titles.sort(key=lambda place: rank(PLACEMENTS, place.title))
        loops.append(titles)
    if len(loops) > 1 and len(places) <= MOST_OF_BOTH:
        return [[place for titles in loops for place in titles]]
    return [
        titles[start : start + MOST_ABREAST]
        for titles in loops
        for start in range(0, len(titles), MOST_ABREAST)
    ]


def _head(place: Place, several: bool) -> str:
    """A panel's title; it says whose loop where the chart has several."""
    if not several:
        return place.title
    return f"{loop_of(place.runtime)}, {place.title}" if place.title else loop_of(place.runtime)
