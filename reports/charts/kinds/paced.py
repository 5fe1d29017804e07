"""Charts of open loops: latency by load, and by rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from ipcbench.bench.results.axes import LATENCY, PACED, PLACEMENTS
from ipcbench.bench.results.pace import CLOSED, LOAD, POISSON, RATE, offered
from ipcbench.bench.results.units import named_size
from ipcbench.reports.charts.bodies.curves import MOST_PANELS, Curve, Curves, Panel
from ipcbench.reports.charts.captions import about_placement, conditions, label, slug
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.kinds.axes import PanelKey, by_size
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style, in_its_manner
from ipcbench.reports.charts.sections import SITUATION
from ipcbench.reports.model import Measured, grouped, loop_of, rank, runtimes_of
from ipcbench.reports.names import place
from ipcbench.reports.percentiles import percentile

_PERCENT = "load, % of the capacity of the same loops"
_KINDS = {
    LOAD: ("Latency by load", _PERCENT),
    POISSON: ("Latency by load, messages at random", _PERCENT),
    RATE: ("Latency by rate", "messages a second"),
}
_CAPTION = (
    "2 processes, one way: from the time at which a message was due to its arrival. Points are "
    "medians of the latency, bars reach up to its 99th percentile where each round has 1,000 "
    "messages or more. Lower is better; both axes are logarithmic. The table below has the rates "
    "and the CPU time."
)


def paced(cells: Sequence[Measured]) -> list[Chart]:
    """Make a chart for each kind of rate."""
    found = []
    for kind in _KINDS:
        chosen = [one for one in cells if one.cell.pattern == PACED and _kind(one) == kind]
        if chosen:
            found.append(_chart(kind, chosen))
    return found


def _kind(one: Measured) -> str:
    rate = offered(one.cell.pace)
    return "" if rate is None else rate.kind


def _x(one: Measured) -> int:
    rate = offered(one.cell.pace)
    return 0 if rate is None else rate.number


def _chart(kind: str, cells: Sequence[Measured]) -> Chart:
    title, x_label = _KINDS[kind]
    by_key = grouped(cells, by_size)
    keys = sorted(by_key, key=lambda key: (key.size, rank(PLACEMENTS, key.placement), key.runtime))
    several = len(runtimes_of(cells)) > 1
    panels = [_panel(key, by_key[key], several=several) for key in keys[:MOST_PANELS]]
    body = Curves(Axis.COUNT, x_label, Axis.SECONDS, "latency, one way", panels)
    name = slug("paced", kind, *runtimes_of(cells))
    return Chart(name, SITUATION, title, conditions(cells), _CAPTION, body)


def _panel(key: PanelKey, cells: Sequence[Measured], *, several: bool) -> Panel:
    loop = f", {loop_of(key.runtime)}" if several else ""
    title = f"{named_size(key.size)}, {place(key.placement)}{loop}"
    ordered = sorted(cells, key=lambda one: one.curve_order)
    groups = grouped(ordered, lambda one: _without_pace(one).curve_key)
    curves = [_curve(members) for members in groups.values()]
    return Panel(title, about_placement(key.placement, cells), curves)


def _without_pace(one: Measured) -> Measured:
    """Return a cell whose pace, which is on the x axis, separates it from no other."""
    return replace(one, cell=structs.replace(one.cell, pattern=LATENCY, pace=CLOSED))


def _curve(members: Sequence[Measured]) -> Curve:
    """Draw the medians, with bars up to the 99th percentile."""
    points = sorted(members, key=_x)
    middles = [one.interval.median for one in points]
    tops = [percentile(one, 0.99) for one in points]
    return Curve(
        label(_without_pace(points[0])),
        in_its_manner(facility_style(points[0]), points[0]),
        [_x(one) for one in points],
        middles,
        middles,
        [max(low, top.median if top else low) for low, top in zip(middles, tops, strict=True)],
    )
