"""Charts of curves: over message sizes, numbers of processes, and depths.

If a panel would be crowded, one chart shows the best of each family, and
another has a panel for each family, all on one scale, with the best of the
other families in grey. Cells with one value on the x axis are rows of dots: one
point is no curve.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from ipcbench.reports.charts.alike import folded
from ipcbench.reports.charts.bodies.curves import CROWDED, MOST_PANELS, Curve, Panel
from ipcbench.reports.charts.captions import (
    about_placement,
    conditions,
    evidence,
    facility_name,
    label,
    manner_phrases,
    remark,
    slug,
    wait_phrase,
)
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.groups import Group, best_at, by_family
from ipcbench.reports.charts.kinds.axes import (
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
from ipcbench.reports.charts.look.axis import value_text
from ipcbench.reports.charts.look.style import (
    REFERENCE,
    Style,
    facility_style,
    family_style,
    in_its_manner,
)
from ipcbench.reports.charts.rows import DotPanelKey, DotPlot, Point, RowKey, dot_charts
from ipcbench.reports.model import Measured, defaults_only, grouped, loop_of, rank, runtimes_of
from ipcbench.reports.names import place

MOST_OF_FAMILIES = 4  # charts with a panel for each family: they show the same cells as the table
_ABOUT_BANDS = " Values far apart are not joined: nothing is known between them."


def latency(cells: Sequence[Measured]) -> list[Chart]:
    trips = [one for one in cells if one.cell.pattern == LATENCY and one.carries_data]
    return _draw(LATENCY_PLOT, _sized(defaults_only(trips)))


def throughput(cells: Sequence[Measured]) -> list[Chart]:
    streams = [one for one in cells if one.cell.pattern == STREAM and one.cell.size > 0]
    chosen = defaults_only([one for one in streams if one.carries_data])
    return _draw(STREAM_PLOT, _sized(chosen))


def _sized(cells: Sequence[Measured]) -> list[Measured]:
    """Leave out placements with a single size, which other charts show."""
    by_key = grouped(cells, by_placement)
    sizes = {key: {one.cell.size for one in members} for key, members in by_key.items()}
    return [one for one in cells if len(sizes[by_placement(one)]) > 1]


def scaling(cells: Sequence[Measured], pattern: str) -> list[Chart]:
    plot, _ = SCALING[pattern]
    chosen = scaled(cells, pattern)
    charts = _draw(plot, chosen)
    return charts + (_draw(ECHO_PLOT, chosen) if pattern == ECHO else [])


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


def depth(cells: Sequence[Measured]) -> list[Chart]:
    chosen = [one for one in cells if one.cell.pattern == STREAM and one.cell.depth is not None]
    varied = grouped(chosen, _transport)
    several = [
        one for one in chosen if len({each.cell.depth for each in varied[_transport(one)]}) > 1
    ]
    return _draw(DEPTH_PLOT, several)


def counter(cells: Sequence[Measured]) -> list[Chart]:
    return _draw(COUNTER_PLOT, [one for one in cells if one.cell.pattern == COUNTER])


def _transport(one: Measured) -> tuple[str, str]:
    return one.cell.runtime, one.cell.transport


def crowded(cells: Sequence[Measured]) -> bool:
    """Tell whether a panel would have too many curves; a depth may be on the x axis."""
    return len({(one.cell.transport, one.manner) for one in cells}) > CROWDED


def _draw(plot: Plot, every: Sequence[Measured]) -> list[Chart]:
    cells = folded(every)
    if not cells:
        return []
    if len({plot.x(one) for one in cells}) == 1:
        return _one_value(plot, cells)
    by_key = grouped(cells, plot.panel)
    keys = sorted(by_key, key=lambda key: key.order)[:MOST_PANELS]
    runtimes = runtimes_of(cells)
    name = slug(plot.kind, *runtimes)
    if not crowded(cells):
        panels = [_panel(plot, key, by_key[key], len(runtimes) > 1) for key in keys]
        whole = plot.curves(panels)
        bands = _ABOUT_BANDS if whole.in_bands else ""
        caption = f"{plot.caption}{bands} {evidence(cells)}"
        return [Chart(name, plot.section, plot.title, conditions(cells), caption, whole)]
    best = plot.curves([_best(plot, key, by_key[key], len(runtimes) > 1) for key in keys])
    bands = _ABOUT_BANDS if best.in_bands else ""
    charts = [
        Chart(
            name,
            plot.section,
            f"{plot.title}: the best of each family",
            conditions(cells),
            f"{plot.caption} Each point is the fastest of its family and way of waiting, by "
            f"median, so the transport may change along a curve.{bands} {evidence(cells)}",
            best,
        )
    ]
    if plot.families:
        limits = _limits(plot, every)
        of_all = grouped(every, plot.panel)
        charts += [_families(plot, key, of_all[key], limits) for key in keys[:MOST_OF_FAMILIES]]
    return charts


def _one_value(plot: Plot, cells: Sequence[Measured]) -> list[Chart]:
    """Draw cells with one value on the x axis as rows: one point is no curve."""
    at = value_text(plot.x_kind, plot.x(cells[0]))
    noun = "" if at.endswith("B") else f" {plot.x_label.partition(',')[0]}"
    points = [
        Point(
            DotPanelKey(one.cell.runtime, named_size(one.cell.size) if one.cell.size else ""),
            RowKey(label(one), one.facts.family),
            facility_style(one),
            one.curve_order,
            one.cell.placement,
            plot.y(one),
            remark(one),
        )
        for one in cells
    ]
    rows = DotPlot(
        plot.kind,
        plot.section,
        f"{plot.noun.rstrip(',')}, {at}{noun}",
        plot.caption.replace("both axes are logarithmic", "the axis is logarithmic"),
        plot.y_label,
        PLACEMENTS,
        plot.y_kind,
    )
    return dot_charts(rows, points, cells)


def _title(key: PanelKey, several: bool = False) -> str:
    loop = f"{loop_of(key.runtime)}, " if several else ""
    where = place(key.placement)
    return loop + (f"{named_size(key.size)}, {where}" if key.size else where)


def _panel(plot: Plot, key: PanelKey, cells: Sequence[Measured], several: bool) -> Panel:
    by_depth = plot is DEPTH_PLOT  # the depth is the x axis, so it does not separate curves
    ordered = sorted(cells, key=lambda one: one.curve_order)
    drawn = []
    for members in grouped(
        ordered,
        lambda one: (one.cell.transport, 0, one.manner) if by_depth else one.curve_key,
    ).values():
        first = members[0]
        text = label(_without_depth(first) if by_depth else first)
        style = in_its_manner(facility_style(first), first)
        drawn.append(_curve(plot, text, style, members))
    return Panel(_title(key, several), about_placement(key.placement, cells), drawn)


def _without_depth(one: Measured) -> Measured:
    return replace(one, cell=structs.replace(one.cell, depth=None))


def _curve(plot: Plot, text: str, style: Style, members: Sequence[Measured]) -> Curve:
    ordered = sorted(members, key=plot.x)
    values = [plot.y(one) for one in ordered]
    return Curve(
        text,
        style,
        [plot.x(one) for one in ordered],
        [interval.median for interval in values],
        [interval.low for interval in values],
        [interval.high for interval in values],
        {at: text for at, one in enumerate(ordered) if (text := remark(one))},
    )


def _best(plot: Plot, key: PanelKey, cells: Sequence[Measured], several: bool) -> Panel:
    """Draw the best of each family and way of waiting, without in-place reading."""
    kinds = grouped(
        (one for one in cells if not one.facts.in_place),
        lambda one: (rank(FAMILIES, one.facts.family), one.manner),
    )
    curves = []
    for kind in sorted(kinds)[: 2 * CROWDED]:
        first = kinds[kind][0]
        style = in_its_manner(family_style(first.facts.family), first)
        curves.append(_curve(plot, _kind_label(first), style, best_at(kinds[kind], plot.x)))
    return Panel(_title(key, several), about_placement(key.placement, cells), curves)


def _kind_label(one: Measured) -> str:
    """Name the best of a cell's family: `pipe, spinning, pauses of 1 ms`."""
    short = one.facts.family == FLOOR or one.wait == BLOCK
    wait = [] if short else [wait_phrase(one.wait).replace(",", "")]
    manner = manner_phrases(structs.replace(one.cell, depth=None))
    return ", ".join([one.facts.family, *wait, *manner])


def _families(
    plot: Plot, key: PanelKey, cells: Sequence[Measured], limits: tuple[float, float]
) -> Chart:
    panels = []
    least = min(one.manner[1:] for one in cells)  # whatever the way of waiting
    for group in by_family(cells):
        curves = [
            _curve(
                plot,
                _short_label(group, members[0]),
                in_its_manner(facility_style(members[0]), members[0]),
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
        plot.curves(panels[:MOST_PANELS], limits),
    )


def _short_label(group: Group, one: Measured) -> str:
    name = facility_name(one)
    return group.short(name) + label(one).removeprefix(name)


def _reference(plot: Plot, others: Sequence[Measured]) -> Curve | None:
    """Draw the best of all other families; None without any."""
    if not others:
        return None
    manner = manner_phrases(structs.replace(others[0].cell, depth=None))
    named = ", ".join(["best of the others", *manner])
    return replace(_curve(plot, named, REFERENCE, best_at(others, plot.x)), notes={})


def _limits(plot: Plot, cells: Sequence[Measured]) -> tuple[float, float]:
    found = [plot.y(one) for one in cells]
    return min(one.low for one in found), max(one.high for one in found)
