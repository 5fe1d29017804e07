"""Charts of dots: a row for each thing compared, a dot with its interval for each variant.

Each chart shows the effect of one axis: the placement, the receiver's way of
waiting, copying or reading in place, the number of processes.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace

from msgspec import structs

from ipcbench.bench.results.axes import (
    COUNTER,
    ECHO,
    FAN_IN,
    FAN_OUT,
    HOT,
    LATENCY,
    PAYLOADS,
    PLACEMENTS,
    POLL,
    SIGNAL,
    STREAM,
    WAITS,
)
from ipcbench.bench.results.units import short_size
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.alike import folded
from ipcbench.reports.charts.captions import (
    batch_phrase,
    label,
    remark,
    size_label,
    wait_phrase,
    with_size,
)
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.groups import best_at, memory
from ipcbench.reports.charts.kinds.axes import SCALING
from ipcbench.reports.charts.kinds.curves import crowded, scaled
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style
from ipcbench.reports.charts.rows import (
    DotPanelKey,
    DotPlot,
    Point,
    RowKey,
    compared,
    dot_charts,
)
from ipcbench.reports.charts.sections import EVIDENCE, LARGE, MANY, SITUATION, SMALL
from ipcbench.reports.model import Measured, defaults_only, grouped, inverse
from ipcbench.reports.names import brief, display, memory_name, place, work

_SIZES = (64, 65536)  # of the chart of placements: a small message, and a large one
_READ, _POLL = "read alone", "poll(2), then read"
_COPIED, _IN_PLACE = "copied out", "read in place"
_X_LABELS = {  # of the chart of payloads, by pattern
    LATENCY: "round trip",
    STREAM: "time per message",
    FAN_IN: "time per message",
    FAN_OUT: "time per message",
    ECHO: "time per round trip",
}

PLACEMENT_PLOT = DotPlot(
    "placement",
    SITUATION,
    "The effect of placement on each facility: round trip",
    "The same cell with both processes on one core and on two: waking an idle CPU takes "
    "longer than moving the bytes. Lower is better, to the left; logarithmic.",
    "round trip",
    PLACEMENTS,
)
WAITING_PLOT = DotPlot(
    "waiting",
    SITUATION,
    "Sleeping and spinning over the same facility: round trip",
    "Of shared memory, the fastest over the same segment for each way of waiting, by median. A "
    "process that spins keeps its CPU busy while it waits. Lower is better.",
    "round trip",
    [wait_phrase(wait) for wait in WAITS],
)
POLL_PLOT = DotPlot(
    "poll",
    SITUATION,
    "I/O multiplexing: read alone, and poll(2) before each read: round trip",
    "Both ends wait with poll(2) before they read. Lower is better.",
    "round trip",
    (_READ, _POLL),
)
IN_PLACE_PLOT = DotPlot(
    "in-place",
    LARGE,
    "Copying out of shared memory and reading in place",
    "In place, the receiver reads every byte where the sender wrote it, without a copy. "
    "Lower is better.",
    "round trip",
    (_COPIED, _IN_PLACE),
)
BATCH_PLOT = DotPlot(
    "batch",
    SMALL,
    "Several messages a call: messages per second",
    "At most so many messages a call; the receiver takes those that are there, and waits for one "
    "alone. Higher is better, to the right; logarithmic.",
    "messages per second",
    x_kind=Axis.UNITS_PER_SECOND,
)
PAYLOAD_PLOT = DotPlot(
    "payload",
    LARGE,
    "Hot, fresh and cold payloads",
    "Hot: the same bytes again and again, which stay in the cache. Fresh: each message is written "
    "anew, and every byte is read. Cold: as fresh, in more buffers than the last cache holds. "
    "Lower is better.",
    "round trip",
    PAYLOADS,
)
SIGNAL_PLOT = DotPlot(
    "signal",
    EVIDENCE,
    "A wake-up in each direction, without payload",
    "Two processes wake each other in turn. Lower is better; logarithmic.",
    "round trip",
    PLACEMENTS,
)
LOST_PLOT = DotPlot(
    "lost-updates",
    MANY,
    "Updates lost by a counter",
    "Every process reads the variable, adds one and writes it back; an update that another "
    "process makes in between is lost. With a guard, a run that loses an update has failed.",
    "share of all updates",
    x_kind=Axis.SHARE,
)


def placement(cells: Sequence[Measured]) -> list[Chart]:
    """Compare the placements: one core, two cores, two that never idle."""
    able = defaults_only(_of(cells, LATENCY))
    sizes = _near({one.cell.size for one in able})
    chosen = folded([one for one in able if one.cell.size in sizes])
    points = [
        _point(one, size_label(one), label(one), one.cell.placement)
        for one in sorted(chosen, key=lambda one: one.cell.size)
    ]
    return dot_charts(PLACEMENT_PLOT, compared(points, in_panel=True), chosen)


def waiting(cells: Sequence[Measured]) -> list[Chart]:
    """Compare sleeping and spinning receivers over the same facility."""
    copied = [one for one in _of(cells, LATENCY) if not one.facts.in_place]
    alike = grouped(
        defaults_only(copied),
        lambda one: (
            one.cell.runtime,
            one.cell.placement,
            memory(one.cell.transport),
            one.cell.depth,
            one.manner,
        ),
    )
    best = [one for members in alike.values() for one in best_at(members, _size)]
    points = []
    for one in best:
        segment = memory(one.cell.transport)
        row = with_size(one, brief(memory_name(segment)))
        phrase = wait_phrase(one.wait)
        points.append(_point(one, one.cell.placement, row, phrase, _order(one, segment)))
    return dot_charts(WAITING_PLOT, compared(points, in_panel=True), best)


def poll(cells: Sequence[Measured]) -> list[Chart]:
    """Show the cost of poll(2) before each read."""
    polled = {_except_poll(one) for one in cells if one.cell.wait == POLL}
    chosen = [one for one in cells if _except_poll(one) in polled]
    points = [
        _point(
            one,
            one.cell.placement,
            with_size(one, brief(display(one.cell.transport))),
            _POLL if one.cell.wait == POLL else _READ,
            _order(one, one.cell.transport),
        )
        for one in chosen
        if one.cell.pattern == LATENCY
    ]
    return dot_charts(POLL_PLOT, compared(points), chosen)


def in_place(cells: Sequence[Measured]) -> list[Chart]:
    """Compare copying out of shared memory with reading in place."""
    both = [
        one
        for members in grouped(cells, _except_copying).values()
        if len({one.facts.in_place for one in members}) == 2
        for one in members
    ]
    return _in_place(both, LATENCY, "round trip") + _in_place(both, STREAM, "time per message")


def _in_place(cells: Sequence[Measured], pattern: str, x_label: str) -> list[Chart]:
    chosen = defaults_only(_of(cells, pattern))
    points = [
        _point(
            one,
            one.cell.placement,
            with_size(one, brief(display(_copying_name(one), one.wait))),
            _IN_PLACE if one.facts.in_place else _COPIED,
            _order(one, _copying_name(one)),
        )
        for one in chosen
    ]
    plot = replace(
        IN_PLACE_PLOT,
        kind=f"{IN_PLACE_PLOT.kind}-{pattern}",
        title=f"{IN_PLACE_PLOT.title}: {work(pattern)}",
        x_label=x_label,
    )
    return dot_charts(plot, points, chosen)


def batch(cells: Sequence[Measured]) -> list[Chart]:
    """Compare one message a call with several."""
    chosen = [one for one in _of(cells, STREAM) if one.facts.per == "message"]
    points = [
        _point(
            one,
            one.cell.placement,
            _without(one, batch=1),
            batch_phrase(one.cell.batch) or "1 message a call",
            (one.cell.transport, one.cell.size),
            inverse(one.interval, 1),
        )
        for one in sorted(chosen, key=lambda one: one.cell.batch)
    ]
    order = list(dict.fromkeys(point.series for point in points))
    return dot_charts(replace(BATCH_PLOT, series=order), compared(points), chosen)


def payload(cells: Sequence[Measured]) -> list[Chart]:
    """Compare payloads that stay the same with those that are written anew."""
    return [
        chart
        for pattern, x_label in _X_LABELS.items()
        for chart in _payload(cells, pattern, x_label)
    ]


def _payload(cells: Sequence[Measured], pattern: str, x_label: str) -> list[Chart]:
    chosen = _of(cells, pattern)
    points = [
        _point(
            one,
            one.cell.placement,
            _without(one, payload=HOT) + _processes(one),
            one.cell.payload,
            (*_order(one, one.cell.transport)[:3], one.cell.processes),
        )
        for one in chosen
    ]
    plot = replace(
        PAYLOAD_PLOT,
        kind=f"{PAYLOAD_PLOT.kind}-{pattern}",
        title=f"{PAYLOAD_PLOT.title}: {work(pattern)}",
        x_label=x_label,
    )
    return dot_charts(plot, compared(points, in_panel=True), chosen)


def _processes(one: Measured) -> str:
    """Name the number of processes where a pattern can have several."""
    return f", {one.cell.processes} processes" if one.cell.pattern in SCALING else ""


def _without(one: Measured, **axis: object) -> str:
    """Name the row that a cell shares with those that differ in one axis alone."""
    alike = replace(one, cell=structs.replace(one.cell, **axis))
    return f"{label(alike)}, {short_size(one.cell.size)}"


def signal(cells: Sequence[Measured]) -> list[Chart]:
    """Show the cost of a wake-up alone."""
    chosen = _of(cells, SIGNAL)
    points = [_point(one, "", label(one), one.cell.placement) for one in chosen]
    return dot_charts(SIGNAL_PLOT, points, chosen)


def lost(cells: Sequence[Measured]) -> list[Chart]:
    """Show the share of updates that a counter lost."""
    chosen = [one for one in cells if one.cell.pattern == COUNTER and one.lost is not None]
    points = [
        _point(
            one,
            one.cell.placement,
            f"{label(one)}, {one.cell.processes} processes",
            "",
            (one.cell.transport, one.cell.processes),
            one.lost,
        )
        for one in chosen
    ]
    return dot_charts(LOST_PLOT, points, chosen)


def scaling(cells: Sequence[Measured], pattern: str) -> list[Chart]:
    """Show every transport by its number of processes where there are too many for curves."""
    chosen = scaled(cells, pattern)
    if not crowded(chosen):
        return []
    points = [
        _point(
            one,
            f"{size_label(one)}, {place(one.cell.placement)}",
            label(one),
            f"{one.cell.processes} processes",
            interval=inverse(one.interval, 1),
        )
        for one in chosen
    ]
    curves, _ = SCALING[pattern]
    plot = DotPlot(
        f"{curves.kind}-all",
        MANY,
        f"{curves.title}: every transport",
        curves.caption,
        curves.y_label,
        [f"{number} processes" for number in sorted({one.cell.processes for one in chosen})],
        Axis.UNITS_PER_SECOND,
    )
    return dot_charts(plot, points, chosen)


def _point(
    one: Measured,
    panel: str,
    row: str,
    series: str,
    order: tuple[object, ...] = (),
    interval: Interval | None = None,
) -> Point:
    """Make the point of a cell; rows are sorted by transport unless `order` is given."""
    return Point(
        DotPanelKey(one.cell.runtime, panel),
        RowKey(row, one.facts.family),
        facility_style(one),
        order or (one.cell.transport,),
        series,
        interval or one.interval,
        remark(one),
    )


def _order(one: Measured, name: str) -> tuple[object, ...]:
    """The sorting key of a row of that name."""
    return name, one.cell.depth or 0, one.cell.size, one.manner[1:]


def _of(cells: Sequence[Measured], pattern: str) -> list[Measured]:
    return [one for one in cells if one.cell.pattern == pattern and one.carries_data]


def _size(one: Measured) -> int:
    return one.cell.size


def _near(sizes: set[int]) -> set[int]:
    return {
        min(sizes, key=lambda size: (abs(math.log2(max(size, 1) / wanted)), size))
        for wanted in _SIZES
        if sizes
    }


def _except_poll(one: Measured) -> tuple[Hashable, ...]:
    cell = one.cell
    axes = (cell.transport, cell.pattern, cell.size, cell.processes, cell.placement, cell.depth)
    return (cell.runtime, *axes, one.manner[1:])


def _copying_name(one: Measured) -> str:
    """Name the transport that copies and is otherwise the same."""
    return one.cell.transport.removesuffix("/in-place")


def _except_copying(one: Measured) -> tuple[Hashable, ...]:
    cell = one.cell
    axes = (cell.pattern, cell.size, cell.processes, cell.placement, cell.depth, one.manner)
    return (cell.runtime, _copying_name(one), *axes)
