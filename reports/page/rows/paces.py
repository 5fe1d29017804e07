"""Rows of the page's section on paces: messages at a rate, and round trips after pauses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from msgspec import structs

from ipcbench.bench.results.axes import LATENCY, PACED
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.histogram import bounds
from ipcbench.bench.results.pace import CLOSED, offered, pace_order
from ipcbench.bench.results.records import CALL, LAG, LATE, LEFT_OUT, OFFERED, REACHED, WATCHED, Run
from ipcbench.bench.stats import Interval
from ipcbench.reports.model import Measured, grouped
from ipcbench.reports.page.rows.tables import Rows, bounded
from ipcbench.reports.percentiles import percentile

_LOWEST = 10  # percent of the capacity, up to which messages meet no others


@dataclass(frozen=True, slots=True)
class AtRate:
    """A point of an open loop, medians over rounds.

    Attributes:
        offered: messages a second, by the schedule.
        reached: messages a second that were sent.
        p99: the 99th percentile of the latency, in seconds; None: too few messages for it.
        receiving: the share of a CPU that the receiver takes.
        sending: seconds of a call of `send`.
        late: the share of messages for which the sender was not ready, since a `send` took long.
        lag: seconds by which the sender was late by itself.
        longest: the longest latency of all rounds, in seconds.
        watched: seconds of a long watch, of all rounds; 0: there was none.
        left_out: seconds of it in which the sender was late by itself.
    """

    measured: Measured
    offered: float
    reached: float
    p99: Interval | None
    receiving: float
    sending: float
    late: float
    lag: float
    longest: float
    watched: float
    left_out: float


@dataclass(frozen=True, slots=True)
class OneWay:
    """A message at a low rate, and half of a round trip of the same facility."""

    paced: Measured
    trip: Measured

    @property
    def half(self) -> float:
        """Half of the round trip, in seconds."""
        return self.trip.interval.median / 2

    @property
    def ratio(self) -> float:
        """The one-way latency divided by half of the round trip."""
        return self.paced.interval.median / self.half


@dataclass(frozen=True, slots=True)
class Paused:
    """A facility's round trips by the pause before them, in one manner and place."""

    first: Measured
    by_pace: dict[str, Measured]

    @property
    def waiting(self) -> float | None:
        """The share of a CPU that the server takes while nothing arrives."""
        known = [one.waiting for one in self.by_pace.values() if one.waiting is not None]
        return median(known) if known else None


def at_rates(cells: Iterable[Measured]) -> Rows[AtRate]:
    """List the points of open loops, each facility by its rates."""
    found = [one for one in cells if one.cell.pattern == PACED and not one.cell.is_control]
    return bounded([_at_rate(one) for one in sorted(found, key=_order)])


def _order(one: Measured) -> tuple[object, ...]:
    cell = one.cell
    return cell.placement, cell.runtime, cell.size, one.curve_order[:2], one.wait, one.curve_order


def _at_rate(one: Measured) -> AtRate:
    def of(name: str) -> float:
        return median(run.observations.get(name, 0.0) for run in one.runs)

    return AtRate(
        measured=one,
        offered=of(OFFERED),
        reached=of(REACHED),
        p99=percentile(one, 0.99),
        receiving=median(map(_receiving, one.runs)),
        sending=of(CALL),
        late=of(LATE),
        lag=of(LAG),
        longest=_longest(one),
        watched=sum(run.observations.get(WATCHED, 0.0) for run in one.runs),
        left_out=sum(run.observations.get(LEFT_OUT, 0.0) for run in one.runs),
    )


def _longest(one: Measured) -> float:
    buckets = [max(run.tail) for run in one.runs if run.tail]
    return sum(bounds(max(buckets))) / 2 * 1e-9 if buckets else 0.0


def _receiving(run: Run) -> float:
    """Return the share of a CPU that the receiver took in the value blocks."""
    seconds = run.loops * len(run.values) / max(1.0, run.observations.get(REACHED, 0.0))
    return run.usage[1].cpu / seconds if len(run.usage) > 1 else 0.0


def one_ways(cells: Sequence[Measured]) -> Rows[OneWay]:
    """Pair messages at the lowest rate with round trips alike in all but the pattern."""
    trips = {_alike(one): one for one in cells if one.cell.pattern == LATENCY and _closed(one)}
    lowest: dict[Cell, Measured] = {}
    for one in sorted((one for one in cells if _is_low(one)), key=_order, reverse=True):
        lowest[_alike(one)] = one
    return bounded([OneWay(one, trips[key]) for key, one in lowest.items() if key in trips][::-1])


def _is_low(one: Measured) -> bool:
    rate = offered(one.cell.pace) if one.cell.pattern == PACED else None
    return rate is not None and not one.cell.is_control and rate.number <= _LOWEST


def _closed(one: Measured) -> bool:
    return one.cell.pace == CLOSED and not one.cell.is_control


def _alike(one: Measured) -> Cell:
    return structs.replace(one.cell, pattern=LATENCY, pace=CLOSED)


def pauses(cells: Iterable[Measured]) -> tuple[list[str], Rows[Paused]]:
    """Return the paces of round trips, and a row for each facility that has pauses."""
    trips = [one for one in cells if one.cell.pattern == LATENCY and not one.cell.is_control]
    alike = grouped(trips, _alike).values()
    groups = [group for group in alike if not all(map(_closed, group))]
    rows = [Paused(group[0], {one.cell.pace: one for one in group}) for group in groups]
    paces = {pace for row in rows for pace in row.by_pace}
    rows.sort(key=lambda row: (row.first.cell.placement, row.first.curve_order[:2], row.first.wait))
    return sorted(paces, key=pace_order), bounded(rows)
