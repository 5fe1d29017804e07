"""Charts of curves: over message sizes, numbers of processes, and depths.

If a panel would be crowded, one chart shows the best of each family, and
another has a panel for each family, all on one scale, with the best of the
other families in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import structs

from ipcbench.bench.results.axes import (
    BLOCK,
    COUNTER,
    ECHO,
    FAMILIES,
    FLOOR,
    LATENCY,
    PLACEMENTS,
    STREAM,
)
from ipcbench.bench.results.units import named_size
from ipcbench.reports.charts.axes import (
    COUNTER_PLOT,
    DEPTH_PLOT,
    ECHO_PLOT,
    LATENCY_PLOT,
    SCALING,
    STREAM_PLOT,
    PanelKey,
    Plot,
    by_placement,
    by_size,
)
from ipcbench.reports.charts.captions import (
    about_placement,
    conditions,
    evidence,
    label,
    manner_phrases,
    slug,
    wait_phrase,
)
from ipcbench.reports.charts.chart import (
    BLANK,
    CROWDED,
    MOST_PANELS,
    Chart,
    Curve,
    Panel,
    Styles,
)
from ipcbench.reports.charts.groups import Group, best_at, by_family
from ipcbench.reports.charts.style import REFERENCE, Style, family_style, in_its_manner
from ipcbench.reports.model import Measured, defaults_only, grouped, loop_of, rank, runtimes_of

_ABOUT_FLOOR = " The floor is the measuring loop itself, which moves no data."


def latency(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    chosen = defaults_only([one for one in cells if one.cell.pattern == LATENCY])
    return _draw(LATENCY_PLOT, _sized(chosen), drawn_as)


def throughput(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    streams = [one for one in cells if one.cell.pattern == STREAM and one.cell.size > 0]
    chosen = defaults_only([one for one in streams if one.carries_data])
    return _draw(STREAM_PLOT, _sized(chosen), drawn_as)


def _sized(cells: Sequence[Measured]) -> list[Measured]:
    """Leave out placements with a single size if others have more: one point is no curve."""
    by_key = grouped(cells, by_placement)
    sizes = {key: {one.cell.size for one in members} for key, members in by_key.items()}
    least = 2 if any(len(found) > 1 for found in sizes.values()) else 1
    return [one for one in cells if len(sizes[by_placement(one)]) >= least]


def scaling(cells: Sequence[Measured], drawn_as: Styles, pattern: str) -> list[Chart]:
    plot, _ = SCALING[pattern]
    chosen = scaled(cells, pattern)
    charts = _draw(plot, chosen, drawn_as)
    return charts + (_draw(ECHO_PLOT, chosen, drawn_as) if pattern == ECHO else [])


def scaled(cells: Sequence[Measured], pattern: str) -> list[Measured]:
    """Select the cells of a scaling pattern, with those of its case of two processes."""
    _, of_two = SCALING[pattern]
    able = defaults_only([one for one in cells if one.carries_data])
    chosen = [one for one in able if one.cell.pattern == pattern]
    keys = {by_size(one) for one in chosen}
    names = {_transport(one) for one in chosen}
    return chosen + [
        one
        for one in able
        if one.cell.pattern == of_two and by_size(one) in keys and _transport(one) in names
    ]


def depth(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    chosen = [one for one in cells if one.cell.pattern == STREAM and one.cell.depth is not None]
    varied = grouped(chosen, _transport)
    several = [
        one for one in chosen if len({each.cell.depth for each in varied[_transport(one)]}) > 1
    ]
    return _draw(DEPTH_PLOT, several, drawn_as)


def counter(cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    return _draw(COUNTER_PLOT, [one for one in cells if one.cell.pattern == COUNTER], drawn_as)


def _transport(one: Measured) -> tuple[str, str]:
    return one.cell.runtime, one.cell.transport


def crowded(cells: Sequence[Measured]) -> bool:
    """Tell whether a panel would have too many curves; a depth may be on the x axis."""
    return len({(one.cell.transport, one.manner) for one in cells}) > CROWDED


def _draw(plot: Plot, cells: Sequence[Measured], drawn_as: Styles) -> list[Chart]:
    if not cells:
        return []
    by_key = grouped(cells, plot.panel)
    keys = sorted(by_key, key=lambda key: key.order)[:MOST_PANELS]
    runtimes = runtimes_of(cells)
    floor = "" if all(one.carries_data for one in cells) else _ABOUT_FLOOR
    if not crowded(cells):
        panels = _in_rows(keys, lambda key: _panel(plot, key, by_key[key], drawn_as))
        caption = f"{plot.caption} {evidence(cells)}{floor}"
        whole = plot.curves(panels, _across(keys))
        kind = slug(plot.kind, *runtimes)
        return [Chart(kind, plot.section, plot.title, conditions(cells), caption, whole)]
    best = _in_rows(keys, lambda key: _best(plot, key, by_key[key]))
    charts = [
        Chart(
            slug(plot.kind, *runtimes),
            plot.section,
            f"{plot.title}: the best of each family",
            conditions(cells),
            f"{plot.caption} Each point is the fastest of its family and way of waiting, by "
            f"median, so the transport may change along a curve. {evidence(cells)}{floor}",
            plot.curves(best, _across(keys)),
        )
    ]
    if plot.families:
        limits = _limits(plot, cells)
        for key in keys:
            chart = _families(plot, key, by_key[key], drawn_as, limits)
            charts.append(replace(chart, folded=key.runtime != runtimes[0]))
    return charts


def _in_rows(keys: Sequence[PanelKey], panel: Callable[[PanelKey], Panel]) -> list[Panel]:
    """Make a panel for each key; with several runtimes, rows of their own with equal columns."""
    if len({key.runtime for key in keys}) == 1:
        return [panel(key) for key in keys]
    columns = sorted({key.placement for key in keys}, key=lambda one: rank(PLACEMENTS, one))
    panels: list[Panel] = []
    for size, runtime in dict.fromkeys((key.size, key.runtime) for key in keys):
        for placement in columns:
            key = PanelKey(size, runtime, placement)
            found = panel(key) if key in keys else BLANK
            title = f"{loop_of(runtime)}, {found.title}"
            panels.append(found if found is BLANK else replace(found, title=title))
        panels += [BLANK] * (-len(panels) % _across(keys))
    return panels


def _across(keys: Sequence[PanelKey]) -> int:
    placements = len({key.placement for key in keys})
    return 2 if placements in (2, 4) else min(3, max(1, placements))


def _title(key: PanelKey) -> str:
    return f"{named_size(key.size)}, {key.placement}" if key.size else key.placement


def _panel(plot: Plot, key: PanelKey, cells: Sequence[Measured], drawn_as: Styles) -> Panel:
    by_depth = plot is DEPTH_PLOT  # the depth is the x axis, so it does not separate curves
    ordered = sorted(cells, key=lambda one: one.curve_order)
    drawn = []
    for members in grouped(
        ordered,
        lambda one: (one.cell.transport, 0, one.manner) if by_depth else one.curve_key,
    ).values():
        first = members[0]
        text = label(_without_depth(first) if by_depth else first)
        style = in_its_manner(drawn_as[first.cell.transport], first)
        drawn.append(_curve(plot, text, style, members))
    return Panel(_title(key), about_placement(key.placement, cells), drawn)


def _without_depth(one: Measured) -> Measured:
    return replace(one, cell=structs.replace(one.cell, depth=None))


def _curve(plot: Plot, text: str, style: Style, members: Sequence[Measured]) -> Curve:
    points = sorted(((plot.x(one), plot.y(one)) for one in members), key=lambda point: point[0])
    return Curve(
        text,
        style,
        [x for x, _ in points],
        [interval.median for _, interval in points],
        [interval.low for _, interval in points],
        [interval.high for _, interval in points],
    )


def _best(plot: Plot, key: PanelKey, cells: Sequence[Measured]) -> Panel:
    """Draw the best of each family and way of waiting, without in-place reading."""
    kinds = grouped(
        (one for one in cells if not one.facts.in_place),
        lambda one: (rank(FAMILIES, one.facts.family), one.manner),
    )
    curves = []
    for kind in sorted(kinds)[: 2 * CROWDED]:
        first = kinds[kind][0]
        text = _kind_label(first)
        curves.append(_curve(plot, text, family_style(first), best_at(kinds[kind], plot.x)))
    return Panel(_title(key), about_placement(key.placement, cells), curves)


def _kind_label(one: Measured) -> str:
    """Name the best of a cell's family: `pipe, spinning, pauses of 1 ms`."""
    short = one.facts.family == FLOOR or one.wait == BLOCK
    wait = [] if short else [wait_phrase(one.wait).replace(",", "")]
    manner = manner_phrases(structs.replace(one.cell, depth=None))
    return ", ".join([one.facts.family, *wait, *manner])


