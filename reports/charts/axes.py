"""What the charts of lines have on their axes, pattern by pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.bench.results.axes import PLACEMENTS, RUNTIMES
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.chart import Axis, Curves, Panel, inverse
from ipcbench.reports.model import Measured, rank


class Place(NamedTuple):
    """Where a panel's cells stand. `size` 0: all of them."""

    size: int
    runtime: str
    placement: str

    @property
    def order(self) -> tuple[object, ...]:
        return self.size, rank(RUNTIMES, self.runtime), rank(PLACEMENTS, self.placement)


@dataclass(frozen=True, slots=True)
class Plot:
    """What a pattern's charts have in common: axes, and what stands on them."""

    kind: str  # begins the charts' names
    section: str
    title: str
    caption: str
    x_kind: Axis
    x_label: str
    x: Callable[[Measured], int]
    y_kind: Axis
    y_label: str
    y: Callable[[Measured], Interval]
    place: Callable[[Measured], Place]
    families: bool = True  # draw each family for itself where it is crowded

    def curves(
        self, panels: list[Panel], columns: int, limits: tuple[float, float] | None = None
    ) -> Curves:
        return Curves(self.x_kind, self.x_label, self.y_kind, self.y_label, panels, columns, limits)


def by_placement(one: Measured) -> Place:
    return Place(0, one.cell.runtime, one.cell.placement)


def by_size(one: Measured) -> Place:
    return Place(one.cell.size, one.cell.runtime, one.cell.placement)


LATENCY = Plot(
    "latency",
    "latency",
    "Round trip against message size",
    "2 processes: the whole round trip of a message and its answer of the same size, lower is "
    "better; both axes logarithmic.",
    Axis.BYTES,
    "message size, bytes (K = 1024)",
    lambda one: one.cell.size,
    Axis.SECONDS,
    "round trip",
    lambda one: one.interval,
    by_placement,
)
STREAM = Plot(
    "throughput",
    "stream",
    "Throughput against message size",
    "2 processes: payload delivered one way, until the receiver has acknowledged the last "
    "message, higher is better; both axes logarithmic, 1 MB = 10⁶ bytes.",
    Axis.BYTES,
    "message size, bytes (K = 1024)",
    lambda one: one.cell.size,
    Axis.BYTES_PER_SECOND,
    "throughput",
    lambda one: inverse(one.interval, one.cell.size),
    by_placement,
)
DEPTH = Plot(
    "depth",
    "depth",
    "Throughput against depth",
    "Messages that fit into a direction before the sender has to wait, as asked for; higher is "
    "better. With a depth of one, every message waits for its receiver.",
    Axis.COUNT,
    "depth, messages",
    lambda one: one.cell.depth or 1,
    Axis.UNITS_PER_SECOND,
    "messages a second",
    lambda one: inverse(one.interval, 1),
    by_size,
)
COUNTER = Plot(
    "counter",
    "counter",
    "A guarded update against the number of processes",
    "Time from the first update to the last one's end by all updates of all processes, lower is "
    "better: each counts up one shared variable, and the guard lets one in at a time.",
    Axis.COUNT,
    "processes",
    lambda one: one.cell.processes,
    Axis.SECONDS,
    "time per update",
    lambda one: one.interval,
    by_size,
    families=False,
)


def _scaling(pattern: str, unit: str, how: str, two: str = "") -> Plot:
    alike = f"; 2 processes are the pattern {two}" if two else ""
    return Plot(
        f"scaling-{pattern}",
        "scaling",
        f"{pattern[0].upper()}{pattern[1:]}: {unit} a second against processes",
        f"{how[0].upper()}{how[1:]}{alike}. Higher is better.",
        Axis.COUNT,
        "processes",
        lambda one: one.cell.processes,
        Axis.UNITS_PER_SECOND,
        f"{unit} a second",
        lambda one: inverse(one.interval, 1),
        by_size,
        families=False,
    )


ECHO = Plot(
    "echo-round-trip",
    "scaling",
    "Echo: the round trip as each client sees it, against clients",
    "One server, each client in ping-pong with it: the mean round trip of a client, which is the "
    "time by all round trips, times the clients. Lower is better.",
    Axis.COUNT,
    "clients",
    lambda one: max(1, one.cell.processes - 1),
    Axis.SECONDS,
    "round trip",
    lambda one: times(one.interval, max(1, one.cell.processes - 1)),
    by_size,
    families=False,
)

# What scales: the plot, and the pattern that is its case of two processes.
SCALING = {
    "pairs": (
        _scaling("pairs", "messages", "independent links side by side, all together", "stream"),
        "stream",
    ),
    "pairs-latency": (
        _scaling("pairs-latency", "round trips", "independent links, all together", "latency"),
        "latency",
    ),
    "fan-in": (
        _scaling("fan-in", "messages", "all but one send, one receives, over one facility"),
        "",
    ),
    "fan-out": (
        _scaling("fan-out", "messages", "one sends, and all others compete for each message"),
        "",
    ),
    "echo": (
        _scaling("echo", "round trips", "one server, all others in ping-pong with it"),
        "",
    ),
}  # fmt: skip


def times(interval: Interval, factor: float) -> Interval:
    return Interval(
        interval.median * factor,
        interval.low * factor,
        interval.high * factor,
        interval.coverage,
        interval.n,
    )
