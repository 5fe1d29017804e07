"""Charts of the parts of a round trip: calls and copying, waking, Python."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.units import named_size
from ipcbench.reports.charts.bodies.stacks import Part, Stack, StackPanel, Stacks
from ipcbench.reports.charts.captions import conditions, label, slug
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.palette import PARTS
from ipcbench.reports.charts.sections import SMALL
from ipcbench.reports.model import Measured, runtimes_of
from ipcbench.reports.names import language
from ipcbench.reports.verdicts.cost_model import CALLS, IN_PYTHON, SLEEPING, TURNS, Row, model

MOST_BARS = 16  # of a panel
_COLORS = {IN_PYTHON: PARTS[0], CALLS: PARTS[1], SLEEPING: PARTS[2], TURNS: PARTS[2]}
_CAPTION = (
    "2 processes on one core. Calls and copying: one process that sends to itself. Sleeping and "
    "waking: the rest of the round trip. Python in the calls: its own calls, less those of the C "
    "loop. Where the C loop was not measured, or makes other calls, they stand under calls and "
    "copying. A part that is not above nothing is not drawn. "
    "The number and the line across a bar are the median of the whole. Parts are medians over "
    "rounds as well, so they need not add up to it."
)


def parts(cells: Sequence[Measured]) -> list[Chart]:
    """Draw the parts of round trips, a panel for each size."""
    found = model(cells)
    if not found.rows:
        return []
    trips = [row.trip for row in found.rows]
    used = {share.name for row in found.rows for share in row.shares}
    names = [name for name in _COLORS if name in used]
    panels = [
        StackPanel(named_size(size), "", [_stack(row, names) for row in rows[:MOST_BARS]])
        for size in found.sizes
        if (rows := [row for row in found.rows if row.trip.cell.size == size])
    ]
    body = Stacks(
        Axis.SECONDS, "round trip", [Part(name, _COLORS[name]) for name in names],
        panels,
    )  # fmt: skip
    name = slug("parts", *runtimes_of(trips))
    return [Chart(name, SMALL, "The parts of a round trip", conditions(trips), _CAPTION, body)]


def _stack(row: Row, names: Sequence[str]) -> Stack:
    return Stack(
        f"{label(row.trip)}, {language(row.trip.cell.runtime)}",
        row.whole.median,
        {names.index(share.name): share.time for share in row.shares},
    )
