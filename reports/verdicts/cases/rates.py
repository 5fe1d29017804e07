"""Steady rates: how much of a rate a closed loop could carry, and the latency under a load."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import log

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import PACED
from ipcbench.reports.model import Measured
from ipcbench.reports.verdicts.cases.case import RATE
from ipcbench.reports.verdicts.cases.choice import Choice, choice_of


@dataclass(frozen=True, slots=True)
class Loaded:
    """A cell whose messages were sent at a rate. `choice`: its latency, and the rate reached."""

    choice: Choice
    situation: Situation


@dataclass(frozen=True, slots=True)
class Room:
    """The part of their capacity that facilities need for a rate.

    Attributes:
        rate: messages a second.
        most: how many times the rate the fastest could carry in a closed loop.
        carry: facilities that could carry it.
        easily: those that could carry twice the rate.
        measured: facilities in all.
        load: the measured load whose rate is nearest, in another situation perhaps; None: none.
    """

    rate: int
    most: float
    carry: int
    easily: int
    measured: int
    load: Loaded | None


def loaded(cells: Iterable[Measured]) -> list[Loaded]:
    """Return the cells whose messages were sent at a rate."""
    found = (one for one in cells if one.cell.pattern == PACED and not one.cell.is_control)
    made = [Loaded(choice_of(one, one.interval.median, {}), one.situation) for one in found]
    return [one for one in made if one.choice.per_second > 0]


def room_of(
    rates: Sequence[float],
    situation: Situation,
    members: Collection[str],
    loads: Sequence[Loaded],
) -> Room:
    """Return the room that facilities have for the rate, given what each carries at most.

    `members`: the facilities that are recommended, whose load is preferred.
    """
    near = min(loads, key=lambda one: _distance(one, situation, members), default=None)
    return Room(
        rate=RATE,
        most=max(rates) / RATE,
        carry=sum(one >= RATE for one in rates),
        easily=sum(one >= 2 * RATE for one in rates),
        measured=len(rates),
        load=near,
    )


def _distance(
    one: Loaded, wanted: Situation, members: Collection[str]
) -> tuple[bool, bool, bool, float]:
    other = one.situation
    return (
        other.runtime != wanted.runtime,
        one.choice.transport not in members,
        other.placement != wanted.placement,
        abs(log(one.choice.per_second / RATE)),
    )
