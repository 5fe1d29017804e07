"""What is drawn: measured cells -> charts as plain data; `figures` draws them.

A chart is one pattern by one runtime; its panels are placements, since a
figure without its placement means nothing. Numbers are in SI units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from bench.results import human_size
from bench.stats import ENOUGH_ROUNDS, Interval
from reports.model import FAMILIES, FLOOR, PLACEMENTS, WAITS, Measured, rank
from reports.style import Style, styles

MOST_CHARTS = 16
MOST_PANELS = 12
MOST_LINES = 48  # in a panel; the tables have the rest

_ABOUT_PLACEMENTS = {
    "same-core": "all on one CPU",
    "smt": "two threads of one core",
    "cross-core": "one CPU each, idle states allowed",
    "cross-core-polled": "one CPU each, idle states forbidden",
    "cross-node": "CPUs of different NUMA nodes",
    "unpinned": "wherever the scheduler puts them",
}


class Axis(Enum):
    """What an axis counts, and hence how its ticks read."""

    BYTES = "bytes"
    SECONDS = "seconds"
    BYTES_PER_SECOND = "bytes per second"
    UNITS_PER_SECOND = "units per second"
    PROCESSES = "processes"


@dataclass(frozen=True, slots=True)
class Line:
    """One transport in one panel: x ascending, a median with its interval at each."""

    label: str
    style: Style
    x: list[int]
    y: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    note: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is fit for a file. `section` is where the page shows it."""

    name: str
    section: str
    title: str
    caption: str
    x_kind: Axis
    x_label: str
    y_kind: Axis
    y_label: str
    panels: list[Panel]
    columns: int  # panels side by side


def all_charts(cells: Sequence[Measured]) -> tuple[list[Chart], int]:
    """The charts of a page, in order, and how many more there would have been."""
    drawn_as = styles(cells)
    shown = [one for one in cells if not one.cell.twin]
    charts = [
        chart
        for runtime in sorted({one.cell.runtime for one in shown})
        for chart in _of_runtime([one for one in shown if one.cell.runtime == runtime], drawn_as)
    ]
    ordered = sorted(
        charts, key=lambda chart: ("latency", "stream", "scaling").index(chart.section)
    )
    return ordered[:MOST_CHARTS], len(ordered) - len(ordered[:MOST_CHARTS])


def _of_runtime(cells: Sequence[Measured], drawn_as: dict[str, Style]) -> list[Chart]:
    charts = [_latency(cells, drawn_as), _throughput(cells, drawn_as)]
    charts += [_scaling(cells, drawn_as, *kind) for kind in _SCALING]
    return [chart for chart in charts if chart is not None]


def _latency(cells: Sequence[Measured], drawn_as: dict[str, Style]) -> Chart | None:
    chosen = [one for one in cells if one.cell.pattern == "latency"]
    if not chosen:
        return None
    runtime = chosen[0].cell.runtime
    floor = " The floor is the harness itself, carrying nothing." if _has_floor(chosen) else ""
    return Chart(
        name=_name("latency", runtime),
        section="latency",
        title=f"Round trip against message size: 2 processes, {_who(chosen)}",
        caption="Whole round trip of a message and its answer of the same size, lower is better; "
        f"both axes logarithmic. {_evidence(chosen)}{floor}",
        x_kind=Axis.BYTES,
        x_label="message size, bytes (K = 1024)",
        y_kind=Axis.SECONDS,
        y_label="round trip",
        panels=_by_placement(chosen, drawn_as, lambda one: one.interval),
        columns=2,
    )


def _throughput(cells: Sequence[Measured], drawn_as: dict[str, Style]) -> Chart | None:
    chosen = [
        one for one in cells if one.cell.pattern == "stream" and one.cell.size > 0 and _carries(one)
    ]
    if not chosen:
        return None
    runtime = chosen[0].cell.runtime
    return Chart(
        name=_name("throughput", runtime),
        section="stream",
        title=f"Throughput against message size: 2 processes, {_who(chosen)}",
        caption="Payload delivered one way, until the receiver has acknowledged the last message, "
        f"higher is better; both axes logarithmic, 1 MB = 10⁶ bytes. {_evidence(chosen)}",
        x_kind=Axis.BYTES,
        x_label="message size, bytes (K = 1024)",
        y_kind=Axis.BYTES_PER_SECOND,
        y_label="throughput",
        panels=_by_placement(chosen, drawn_as, lambda one: _inverse(one.interval, one.cell.size)),
        columns=2,
    )


_SCALING = (  # pattern, the pattern that is its case of two processes, what is counted, how
    ("pairs", "stream", "messages", "independent links side by side, all their messages together"),
    ("pairs-latency", "latency", "round trips", "independent links side by side, all together"),
    ("fan-in", "fan-in", "messages", "all but one send, one receives, over one facility"),
)


