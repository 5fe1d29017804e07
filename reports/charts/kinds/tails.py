"""Charts of tails: the percentiles of single round trips."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.axes import LATENCY, RUNTIMES
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.alike import folded
from ipcbench.reports.charts.bodies.curves import MOST_PANELS, Curve, Curves, Panel
from ipcbench.reports.charts.captions import about_placement, conditions, label, slug
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.groups import foremost
from ipcbench.reports.charts.kinds.axes import by_placement
from ipcbench.reports.charts.kinds.small import of_small_size
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style, in_its_manner
from ipcbench.reports.charts.sections import SMALL
from ipcbench.reports.model import Measured, grouped, loop_of, rank, runtimes_of
from ipcbench.reports.names import place
from ipcbench.reports.percentiles import percentile

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999)
MOST_CURVES = 8  # of a panel: the best of each family first
FEWEST = 3  # percentiles of a curve
_CAPTION = (
    "2 processes: at each percentile, the time that so many of the single round trips do not "
    "exceed. Every round has percentiles of its own; points are their medians over rounds, bars "
    "their intervals. A percentile is shown where ten round trips or more of each round lie above "
    "it. A level curve is a steady "
    "facility. Lower is better; each panel has a scale of its own."
)


def tails(cells: Sequence[Measured]) -> list[Chart]:
    """Draw the percentiles of small round trips, a panel for each placement and loop."""
    chosen = [one for one in folded(of_small_size(cells, LATENCY)) if _curve(one)]
    if not chosen:
        return []
    by_key = grouped(chosen, by_placement)
    keys = sorted(by_key, key=lambda key: key.order)[:MOST_PANELS]
    several = len(runtimes_of(chosen)) > 1
    panels = []
    for key in sorted(keys, key=lambda key: rank(RUNTIMES[::-1], key.runtime)):
        loop = f"{loop_of(key.runtime)}, " if several else ""
        drawn = [curve for one in foremost(by_key[key], MOST_CURVES) if (curve := _curve(one))]
        note = about_placement(key.placement, by_key[key])
        panels.append(Panel(loop + place(key.placement), note, drawn))
    body = Curves(Axis.PERCENTILE, "percentile", Axis.SECONDS, "round trip", panels, common=False)
    title = f"Tails: percentiles of a round trip of {short_size(chosen[0].cell.size)}"
    name = slug("tails", *runtimes_of(chosen))
    return [Chart(name, SMALL, title, conditions(chosen), _CAPTION, body)]


def _curve(one: Measured) -> Curve | None:
    """Make a curve of the percentiles that the sample bears; None for too few of them."""
    found = [(at, value) for at in QUANTILES if (value := percentile(one, at))]
    if len(found) < FEWEST:
        return None
    return Curve(
        label(one),
        in_its_manner(facility_style(one), one),
        [at for at, _ in found],
        [value.median for _, value in found],
        [value.low for _, value in found],
        [value.high for _, value in found],
    )
