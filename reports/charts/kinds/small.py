"""Charts of one size: round trips and streams of small messages, and frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ipcbench.bench.results.axes import LATENCY, NATIVE, PYTHON, STREAM
from ipcbench.bench.results.units import FRAMES, format_size, short_size
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.alike import folded
from ipcbench.reports.charts.bodies.dots import Second
from ipcbench.reports.charts.captions import label, remark
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style
from ipcbench.reports.charts.rows import DotPanelKey, DotPlot, Point, RowKey, dot_charts
from ipcbench.reports.charts.sections import LARGE, SMALL
from ipcbench.reports.model import Measured, defaults_only, inverse, loop_of

WANTED = 64  # bytes
_LOOPS = (loop_of(NATIVE), loop_of(PYTHON))
ROUND_TRIP_PLOT = DotPlot(
    "round-trip",
    SMALL,
    "Round trip of {size}, each facility",
    "A message and its answer. Lower is better, to the left; logarithmic.",
    "round trip",
    _LOOPS,
)
RATE_PLOT = DotPlot(
    "rate",
    SMALL,
    "Messages one way, {size}: rate",
    "One process sends, one receives, until the last message is acknowledged. Higher is better, to "
    "the right; logarithmic. 1 MB = 10⁶ bytes.",
    "messages per second",
    _LOOPS,
    Axis.UNITS_PER_SECOND,
)
FRAMES_PLOT = DotPlot(
    "frames",
    LARGE,
    "A stream of {size}s",
    "One process sends frames, one receives them. Higher is better, to the right; logarithmic. "
    "1 GB = 10⁹ bytes.",
    "bytes per second",
    _LOOPS,
    Axis.BYTES_PER_SECOND,
)


def of_small_size(cells: Sequence[Measured], pattern: str) -> list[Measured]:
    """Select a pattern's plain cells of the size nearest to 64 B, without those read in place."""
    able = [one for one in cells if one.cell.pattern == pattern and one.carries_data]
    plain = [one for one in defaults_only(able) if not one.facts.in_place and one.cell.size]
    if not plain:
        return []
    nearest = min(
        {one.cell.size for one in plain},
        key=lambda size: (abs(size.bit_length() - WANTED.bit_length()), size),
    )
    return [one for one in plain if one.cell.size == nearest and one.cell.processes == 2]


def round_trip(cells: Sequence[Measured]) -> list[Chart]:
    """Compare the round trips of all facilities at a small size."""
    chosen = folded(of_small_size(cells, LATENCY))
    return _charts(ROUND_TRIP_PLOT, chosen, [one.interval for one in chosen])


def rate(cells: Sequence[Measured]) -> list[Chart]:
    """Compare the messages a second of all facilities at a small size."""
    chosen = folded(of_small_size(cells, STREAM))
    if not chosen:
        return []
    second = Second(Axis.BYTES_PER_SECOND, "bytes per second", chosen[0].cell.size)
    values = [inverse(one.interval, 1) for one in chosen]
    return _charts(replace(RATE_PLOT, second=second), chosen, values)


def frames(cells: Sequence[Measured]) -> list[Chart]:
    """Compare streams of video frames, in bytes and in frames a second."""
    found = []
    for size in FRAMES:
        chosen = folded([
            one for one in cells
            if one.cell.pattern == STREAM and one.cell.size == size and one.carries_data
        ])  # fmt: skip
        second = Second(Axis.UNITS_PER_SECOND, "frames per second", 1 / size)
        plot = replace(FRAMES_PLOT, kind=f"frames-{format_size(size)}", second=second)
        found += _charts(plot, chosen, [inverse(one.interval, size) for one in chosen])
    return found


def _charts(plot: DotPlot, cells: Sequence[Measured], values: Sequence[Interval]) -> list[Chart]:
    if not cells:
        return []
    points = [
        Point(
            DotPanelKey("", one.cell.placement),
            RowKey(label(one), one.facts.family),
            facility_style(one),
            one.curve_order,
            loop_of(one.cell.runtime),
            value,
            remark(one),
        )
        for one, value in zip(cells, values, strict=True)
    ]
    title = plot.title.format(size=short_size(cells[0].cell.size))
    return dot_charts(replace(plot, title=title), points, cells)
