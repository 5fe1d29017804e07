"""What Python costs: each cell that both loops measured, the native one beside Python's.

The two loops make the same calls over the same descriptors and mappings, so
what the Python loop takes beyond the native one is the interpreter's part.
Where the native calls are others (`Facts.differs`), it is that and theirs: such
cells are shown, marked, and left out of the sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ipcbench.bench.results.axes import (
    FAMILIES,
    FLOOR,
    NATIVE,
    PATTERNS,
    PLACEMENTS,
    PYTHON,
)
from ipcbench.bench.results.units import format_size, human_size
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.reports.charts.chart import (
    Axis,
    Chart,
    Row,
    inverse,
    label,
    places,
    size_of,
)
from ipcbench.reports.charts.dots import Place, Point, dot_charts
from ipcbench.reports.model import Measured, Situation, loop_of, rank, ratios

WANTED_SIZE = 64  # bytes: where little is copied, the calls are all there is
WANTED_PLACES = ("same-core", "cross-core-awake")
MOST_FOLDED = 12  # charts
MARK = "\N{DAGGER}"  # of a transport whose native calls differ
_LOOPS = (loop_of(NATIVE), loop_of(PYTHON))


@dataclass(frozen=True, slots=True)
class Cost:
    """One cell measured by both loops. Paired by round; None without a common round.

    `difference`: the Python loop's time less the native one's, seconds per
    unit; `ratio`: by how many times it is as long.
    """

    native: Measured
    python: Measured
    difference: Interval | None
    ratio: Interval | None

    @property
    def told(self) -> bool:
        """Whether the interval of the ratio leaves out 1, of enough rounds."""
        one = self.ratio
        return one is not None and one.verdict_possible and not one.low <= 1 <= one.high

    @property
    def size(self) -> int:
        return self.native.cell.size

    @property
    def placement(self) -> str:
        return self.native.cell.placement

    @property
    def pattern(self) -> str:
        return self.native.cell.pattern

    @property
    def order(self) -> tuple[object, ...]:
        """As a reader would go through them."""
        cell, family = self.native.cell, rank(FAMILIES, self.native.facts.family)
        where = rank(PLACEMENTS, cell.placement)
        return (rank(PATTERNS, cell.pattern), where, cell.size, cell.processes, family, cell.id)


def costs(cells: Iterable[Measured]) -> list[Cost]:
    """One for each transport, situation and size that both loops measured."""
    found: dict[tuple[str, Situation, int], dict[str, Measured]] = {}
    for one in cells:
        if not one.cell.twin:
            key = one.cell.transport, replace(one.situation, runtime=""), one.cell.size
            found.setdefault(key, {})[one.cell.runtime] = one
    pairs = [(by[NATIVE], by[PYTHON]) for by in found.values() if {NATIVE, PYTHON} <= by.keys()]
    return sorted((_cost(native, python) for native, python in pairs), key=lambda one: one.order)


def _cost(native: Measured, python: Measured) -> Cost:
    common = sorted(native.times.keys() & python.times.keys())
    added = [python.times[key] - native.times[key] for key in common]
    difference = median_interval(added) if added else None
    return Cost(native, python, difference, ratios(python, native))


@dataclass(frozen=True, slots=True)
class Sum:
    """Of one pattern, size and placement: (least, median, most) over its transports.

    `added` in seconds per unit. Left out: the floor, which is no transport, and whose native
    calls differ.
    """

    size: int
    placement: str
    per: str
    transports: int
    added: tuple[float, float, float]
    ratio: tuple[float, float, float]


def sums(found: Sequence[Cost]) -> list[Sum]:
    """For each placement of the table of round trips."""
    table = round_trips(found)
    return [
        one
        for index, placement in enumerate(table.placements)
        if (one := _sum(placement, [row.costs[index] for row in table.rows]))
    ]


def _sum(placement: str, column: Sequence[Cost | None]) -> Sum | None:
    carrying = [
        one
        for one in column
        if one and one.native.facts.family != FLOOR and not one.native.facts.differs
    ]
    added = [one.difference.median for one in carrying if one.difference]
    ratio = [one.ratio.median for one in carrying if one.ratio]
    if not added:
        return None
    first = carrying[0]
    return Sum(
        first.size, placement, first.native.facts.per, len(added), _span(added), _span(ratio)
    )


def _span(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One transport and size; a cost for each placement of the table."""

    shown: Measured
    costs: list[Cost | None]


@dataclass(frozen=True, slots=True)
class Table:
    placements: list[str]
    rows: list[TableRow]


