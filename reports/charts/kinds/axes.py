"""The axes of the charts of curves, pattern by pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.bench.results.axes import (
    ECHO,
    FAN_IN,
    FAN_OUT,
    LATENCY,
    PAIRS,
    PAIRS_LATENCY,
    PLACEMENTS,
    RUNTIMES,
    STREAM,
)
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.curves import Curves, Panel
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.sections import LARGE, MANY, SITUATION
from ipcbench.reports.model import Measured, inverse, multiplied, rank


class PanelKey(NamedTuple):
    """The axes that all cells of a panel share. `size` 0: all sizes."""

    size: int
    runtime: str
    placement: str

    @property
    def order(self) -> tuple[object, ...]:
        return self.size, rank(RUNTIMES, self.runtime), rank(PLACEMENTS, self.placement)


@dataclass(frozen=True, slots=True)
class Plot:
    """The axes and texts of a pattern's charts, and the values on the axes."""

    kind: str  # the first part of the charts' names
    section: str
    noun: str
    by: str
    caption: str
    x_kind: Axis
    x_label: str
    x: Callable[[Measured], int]
    y_kind: Axis
    y_label: str
    y: Callable[[Measured], Interval]
    panel: Callable[[Measured], PanelKey]
    families: bool = True  # if crowded, also draw a chart with a panel for each family

    @property
    def title(self) -> str:
        return f"{self.noun} {self.by}"

    def curves(self, panels: list[Panel], limits: tuple[float, float] | None = None) -> Curves:
        return Curves(self.x_kind, self.x_label, self.y_kind, self.y_label, panels, limits)


def by_placement(one: Measured) -> PanelKey:
    return PanelKey(0, one.cell.runtime, one.cell.placement)


def by_size(one: Measured) -> PanelKey:
    return PanelKey(one.cell.size, one.cell.runtime, one.cell.placement)


LATENCY_PLOT = Plot(
    "latency",
    LARGE,
    "Round trip",
    "by message size",
    "2 processes: the whole round trip of a message and its answer of the same size. Lower is "
    "better; both axes are logarithmic.",
    Axis.BYTES,
    "message size, bytes (K = 1024)",
    lambda one: one.cell.size,
    Axis.SECONDS,
    "round trip",
    lambda one: one.interval,
    by_placement,
)
STREAM_PLOT = Plot(
    "throughput",
    LARGE,
    "Throughput",
    "by message size",
    "2 processes: payload sent one way, timed until the last message is acknowledged. Higher is "
    "better; both axes are logarithmic, 1 MB = 10⁶ bytes.",
    Axis.BYTES,
    "message size, bytes (K = 1024)",
    lambda one: one.cell.size,
    Axis.BYTES_PER_SECOND,
    "throughput",
    lambda one: inverse(one.interval, one.cell.size),
    by_placement,
)
DEPTH_PLOT = Plot(
    "depth",
    SITUATION,
    "Throughput",
    "by depth",
    "The requested number of messages that one direction holds before the sender must wait. "
    "With a depth of one, every message waits for the receiver. Higher is better.",
    Axis.COUNT,
    "depth, messages",
    lambda one: one.cell.depth or 1,
    Axis.UNITS_PER_SECOND,
    "messages per second",
    lambda one: inverse(one.interval, 1),
    by_size,
)
COUNTER_PLOT = Plot(
    "counter",
    MANY,
    "A guarded update",
    "by number of processes",
    "All processes increment one shared variable; the guard admits one at a time. Time from the "
    "first update to the end of the last, divided by the updates of all processes. Lower is "
    "better.",
    Axis.COUNT,
    "processes",
    lambda one: one.cell.processes,
    Axis.SECONDS,
    "time per update",
    lambda one: one.interval,
    by_size,
    families=False,
)


def _scaling(pattern: str, unit: str, work: str, two: str = "") -> Plot:
    alike = f"; with 2 processes this is the pattern {two}" if two else ""
    return Plot(
        f"scaling-{pattern}",
        MANY,
        f"{pattern[0].upper()}{pattern[1:]}: {unit} per second",
        "by processes",
        f"{work[0].upper()}{work[1:]}{alike}. Higher is better.",
        Axis.COUNT,
        "processes",
        lambda one: one.cell.processes,
        Axis.UNITS_PER_SECOND,
        f"{unit} per second",
        lambda one: inverse(one.interval, 1),
        by_size,
        families=False,
    )


ECHO_PLOT = Plot(
    "echo-round-trip",
    MANY,
    "Echo: the round trip of each client,",
    "by number of clients",
    "One server, which replies to each client. The mean round trip of a client: the time "
    "divided by all round trips, multiplied by the number of clients. Lower is better.",
    Axis.COUNT,
    "clients",
    lambda one: max(1, one.cell.processes - 1),
    Axis.SECONDS,
    "round trip",
    lambda one: multiplied(one.interval, max(1, one.cell.processes - 1)),
    by_size,
    families=False,
)

# Patterns of any number of processes: the plot, and the pattern that is their case of two.
SCALING = {
    PAIRS: (
        _scaling(PAIRS, "messages", "the sum over independent links side by side", STREAM),
        STREAM,
    ),
    PAIRS_LATENCY: (
        _scaling(PAIRS_LATENCY, "round trips", "the sum over independent links", LATENCY),
        LATENCY,
    ),
    FAN_IN: (
        _scaling(FAN_IN, "messages", "all processes but one send over one channel"),
        "",
    ),
    FAN_OUT: (
        _scaling(FAN_OUT, "messages", "one process sends, all others compete for each message"),
        "",
    ),
    ECHO: (
        _scaling(ECHO, "round trips", "one server, which replies to all others"),
        "",
    ),
}  # fmt: skip
