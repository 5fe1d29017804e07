"""The cost of Python: each cell measured by both loops, native and Python, compared.

The two loops make the same calls on the same descriptors and mappings, so the
additional time of the Python loop is that of the interpreter. Where the native
loop makes other calls (`Facts.differs`), the difference contains theirs too:
such cells are shown, marked, and left out of the sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import (
    CROSS_CORE_AWAKE,
    FAMILIES,
    FLOOR,
    HOT,
    LATENCY,
    NATIVE,
    PATTERNS,
    PLACEMENTS,
    PYTHON,
    SAME_CORE,
    STREAM,
    WAITS,
)
from ipcbench.bench.results.pace import has_own_rate, pace_order
from ipcbench.bench.stats import Interval
from ipcbench.reports.estimates import common_times, shifts
from ipcbench.reports.model import (
    Measured,
    multiplied,
    placements_of,
    rank,
)

PREFERRED_SIZE = 64  # bytes: with little to copy, the calls are the whole cost
PREFERRED_PLACEMENTS = (SAME_CORE, CROSS_CORE_AWAKE)
_USUAL = (None, 1, HOT)  # depth, batch, payload
MARK = "\N{DAGGER}"  # of a transport whose native calls differ


@dataclass(frozen=True, slots=True)
class Cost:
    """One cell measured by both loops; None without a common round.

    `difference`: time of the Python loop minus time of the native one, in
    seconds per unit; `ratio`: the first divided by the second.
    """

    native: Measured
    python: Measured
    difference: Interval | None
    ratio: Interval | None

    @property
    def clear(self) -> bool:
        """True if the interval of the ratio excludes 1, with enough rounds."""
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
        """The sorting key of tables and charts."""
        cell, family = self.native.cell, rank(FAMILIES, self.native.facts.family)
        where = rank(PLACEMENTS, cell.placement)
        return (rank(PATTERNS, cell.pattern), where, cell.size, cell.processes, family, cell.id)


def costs(cells: Iterable[Measured]) -> list[Cost]:
    """Pair the cells that both loops measured: same transport, situation and size."""
    found: dict[tuple[str, Situation], dict[str, Measured]] = {}
    for one in cells:
        if not (one.cell.is_control or one.disturbed or has_own_rate(one.cell.pace)):
            key = one.cell.transport, replace(one.situation, runtime="")
            found.setdefault(key, {})[one.cell.runtime] = one
    pairs = [(by[NATIVE], by[PYTHON]) for by in found.values() if {NATIVE, PYTHON} <= by.keys()]
    return sorted(_costs(pairs), key=lambda one: one.order)


def _costs(pairs: Sequence[tuple[Measured, Measured]]) -> Iterator[Cost]:
    """Estimate all differences and ratios at once, which takes a fraction of the time."""
    times = [common_times(native, python) for native, python in pairs]
    indices = [index for index, (native, _) in enumerate(times) if native]
    units = [median(times[index][0]) for index in indices]
    scaled = [
        ([time / unit for time in times[index][0]], [time / unit for time in times[index][1]])
        for index, unit in zip(indices, units, strict=True)
    ]
    logs = [([math.log(one) for one in a], [math.log(one) for one in b]) for a, b in scaled]
    added = (multiplied(one, unit) for one, unit in zip(shifts(scaled), units, strict=True))
    ratio = (one.exp() for one in shifts(logs))
    found = dict(zip(indices, zip(added, ratio, strict=True), strict=True))
    for index, pair in enumerate(pairs):
        yield Cost(*pair, *found.get(index, (None, None)))


@dataclass(frozen=True, slots=True)
class Sum:
    """The cost in one placement, as (least, median, most) over all transports.

    `added` in seconds per unit. Left out are the floor, which is no transport,
    and transports whose native calls differ. All cells have the same pace, and each
    transport waits in one way.
    """

    size: int
    placement: str
    pace: str
    per: str
    transports: int
    added: tuple[float, float, float]
    ratio: tuple[float, float, float]
    rounds: int  # the fewest of a ratio
    clear: int  # transports whose difference is told apart from nothing


def sums(found: Sequence[Cost]) -> list[Sum]:
    """Sum up each placement of the table of round trips."""
    table = round_trips(_alike(default_depth(found, LATENCY)))
    return [
        one
        for index, placement in enumerate(table.placements)
        if (one := _sum(placement, [row.costs[index] for row in table.rows]))
    ]


def _alike(found: Sequence[Cost]) -> list[Cost]:
    """Select the costs without pauses, else with the shortest; and one way of waiting."""

    def key(one: Cost) -> tuple[object, ...]:
        cell = one.native.cell
        return pace_order(cell.pace), rank(WAITS, cell.wait), cell.looks or 0

    least = min(map(key, found), default=None)
    return [one for one in found if key(one) == least]


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
        first.size,
        placement,
        first.native.cell.pace,
        first.native.facts.per,
        len(added),
        _span(added),
        _span(ratio),
        min(one.ratio.n for one in carrying if one.ratio),
        sum(one.clear for one in carrying),
    )


def _span(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One transport and size, with a cost for each placement of the table."""

    shown: Measured
    costs: list[Cost | None]


@dataclass(frozen=True, slots=True)
class Table:
    """Costs by transport and placement."""

    placements: list[str]
    rows: list[TableRow]


def round_trips(found: Sequence[Cost]) -> Table:
    """Tabulate round trips at the size nearest to `PREFERRED_SIZE`."""
    trips = default_depth(found, LATENCY)
    size = small_size(trips)
    return _table([one for one in trips if one.size == size])


def streams(found: Sequence[Cost]) -> Table:
    """Tabulate streams, at all sizes."""
    return _table(default_depth(found, STREAM))


def default_depth(found: Sequence[Cost], pattern: str) -> list[Cost]:
    """Select the costs of a pattern, without cells of a requested depth, batch or payload."""
    cells = ((one, one.native.cell) for one in found if one.pattern == pattern)
    return [one for one, cell in cells if (cell.depth, cell.batch, cell.payload) == _USUAL]


def small_size(found: Sequence[Cost]) -> int:
    """Choose the size nearest to `PREFERRED_SIZE`; the more frequent one of two."""
    counts = {size: sum(one.size == size for one in found) for size in {one.size for one in found}}
    return min(counts, key=lambda size: (abs(size - PREFERRED_SIZE), -counts[size]), default=0)


def _table(found: Sequence[Cost]) -> Table:
    known = placements_of(one.native for one in found)
    placements = [one for one in PREFERRED_PLACEMENTS if one in known] or known[:2]
    rows: dict[tuple[object, ...], dict[str, Cost]] = {}
    for one in found:
        cell = one.native.cell
        if one.placement in placements:
            key = rank(FAMILIES, one.native.facts.family), *one.native.curve_key, cell.size
            rows.setdefault(key, {})[one.placement] = one
    return Table(
        placements,
        [
            TableRow(next(iter(by.values())).native, [by.get(one) for one in placements])
            for _, by in sorted(rows.items())
        ],
    )


def python_alone(found: Sequence[Cost], cells: Iterable[Measured]) -> list[str]:
    """List the transports measured by the Python loop alone, where others have both."""
    cells_of_both = {(one.pattern, one.placement, one.size) for one in found}
    both = {one.native.cell.transport for one in found}
    return sorted(
        {one.cell.transport for one in cells
         if (one.cell.pattern, one.cell.placement, one.cell.size) in cells_of_both
         and one.cell.runtime == PYTHON} - both
    )  # fmt: skip
