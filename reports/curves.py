"""Charts of lines: over message sizes, over numbers of processes, over depths.

Where a panel would be crowded, the best of each family is drawn, and each
family for itself: small multiples on one scale, the others' best in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench.results import human_size
from bench.stats import Interval
from reports.charts import (
    BLANK,
    CROWDED,
    MOST_PANELS,
    Axis,
    Chart,
    Curves,
    Line,
    Panel,
    Styles,
    about,
    carries,
    evidence,
    grouped,
    inverse,
    label,
    line_key,
    line_order,
    name,
    plain,
    runtimes_of,
    who,
)
from reports.groups import best_at, by_family
from reports.model import (
    FAMILIES,
    FLOOR,
    PLACEMENTS,
    RUNTIMES,
    WAITS,
    Measured,
    loop_of,
    rank,
)
from reports.style import REFERENCE, Style, family_style


class Place(NamedTuple):
    """Where a panel's cells stand. `size` 0: all of them."""

    size: int
    runtime: str
    placement: str

    @property
    def order(self) -> tuple[object, ...]:
        return self.size, rank(RUNTIMES, self.runtime), rank(PLACEMENTS, self.placement)


@dataclass(frozen=True, slots=True)
class Plot:
    """What a pattern's charts have in common: axes, and what stands on them."""

    kind: str  # begins the charts' names
    section: str
    title: str
    caption: str
    x_kind: Axis
    x_label: str
    x: Callable[[Measured], int]
    y_kind: Axis
    y_label: str
    y: Callable[[Measured], Interval]
    place: Callable[[Measured], Place]
    families: bool = True  # draw each family for itself where it is crowded

    def curves(
        self, panels: list[Panel], columns: int, limits: tuple[float, float] | None = None
    ) -> Curves:
        return Curves(self.x_kind, self.x_label, self.y_kind, self.y_label, panels, columns, limits)


def _by_placement(one: Measured) -> Place:
    return Place(0, one.cell.runtime, one.cell.placement)


def _by_size(one: Measured) -> Place:
    return Place(one.cell.size, one.cell.runtime, one.cell.placement)


_LATENCY = Plot(
    "latency",
    "latency",
    "Round trip against message size",
    "2 processes: the whole round trip of a message and its answer of the same size, lower is "
    "better; both axes logarithmic.",
    Axis.BYTES,
    "message size, bytes (K = 1024)",
    lambda one: one.cell.size,
    Axis.SECONDS,
    "round trip",
    lambda one: one.interval,
    _by_placement,
)
_STREAM = Plot(
    "throughput",
    "stream",
    "Throughput against message size",
    "2 processes: payload delivered one way, until the receiver has acknowledged the last "
    "message, higher is better; both axes logarithmic, 1 MB = 10⁶ bytes.",
    Axis.BYTES,
    "message size, bytes (K = 1024)",
    lambda one: one.cell.size,
    Axis.BYTES_PER_SECOND,
    "throughput",
    lambda one: inverse(one.interval, one.cell.size),
    _by_placement,
)
_DEPTH = Plot(
    "depth",
    "depth",
    "Throughput against depth",
    "Messages that fit into a direction before the sender has to wait, as asked for; higher is "
    "better. With a depth of one, every message waits for its receiver.",
    Axis.COUNT,
    "depth, messages",
    lambda one: one.cell.depth or 1,
    Axis.UNITS_PER_SECOND,
    "messages a second",
    lambda one: inverse(one.interval, 1),
    _by_size,
)
_COUNTER = Plot(
    "counter",
    "counter",
    "A guarded update against the number of processes",
    "Time from the first update to the last one's end by all updates of all processes, lower is "
    "better: each counts up one shared variable, and the guard lets one in at a time.",
    Axis.COUNT,
    "processes",
    lambda one: one.cell.processes,
    Axis.SECONDS,
    "time per update",
    lambda one: one.interval,
    _by_size,
    families=False,
)


def _scaling(pattern: str, unit: str, how: str, two: str = "") -> Plot:
    alike = f"; 2 processes are the pattern {two}" if two else ""
    return Plot(
        f"scaling-{pattern}",
        "scaling",
        f"{pattern[0].upper()}{pattern[1:]}: {unit} a second against processes",
        f"{how[0].upper()}{how[1:]}{alike}. Higher is better.",
        Axis.COUNT,
        "processes",
        lambda one: one.cell.processes,
        Axis.UNITS_PER_SECOND,
        f"{unit} a second",
        lambda one: inverse(one.interval, 1),
        _by_size,
        families=False,
    )


