"""Charts of latency against CPU time: what a short round trip costs in CPU."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.axes import LATENCY, SAME_CORE
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.alike import folded
from ipcbench.reports.charts.bodies.curves import CROWDED, MOST_PANELS, Curve, Curves, Panel
from ipcbench.reports.charts.captions import (
    about_placement,
    conditions,
    evidence,
    label,
    remark,
    slug,
)
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.groups import foremost
from ipcbench.reports.charts.kinds.axes import by_placement
from ipcbench.reports.charts.kinds.small import of_small_size
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style, in_its_manner
from ipcbench.reports.charts.sections import SITUATION
from ipcbench.reports.model import Measured, grouped, loop_of, runtimes_of
from ipcbench.reports.names import place

GUIDES = (("one CPU busy", 1.0), ("two CPUs busy", 2.0))
_CAPTION = (
    "2 processes: the round trip, and the CPU time that both take for it. A hollow marker spins: "
    "it is fast, and keeps its CPU busy even while nothing arrives. Below the lower line, both "
    "CPUs together are free for a part of the time. Lower and further left is better; both axes "
    "are logarithmic."
)


def cpu(cells: Sequence[Measured]) -> list[Chart]:
    """Draw small round trips by their time and their CPU time, where each process has a CPU."""
    chosen = [
        one
        for one in folded(of_small_size(cells, LATENCY))
        if one.cell.placement != SAME_CORE and one.cpu > 0
    ]
    by_key = grouped(chosen, by_placement)
    keys = sorted(by_key, key=lambda key: key.order)[:MOST_PANELS]
    several = len(runtimes_of(chosen)) > 1
    panels = []
    for key in keys:
        loop = f"{loop_of(key.runtime)}, " if several else ""
        note = about_placement(key.placement, by_key[key])
        shown = [_point(one) for one in foremost(by_key[key], CROWDED)]
        panels.append(Panel(loop + place(key.placement), note, shown))
    if not panels:
        return []
    body = Curves(Axis.SECONDS, "round trip", Axis.SECONDS, "CPU time", panels, guides=GUIDES)
    title = f"Latency against CPU time, {short_size(chosen[0].cell.size)}"
    name = slug("cpu", *runtimes_of(chosen))
    return [
        Chart(name, SITUATION, title, conditions(chosen), f"{_CAPTION} {evidence(chosen)}", body)
    ]


def _point(one: Measured) -> Curve:
    style, note = in_its_manner(facility_style(one), one), remark(one)
    used = one.cpu
    return Curve(
        label(one), style, [one.interval.median], [used], [used], [used], {0: note} if note else {}
    )