def _scaling(
    cells: Sequence[Measured],
    drawn_as: dict[str, Style],
    pattern: str,
    of_two: str,
    unit: str,
    how: str,
) -> Chart | None:
    chosen = [one for one in cells if one.cell.pattern == pattern and _carries(one)]
    if not chosen:
        return None
    kinds = {(one.cell.size, one.cell.placement) for one in chosen}
    chosen += [
        one
        for one in cells
        if one.cell.pattern == of_two != pattern
        and (one.cell.size, one.cell.placement) in kinds
        and _carries(one)
    ]
    runtime = chosen[0].cell.runtime
    panels = [
        _panel(
            f"{human_size(size)}, {placement}",
            _ABOUT_PLACEMENTS.get(placement, ""),
            [one for one in chosen if (one.cell.size, one.cell.placement) == (size, placement)],
            drawn_as,
            lambda one: one.cell.processes,
            lambda one: _inverse(one.interval, 1),
        )
        for size, placement in sorted(kinds, key=lambda kind: (kind[0], rank(PLACEMENTS, kind[1])))
    ]
    two = f"; 2 processes are the pattern {of_two}" if of_two != pattern else ""
    return Chart(
        name=_name(f"scaling-{pattern}", runtime),
        section="scaling",
        title=f"{pattern}, {unit} a second against processes: {_who(chosen)}",
        caption=f"{pattern[0].upper()}{pattern[1:]}: {how}{two}. Higher is better. "
        f"{_evidence(chosen)}",
        x_kind=Axis.PROCESSES,
        x_label="processes",
        y_kind=Axis.UNITS_PER_SECOND,
        y_label=f"{unit} a second",
        panels=panels[:MOST_PANELS],
        columns=min(3, len({placement for _, placement in kinds})),
    )


def _carries(one: Measured) -> bool:
    """The floor carries nothing, so it has no throughput."""
    return one.facts.family != FLOOR


def _has_floor(cells: Iterable[Measured]) -> bool:
    return not all(map(_carries, cells))


def _by_placement(
    cells: Sequence[Measured],
    drawn_as: dict[str, Style],
    y: Callable[[Measured], Interval],
) -> list[Panel]:
    placements = sorted(
        {one.cell.placement for one in cells}, key=lambda one: rank(PLACEMENTS, one)
    )
    return [
        _panel(
            placement,
            _ABOUT_PLACEMENTS.get(placement, ""),
            [one for one in cells if one.cell.placement == placement],
            drawn_as,
            lambda one: one.cell.size,
            y,
        )
        for placement in placements[:MOST_PANELS]
    ]


def _panel(
    title: str,
    note: str,
    cells: Iterable[Measured],
    drawn_as: dict[str, Style],
    x: Callable[[Measured], int],
    y: Callable[[Measured], Interval],
) -> Panel:
    lines: dict[tuple[str, int], list[Measured]] = {}
    for one in cells:
        lines.setdefault((one.cell.transport, one.cell.depth or 0), []).append(one)
    drawn = []
    for (name, _), members in sorted(lines.items(), key=lambda item: _line_order(item[1][0])):
        points = sorted(((x(one), y(one)) for one in members), key=lambda point: point[0])
        drawn.append(
            Line(
                label(members[0]),
                drawn_as[name],
                [place for place, _ in points],
                [interval.median for _, interval in points],
                [interval.low for _, interval in points],
                [interval.high for _, interval in points],
            )
        )
    return Panel(title, note, drawn[:MOST_LINES])


def _line_order(one: Measured) -> tuple[object, ...]:
    return (rank(FAMILIES, one.facts.family), one.cell.transport, one.cell.depth or 0)


def label(one: Measured) -> str:
    """`shm:posix+spin, spinning`: blocking is what all others do, and goes without saying."""
    parts = [one.cell.transport]
    if one.cell.depth is not None:
        parts.append(f"depth {one.cell.depth}")
    if one.facts.family == FLOOR:
        parts.append("floor")
    elif one.facts.wait != "blocking":
        parts.append(one.facts.wait)
    return ", ".join(parts)


def _inverse(time: Interval, amount: int) -> Interval:
    """Seconds a unit -> `amount` a second; the ends change places."""
    return Interval(
        amount / time.median, amount / time.high, amount / time.low, time.coverage, time.n
    )


def _who(cells: Sequence[Measured]) -> str:
    """Whose loop, and how the receivers wait: no chart without either."""
    waits = sorted({one.facts.wait for one in cells if _carries(one)}, key=lambda w: rank(WAITS, w))
    runtime = cells[0].cell.runtime
    return f"{runtime} loop, {' or '.join(waits)} receivers" if waits else f"{runtime} loop"


def _evidence(cells: Sequence[Measured]) -> str:
    """What a point and its bar are."""
    rounds = sorted({one.interval.n for one in cells})
    span = f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    points = f"Points are medians over {span} {'rounds' if rounds[-1] != 1 else 'round'}"
    if rounds[-1] < ENOUGH_ROUNDS:
        return f"{points} of fresh processes; bars are the whole range."
    coverage = min(one.interval.coverage for one in cells) * 100
    return f"{points} of fresh processes; bars cover the median with at least {coverage:.1f} %."


def _name(kind: str, runtime: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{runtime}".lower()).strip("-")[:60]