_ECHO = Plot(
    "echo-round-trip",
    "scaling",
    "Echo: the round trip as each client sees it, against clients",
    "One server, each client in ping-pong with it: the mean round trip of a client, which is the "
    "time by all round trips, times the clients. Lower is better.",
    Axis.COUNT,
    "clients",
    lambda one: max(1, one.cell.processes - 1),
    Axis.SECONDS,
    "round trip",
    lambda one: times(one.interval, max(1, one.cell.processes - 1)),
    _by_size,
    families=False,
)

# What scales: the plot, and the pattern that is its case of two processes.
SCALING = {
    "pairs": (
        _scaling("pairs", "messages", "independent links side by side, all together", "stream"),
        "stream",
    ),
    "pairs-latency": (
        _scaling("pairs-latency", "round trips", "independent links, all together", "latency"),
        "latency",
    ),
    "fan-in": (
        _scaling("fan-in", "messages", "all but one send, one receives, over one facility"),
        "",
    ),
    "fan-out": (
        _scaling("fan-out", "messages", "one sends, and all others compete for each message"),
        "",
    ),
    "echo": (
        _scaling("echo", "round trips", "one server, all others in ping-pong with it"),
        "",
    ),
}  # fmt: skip


def times(interval: Interval, factor: float) -> Interval:
    return Interval(
        interval.median * factor,
        interval.low * factor,
        interval.high * factor,
        interval.coverage,
        interval.n,
    )


