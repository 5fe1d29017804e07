"""Messages that are written anew and read: what they cost beside writing and reading alone.

The fastest transport of a place that is read in place is what the others are divided by. The ratios
are estimates with limits of their own, and no verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcbench.bench.results.axes import (
    FILL,
    HOT,
    PAYLOADS,
    PLACEMENTS,
    RUNTIMES,
    SCAN,
    STREAM,
)
from ipcbench.bench.stats import Interval
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import Measured, rank


@dataclass(frozen=True, slots=True)
class Anew:
    """A stream of messages that are written anew.

    `writing`, `reading`: one process alone, in the same place, else in another placement, since it
    uses one CPU in each; None: not measured. `ratio`: the
    time divided by that of the fastest transport that is read in place; None: it is that one, or
    there is none, or no common round.
    """

    measured: Measured
    writing: Measured | None
    reading: Measured | None
    ratio: Interval | None


def anew(cells: Iterable[Measured]) -> list[Anew]:
    """Return the streams of messages that are written anew, the fastest of a place first."""
    every = list(cells)
    streams = [one for one in every if _is_stream(one)]
    alone = _Alone(every)
    fastest: dict[tuple[object, ...], Measured] = {}
    for one in sorted(streams, key=_time):
        if one.facts.in_place:
            fastest.setdefault(_place(one), one)
    return [
        Anew(
            one,
            alone.beside(one, FILL),
            alone.beside(one, SCAN),
            _ratio(one, fastest.get(_place(one))),
        )
        for one in sorted(streams, key=lambda one: (_place(one), _time(one)))
    ]


class _Alone:
    """The cells of one process alone, by what they have in common with a stream."""

    def __init__(self, cells: Iterable[Measured]) -> None:
        self._here: dict[tuple[object, ...], Measured] = {}
        self._anywhere: dict[tuple[object, ...], Measured] = {}
        for one in cells:
            if one.cell.pattern in (FILL, SCAN) and not one.cell.is_control:
                runtime, _, *others = _place(one)
                self._here[one.cell.pattern, *_place(one)] = one
                self._anywhere.setdefault((one.cell.pattern, runtime, *others), one)

    def beside(self, stream: Measured, pattern: str) -> Measured | None:
        """Return the cell of a pattern that stands beside a stream, or None."""
        runtime, _, *others = _place(stream)
        exact = self._here.get((pattern, *_place(stream)))
        return exact or self._anywhere.get((pattern, runtime, *others))


def _is_stream(one: Measured) -> bool:
    cell = one.cell
    return cell.pattern == STREAM and cell.payload != HOT and one.competes


def _place(one: Measured) -> tuple[object, ...]:
    """Return what a stream and a process alone have in common, as a sorting key."""
    cell = one.cell
    return (
        rank(RUNTIMES, cell.runtime),
        rank(PLACEMENTS, cell.placement),
        rank(PAYLOADS, cell.payload),
        cell.size,
    )


def _time(one: Measured) -> float:
    return one.interval.median


def _ratio(one: Measured, fastest: Measured | None) -> Interval | None:
    return None if fastest is None or fastest is one else ratio(one, fastest)
