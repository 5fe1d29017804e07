"""Charts of lines: over message sizes, over numbers of processes, over depths.

Where a panel would be crowded, the best of each family is drawn, and each
family for itself: small multiples on one scale, the others' best in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ipcbench.bench.results.axes import FAMILIES, FLOOR, PLACEMENTS, WAITS
from ipcbench.bench.results.units import human_size
from ipcbench.reports.charts.axes import (
    COUNTER,
    DEPTH,
    ECHO,
    LATENCY,
    SCALING,
    STREAM,
    Place,
    Plot,
    by_placement,
    by_size,
)
from ipcbench.reports.charts.chart import (
    BLANK,
    CROWDED,
    MOST_PANELS,
    Chart,
    Line,
    Panel,
    Styles,
    about,
    carries,
    evidence,
    grouped,
    label,
    line_key,
    line_order,
    name,
    plain,
    runtimes_of,
    who,
)
from ipcbench.reports.charts.groups import best_at, by_family
from ipcbench.reports.charts.style import REFERENCE, Style, family_style
from ipcbench.reports.model import Measured, loop_of, rank


def latency(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    chosen = plain([one for one in cells if one.cell.pattern == "latency"])
    return _draw(LATENCY, _sized(chosen), drawn_as)


def throughput(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    streams = [one for one in cells if one.cell.pattern == "stream" and one.cell.size > 0]
    chosen = plain([one for one in streams if carries(one)])
    return _draw(STREAM, _sized(chosen), drawn_as)


def _sized(cells: Sequence[Measured]) -> list[Measured]:
    """Without the placements of one size, where others have more: those are no line."""
    by_place = grouped(cells, by_placement)
    sizes = {place: {one.cell.size for one in members} for place, members in by_place.items()}
    least = 2 if any(len(found) > 1 for found in sizes.values()) else 1
    return [one for one in cells if len(sizes[by_placement(one)]) >= least]


def scaling(cells: Sequence[Measured], drawn_as: Styles, pattern: str) -> list[Chart]:
    plot, _ = SCALING[pattern]
    chosen = scaled(cells, pattern)
    charts = _draw(plot, chosen, drawn_as)
    return charts + (_draw(ECHO, chosen, drawn_as) if pattern == "echo" else [])


def scaled(cells: Sequence[Measured], pattern: str) -> list[Measured]:
    """The cells of a pattern that grows, with those of two processes where it has them."""
    _, of_two = SCALING[pattern]
    able = plain([one for one in cells if carries(one)])
    chosen = [one for one in able if one.cell.pattern == pattern]
    kinds = {by_size(one) for one in chosen}
    names = {_who(one) for one in chosen}
    return chosen + [
        one
        for one in able
        if one.cell.pattern == of_two and by_size(one) in kinds and _who(one) in names
    ]


def depth(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    chosen = [one for one in cells if one.cell.pattern == "stream" and one.cell.depth is not None]
    varied = grouped(chosen, _who)
    several = [one for one in chosen if len({each.cell.depth for each in varied[_who(one)]}) > 1]
    return _draw(DEPTH, several, drawn_as)


def counter(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    return _draw(COUNTER, [one for one in cells if one.cell.pattern == "counter"], drawn_as)


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
    if plot is DEPTH:  # there the depth is the x axis, and no line of its own
        lines = grouped(
            sorted(cells, key=line_order), lambda one: (one.cell.transport, 0, one.cell.poll)
        )
    drawn = []
    for members in lines.values():
        text = label(members[0]) if plot is not DEPTH else members[0].cell.transport
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