def _families(
    plot: Plot,
    key: PanelKey,
    cells: Sequence[Measured],
    drawn_as: Styles,
    limits: tuple[float, float],
) -> Chart:
    panels = []
    least = min(one.manner[1:] for one in cells)  # whatever the way of waiting
    for group in by_family(cells):
        curves = [
            _curve(
                plot,
                _short_label(group, members[0]),
                in_its_manner(drawn_as[members[0].cell.transport], members[0]),
                members,
            )
            for members in grouped(group.members, lambda one: one.curve_key).values()
        ]
        others = [
            one for one in cells
            if one.facts.family not in (group.family, FLOOR) and one.wait == BLOCK
            and one.manner[1:] == least
        ]  # fmt: skip
        panels.append(Panel(group.title, "", curves, _reference(plot, others)))
    placed = about_placement(key.placement, cells)
    return Chart(
        slug(plot.kind, key.runtime, key.placement, str(key.size or "")),
        plot.section,
        f"{plot.title}, {_title(key)}: each family",
        conditions(cells),
        f"Placement {_title(key)}{f' ({placed})' if placed else ''}. All panels, and those of "
        "other placements and loops, have one scale. Grey: at each point the fastest of all other "
        f"families, with receivers {wait_phrase(BLOCK)}. {plot.caption} {evidence(cells)}",
        plot.curves(panels[:MOST_PANELS], 2, limits),
    )


def _short_label(group: Group, one: Measured) -> str:
    name = one.cell.transport
    return group.short(name) + label(one).removeprefix(name)


def _reference(plot: Plot, others: Sequence[Measured]) -> Curve | None:
    """Draw the best of all other families; None without any."""
    if not others:
        return None
    manner = manner_phrases(structs.replace(others[0].cell, depth=None))
    named = ", ".join(["best of the others", *manner])
    return _curve(plot, named, REFERENCE, best_at(others, plot.x))


def _limits(plot: Plot, cells: Sequence[Measured]) -> tuple[float, float]:
    found = [plot.y(one) for one in cells if one.carries_data]
    if not found:
        found = [plot.y(one) for one in cells]
    return min(one.low for one in found), max(one.high for one in found)
