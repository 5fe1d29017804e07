"""Parts of a round trip, and the cost model with its error, from the cells of a run.

The parts are measured: the pattern `self` tells the calls and the copying, by both loops. The
model (bench/decisions/cost_model.py) takes its constant from one size and is held against the
round trips of the other ones. Both are for two processes on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ipcbench.bench.decisions import cost_model
from ipcbench.bench.decisions.cost_model import Constant, Parts, Prediction
from ipcbench.bench.results.axes import (
    LATENCY,
    NATIVE,
    RUNTIMES,
    SAME_CORE,
    SELF,
    SPIN,
)
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.reports.model import Measured, is_plain, rank

SHOWN = (64, 64 * 1024)  # bytes of the round trips whose parts are shown
IN_PYTHON = "Python in the calls"
CALLS = "calls and copying"
SLEEPING = "sleeping and waking"
TURNS = "taking turns"  # of processes that spin
NO_NATIVE = "its calls were not measured in C"
OTHER_CALLS = "the C loop makes other calls"


class Facility(NamedTuple):
    """A transport, with all that its cells of both patterns must have in common but the size."""

    transport: str
    wait: str
    depth: int | None
    runtime: str

    @property
    def sleeps(self) -> bool:
        """True if a process sleeps, or may sleep, until its message is there."""
        return self.wait != SPIN


_Cells: TypeAlias = Mapping[Facility, Mapping[int, Measured]]


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a round trip: its seconds over rounds, and its share of the whole."""

    name: str
    time: Interval
    share: float

    @property
    def is_told(self) -> bool:
        """True if the interval excludes 0, with enough rounds."""
        return self.time.verdict_possible and not self.time.low <= 0 <= self.time.high


@dataclass(frozen=True, slots=True)
class Row:
    """A round trip and its parts; `why` says why none of them is Python's ("": one is).

    `whole`: the seconds of the round trip, over the rounds that its parts are of.
    """

    trip: Measured
    whole: Interval
    python: Share | None
    calls: Share
    between: Share
    why: str

    @property
    def shares(self) -> list[Share]:
        """The parts, in the order of a bar."""
        return [one for one in (self.python, self.calls, self.between) if one]

    @property
    def is_told(self) -> bool:
        """True if each of its parts is more than nothing."""
        return all(one.is_told and one.time.low > 0 for one in self.shares)


@dataclass(frozen=True, slots=True)
class Fit:
    """The model of a facility: its constant, its errors, and what it predicts."""

    of: Measured  # its smallest round trip
    constant: Constant
    errors: list[Prediction]
    predictions: list[Prediction]

    @property
    def worst(self) -> float:
        """The largest error, in absolute terms."""
        return max(abs(one.error) for one in self.errors)


@dataclass(frozen=True, slots=True)
class Model:
    """All that a run tells about the parts of round trips."""

    rows: list[Row]
    fits: list[Fit]

    @property
    def sizes(self) -> list[int]:
        """The sizes of the rows."""
        return sorted({row.trip.cell.size for row in self.rows})


def model(cells: Iterable[Measured]) -> Model:
    """Collect the parts and the models of a run."""
    every = [one for one in cells if _counts(one)]
    trips, alone = _by_facility(every, LATENCY), _by_facility(every, SELF)
    rows = [
        row
        for facility, by_size in trips.items()
        for size in SHOWN
        if size in by_size and (row := _row(facility, size, trips, alone))
    ]
    fits = [
        fit
        for facility, by_size in trips.items()
        if facility.sleeps and (fit := _fit(by_size, alone.get(facility, {})))
    ]
    return Model(
        sorted(rows, key=lambda row: (row.trip.cell.size, *_order(row.trip))),
        sorted(fits, key=lambda fit: _order(fit.of)),
    )


def _counts(one: Measured) -> bool:
    cell = one.cell
    if cell.is_control or one.disturbed or not one.carries_data or cell.placement != SAME_CORE:
        return False
    return cell.pattern in (LATENCY, SELF) and cell.size > 0 and is_plain(cell)


def _order(one: Measured) -> tuple[object, ...]:
    return rank(RUNTIMES, one.cell.runtime), one.curve_order


def _by_facility(cells: Iterable[Measured], pattern: str) -> dict[Facility, dict[int, Measured]]:
    found: dict[Facility, dict[int, Measured]] = {}
    for one in cells:
        if one.cell.pattern == pattern:
            key = Facility(one.cell.transport, one.wait, one.cell.depth, one.cell.runtime)
            found.setdefault(key, {})[one.cell.size] = one
    return found


def _row(facility: Facility, size: int, trips: _Cells, alone: _Cells) -> Row | None:
    """Split a round trip; None where its process alone was not measured."""
    trip, own = trips[facility][size], alone.get(facility, {}).get(size)
    if own is None:
        return None
    if facility.runtime == NATIVE:
        return _split(trip, (own,), lambda whole, one: cost_model.parts(whole, one), "")
    other = facility._replace(runtime=NATIVE)
    native, why = alone.get(other, {}).get(size), NO_NATIVE
    if native is not None and native.facts.differs:
        native, why = None, OTHER_CALLS
    if native is None:
        return _split(trip, (own,), lambda whole, one: cost_model.parts(whole, one), why)
    if facility.sleeps:
        return _split(trip, (own, native), cost_model.parts, "")
    native_trip = trips.get(other, {}).get(size)
    if native_trip is None:
        return None
    return _split(trip, (native_trip, native), cost_model.parts_awake, "")


def _split(
    trip: Measured, others: Sequence[Measured], split: Callable[..., Parts], why: str
) -> Row | None:
    """Split the round trip of each round that all cells have; None without such a round."""
    rounds = set(trip.times).intersection(*(one.times for one in others))
    if not rounds:
        return None
    found = [
        split(trip.times[number], *(one.times[number] for one in others))
        for number in sorted(rounds)
    ]
    whole = median_interval([trip.times[number] for number in sorted(rounds)])

    def share(name: str, times: Iterable[float]) -> Share:
        time = median_interval(list(times))
        return Share(name, time, time.median / whole.median)

    python = [one.python for one in found if one.python is not None]
    return Row(
        trip,
        whole,
        share(IN_PYTHON, python) if python else None,
        share(CALLS, (one.calls for one in found)),
        share(SLEEPING if trip.wait != SPIN else TURNS, (one.between for one in found)),
        why,
    )


def _fit(trips: Mapping[int, Measured], alone: Mapping[int, Measured]) -> Fit | None:
    """Hold the model against the round trips of a facility; None where its error is not known."""
    times = {size: one.interval.median for size, one in trips.items()}
    own = {size: one.interval.median for size, one in alone.items()}
    constant, errors = cost_model.constant(own, times), cost_model.leave_one_out(own, times)
    if constant is None or not errors:
        return None
    return Fit(trips[constant.size], constant, errors, cost_model.predictions(own, times))