def latency(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    chosen = plain([one for one in cells if one.cell.pattern == "latency"])
    return _draw(_LATENCY, _sized(chosen), drawn_as)


def throughput(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    streams = [one for one in cells if one.cell.pattern == "stream" and one.cell.size > 0]
    chosen = plain([one for one in streams if carries(one)])
    return _draw(_STREAM, _sized(chosen), drawn_as)


def _sized(cells: Sequence[Measured]) -> list[Measured]:
    """Without the placements of one size, where others have more: those are no line."""
    by_place = grouped(cells, _by_placement)
    sizes = {place: {one.cell.size for one in members} for place, members in by_place.items()}
    least = 2 if any(len(found) > 1 for found in sizes.values()) else 1
    return [one for one in cells if len(sizes[_by_placement(one)]) >= least]


def scaling(cells: Sequence[Measured], drawn_as: Styles, pattern: str) -> list[Chart]:
    plot, _ = SCALING[pattern]
    chosen = scaled(cells, pattern)
    charts = _draw(plot, chosen, drawn_as)
    return charts + (_draw(_ECHO, chosen, drawn_as) if pattern == "echo" else [])


def scaled(cells: Sequence[Measured], pattern: str) -> list[Measured]:
    """The cells of a pattern that grows, with those of two processes where it has them."""
    _, of_two = SCALING[pattern]
    able = plain([one for one in cells if carries(one)])
    chosen = [one for one in able if one.cell.pattern == pattern]
    kinds = {_by_size(one) for one in chosen}
    names = {_who(one) for one in chosen}
    return chosen + [
        one
        for one in able
        if one.cell.pattern == of_two and _by_size(one) in kinds and _who(one) in names
    ]


def depth(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    chosen = [one for one in cells if one.cell.pattern == "stream" and one.cell.depth is not None]
    varied = grouped(chosen, _who)
    several = [one for one in chosen if len({each.cell.depth for each in varied[_who(one)]}) > 1]
    return _draw(_DEPTH, several, drawn_as)


def counter(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    return _draw(_COUNTER, [one for one in cells if one.cell.pattern == "counter"], drawn_as)


def _who(one: Measured) -> tuple[str, str]:
    return one.cell.runtime, one.cell.transport


def crowded(cells: Sequence[Measured]) -> bool:
    return len({one.cell.transport for one in cells}) > CROWDED


def _draw(plot: Plot, cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    if not cells:
        return []
    by_place = grouped(cells, plot.place)
    where = sorted(by_place, key=lambda place: place.order)[:MOST_PANELS]
    runtimes = runtimes_of(cells)
    floor = " The floor is the harness itself, carrying nothing." if _has_floor(cells) else ""
    if not crowded(cells):
        panels = _in_rows(where, lambda place: _panel(plot, place, by_place[place], drawn_as))
        caption = f"{plot.caption} {evidence(cells)}{floor}"
        whole = plot.curves(panels, _across(where))
        kind = name(plot.kind, *runtimes)
        return [Chart(kind, plot.section, plot.title, who(cells), caption, whole)]
    best = _in_rows(where, lambda place: _best(plot, place, by_place[place]))
    charts = [
        Chart(
            name(plot.kind, *runtimes),
            plot.section,
            f"{plot.title}: the best of each family",
            who(cells),
            f"{plot.caption} At each point the quickest of its family and way of waiting, by "
            f"median, so a line may change transports. {evidence(cells)}{floor}",
            plot.curves(best, _across(where)),
        )
    ]
    if plot.families:
        limits = _limits(plot, cells)
        for place in where:
            chart = _families(plot, place, by_place[place], drawn_as, limits)
            charts.append(replace(chart, folded=place.runtime != runtimes[0]))
    return charts


def _in_rows(where: Sequence[Place], panel: Callable[[Place], Panel]) -> list[Panel]:
    """A panel for each place. Several loops: rows of their own, placement under placement."""
    if len({place.runtime for place in where}) == 1:
        return [panel(place) for place in where]
    columns = sorted({place.placement for place in where}, key=lambda one: rank(PLACEMENTS, one))
    panels: list[Panel] = []
    for size, runtime in dict.fromkeys((place.size, place.runtime) for place in where):
        for placement in columns:
            place = Place(size, runtime, placement)
            found = panel(place) if place in where else BLANK
            title = f"{loop_of(runtime)}, {found.title}"
            panels.append(found if found is BLANK else replace(found, title=title))
        panels += [BLANK] * (-len(panels) % _across(where))
    return panels


def _across(where: Sequence[Place]) -> int:
    placements = len({place.placement for place in where})
    return 2 if placements in (2, 4) else min(3, max(1, placements))


def _title(place: Place) -> str:
    return f"{human_size(place.size)}, {place.placement}" if place.size else place.placement


def _panel(plot: Plot, place: Place, cells: Sequence[Measured], drawn_as: Styles) -> Panel:
    lines = grouped(sorted(cells, key=line_order), line_key)
    if plot is _DEPTH:  # there the depth is the x axis, and no line of its own
        lines = grouped(
            sorted(cells, key=line_order), lambda one: (one.cell.transport, 0, one.cell.poll)
        )
    drawn = []
    for members in lines.values():
        text = label(members[0]) if plot is not _DEPTH else members[0].cell.transport
        style = drawn_as[members[0].cell.transport]
        drawn.append(_line(plot, text, style, members))
    return Panel(_title(place), about(place.placement), drawn)


def _line(plot: Plot, text: str, style: Style, members: Sequence[Measured]) -> Line:
    points = sorted(((plot.x(one), plot.y(one)) for one in members), key=lambda point: point[0])
    return Line(
        text,
        style,
        [place for place, _ in points],
        [interval.median for _, interval in points],
        [interval.low for _, interval in points],
        [interval.high for _, interval in points],
    )


def _best(plot: Plot, place: Place, cells: Sequence[Measured]) -> Panel:
    """The best of each family and way of waiting, reading in place left out."""
    kinds = grouped(
        (one for one in cells if not one.facts.in_place),
        lambda one: (one.facts.family, one.facts.wait),
    )
    order = sorted(kinds, key=lambda kind: (rank(FAMILIES, kind[0]), rank(WAITS, kind[1])))
    lines = []
    for family, wait in order[: 2 * CROWDED]:
        said = family if family == FLOOR or wait == "blocking" else f"{family}, {wait}"
        members = best_at(kinds[family, wait], plot.x)
        lines.append(_line(plot, said, family_style(family, wait), members))
    return Panel(_title(place), about(place.placement), lines)


def _families(
    plot: Plot,
    place: Place,
    cells: Sequence[Measured],
    drawn_as: Styles,
    limits: tuple[float, float],
) -> Chart:
    panels = []
    for group in by_family(cells):
        lines = [
            _line(
                plot, group.short(label(members[0])), drawn_as[members[0].cell.transport], members
            )
            for members in grouped(group.members, line_key).values()
        ]
        others = [
            one for one in cells
            if one.facts.family not in (group.family, FLOOR) and one.facts.wait == "blocking"
        ]  # fmt: skip
        grey = _line(plot, "best of the others", REFERENCE, best_at(others, plot.x))
        panels.append(Panel(group.title, "", lines, grey if others else None))
    return Chart(
        name(plot.kind, place.runtime, place.placement, str(place.size or "")),
        plot.section,
        f"{plot.title}, {_title(place)}: each family",
        who(cells),
        f"{_title(place)} ({about(place.placement) or 'as named'}). All panels, and those of the "
        f"other placements and loops, have one scale. Grey: the quickest of all other families "
        f"with blocking receivers at that point. {plot.caption} {evidence(cells)}",
        plot.curves(panels[:MOST_PANELS], 2, limits),
    )


def _limits(plot: Plot, cells: Sequence[Measured]) -> tuple[float, float]:
    found = [plot.y(one) for one in cells if carries(one)]
    if not found:
        found = [plot.y(one) for one in cells]
    return min(one.low for one in found), max(one.high for one in found)


def _has_floor(cells: Sequence[Measured]) -> bool:
    return not all(map(carries, cells))
