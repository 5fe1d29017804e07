"""Charts of the cost of Python: the loop in C beside the Python loop."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.axes import LATENCY, NATIVE, PATTERNS, PYTHON, STREAM
from ipcbench.bench.results.units import format_size, named_size
from ipcbench.reports.charts.captions import label, remark, size_label
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style
from ipcbench.reports.charts.rows import DotPanelKey, DotPlot, Point, RowKey, dot_charts
from ipcbench.reports.charts.sections import SITUATION
from ipcbench.reports.model import Measured, inverse, loop_of, rank
from ipcbench.reports.names import work
from ipcbench.reports.verdicts.python_cost import (
    MARK,
    Cost,
    costs,
    default_depth,
    small_size,
)

MOST_OTHERS = 4  # charts


def cost_charts(cells: Sequence[Measured]) -> list[Chart]:
    """Draw round trips and streams of small messages, and some of the others behind them."""
    found = costs(cells)
    drawn: list[Chart] = []
    others: list[Chart] = []
    for pattern in sorted({one.pattern for one in found}, key=lambda one: rank(PATTERNS, one)):
        these = [one for one in found if one.pattern == pattern]
        if pattern not in (LATENCY, STREAM):
            others += _chart(f"cost-{pattern}", work(pattern), these)
            continue
        noun = "round trip" if pattern == LATENCY else "stream"
        these = default_depth(found, pattern)
        small = small_size(these)
        for size in sorted({one.size for one in these}, key=lambda size: (size != small, size)):
            of_size = [one for one in these if one.size == size]
            title = f"{noun}, {named_size(size)}"
            chart = _chart(f"cost-{pattern}-{format_size(size)}", title, of_size, sized=False)
            (drawn if size == small else others).extend(chart)
    return drawn + others[:MOST_OTHERS]


def _chart(kind: str, topic: str, found: Sequence[Cost], sized: bool = True) -> list[Chart]:
    if not found:
        return []
    per = found[0].native.facts.per
    rates = per == "message"
    points = [
        Point(DotPanelKey("", cost.placement),
              RowKey(_label(cost.native, sized), cost.native.facts.family),
              facility_style(one),
              (*cost.native.curve_key, cost.size, cost.native.cell.processes),
              loop_of(one.cell.runtime),
              inverse(one.interval, 1) if rates else one.interval,
              remark(one))
        for cost in found
        for one in (cost.native, cost.python)
    ]  # fmt: skip
    differ = any(cost.native.facts.differs for cost in found)
    other = f" (where marked {MARK}, the C loop makes other calls)" if differ else ""
    better = "Higher is better, to the right" if rates else "Lower is better, to the left"
    plot = DotPlot(
        kind,
        SITUATION,
        f"The cost of Python: {topic}",
        "The same calls on the same descriptors and mappings, made by a loop in C and by a "
        f"Python loop: the distance between the two is the cost of Python{other}. {better}; "
        "logarithmic.",
        "messages per second" if rates else per,
        (loop_of(NATIVE), loop_of(PYTHON)),
        Axis.UNITS_PER_SECOND if rates else Axis.SECONDS,
    )
    return dot_charts(plot, points, [one for cost in found for one in (cost.native, cost.python)])


def _label(one: Measured, sized: bool) -> str:
    """Name a row: the transport, and what distinguishes it from the others of the chart."""
    parts = [label(one) + (f" {MARK}" if one.facts.differs else "")]
    if sized and one.cell.size:
        parts.append(size_label(one))
    if one.cell.processes > 2:
        parts.append(f"{one.cell.processes} processes")
    return ", ".join(parts)