def round_trips(found: Sequence[Cost]) -> Table:
    """At the size nearest to `WANTED_SIZE`, same-core and cross-core-awake where measured."""
    plain = _plain(found, "latency")
    size = _small(plain)
    return _table([one for one in plain if one.size == size])


def streams(found: Sequence[Cost]) -> Table:
    return _table(_plain(found, "stream"))


def _plain(found: Sequence[Cost], pattern: str) -> list[Cost]:
    return [one for one in found if one.pattern == pattern and one.native.cell.depth is None]


def _small(found: Sequence[Cost]) -> int:
    """The size of most of them, and of these the nearest to the one wanted."""
    counts = {size: sum(one.size == size for one in found) for size in {one.size for one in found}}
    return min(counts, key=lambda size: (abs(size - WANTED_SIZE), -counts[size]), default=0)


def _table(found: Sequence[Cost]) -> Table:
    there = places(one.native for one in found)
    placements = [one for one in WANTED_PLACES if one in there] or there[:2]
    rows: dict[tuple[object, ...], dict[str, Cost]] = {}
    for one in found:
        cell = one.native.cell
        if one.placement in placements:
            key = rank(FAMILIES, one.native.facts.family), cell.transport, cell.poll, cell.size
            rows.setdefault(key, {})[one.placement] = one
    return Table(
        placements,
        [
            TableRow(next(iter(by.values())).native, [by.get(one) for one in placements])
            for _, by in sorted(rows.items())
        ],
    )


def python_alone(found: Sequence[Cost], cells: Iterable[Measured]) -> list[str]:
    """The transports of which only Python's loop was measured, where others have both."""
    where = {(one.pattern, one.placement, one.size) for one in found}
    both = {one.native.cell.transport for one in found}
    return sorted(
        {one.cell.transport for one in cells
         if (one.cell.pattern, one.cell.placement, one.cell.size) in where
         and one.cell.runtime == PYTHON} - both
    )  # fmt: skip


def charts(cells: Sequence[Measured]) -> list[Chart]:
    """Native beside Python: round trips and streams of small messages, then all else, folded."""
    found = costs(cells)
    drawn: list[Chart] = []
    folded: list[Chart] = []
    for pattern in sorted({one.pattern for one in found}, key=lambda one: rank(PATTERNS, one)):
        these = [one for one in found if one.pattern == pattern]
        if pattern not in ("latency", "stream"):
            folded += _chart(f"cost-{pattern}", pattern, these)
            continue
        what = "round trip" if pattern == "latency" else "stream"
        these = _plain(found, pattern)
        small = _small(these)
        for size in sorted({one.size for one in these}, key=lambda size: (size != small, size)):
            of_size = [one for one in these if one.size == size]
            title = f"{what}, {human_size(size)}"
            chart = _chart(f"cost-{pattern}-{format_size(size)}", title, of_size, sized=False)
            (drawn if size == small else folded).extend(chart)
    return drawn + [replace(chart, folded=True) for chart in folded[:MOST_FOLDED]]


def _chart(kind: str, what: str, found: Sequence[Cost], sized: bool = True) -> list[Chart]:
    if not found:
        return []
    per = found[0].native.facts.per
    rates = per == "message"
    points = [
        Point(Place("", cost.placement), Row(_label(cost.native, sized), cost.native.facts.family),
              (cost.native.cell.transport, cost.size, cost.native.cell.processes),
              loop_of(one.cell.runtime),
              inverse(one.interval, 1) if rates else one.interval)
        for cost in found
        for one in (cost.native, cost.python)
    ]  # fmt: skip
    differ = any(cost.native.facts.differs for cost in found)
    other = f"; at those marked {MARK} the native calls are others" if differ else ""
    better = "Higher is better, to the right" if rates else "Lower is better, to the left"
    return dot_charts(
        kind,
        "costs",
        f"What Python costs: {what}",
        points,
        lambda name: rank(_LOOPS, name),
        Axis.UNITS_PER_SECOND if rates else Axis.SECONDS,
        "messages a second" if rates else per,
        "The same calls over the same descriptors and mappings, made by a compiled loop and by "
        f"Python's: the way between the two is Python's part{other}. {better}; logarithmic.",
        [one for cost in found for one in (cost.native, cost.python)],
    )


def _label(one: Measured, sized: bool) -> str:
    """A transport, and what else tells its row from the others of a chart."""
    parts = [label(one) + (f" {MARK}" if one.facts.differs else "")]
    if sized and one.cell.size:
        parts.append(size_of(one))
    if one.cell.processes != 2:
        parts.append(f"{one.cell.processes} processes")
    return ", ".join(parts)
