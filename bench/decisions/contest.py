"""A contest: two sides of a task that are compared in one situation, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

LEVEL = 0.025  # nominal, of a family: on recorded noise its error is at most 5 % (docs/method.md)
LOOKS = (8, 12, 16, 24, 32, 48)  # rounds after which an adaptive sweep judges its contests

Times: TypeAlias = Mapping[str, Mapping[int, float]]
"""Cell id -> round -> seconds per unit, of the runs that count."""


class Verdict(Enum):
    """The verdict on a contest, about its first side."""

    FASTER = "faster"
    SLOWER = "slower"
    TIE = "tie"
    UNDECIDED = "undecided"


class Asks(Enum):
    """The question of a contest: what it goes on for."""

    DIRECTION = "direction"  # which side is faster, or whether they tie
    BAND = "band"  # whether the sides are equal within the band, also where one is faster


class Extent(Enum):
    """The answer to a contest that asks for the band."""

    UNTOLD = ""
    INSIDE = "inside"  # the sides differ by less than the band
    OUTSIDE = "outside"  # by more


@dataclass(frozen=True, slots=True)
class Contest:
    """Two sides, each of one or more cells, that did the same work in one situation.

    Attributes:
        id: unique in a sweep, the same in every sweep with these cells.
        task: name of the task (`tasks`).
        family: the contests that are corrected together: one task, runtime and placement.
        statement: id of the statement that the contest is about; "": of the task alone.
        first, second: ids of the cells. The first side is faster where one of its cells beats
            every cell of the second side.
        band: the relative difference up to which the sides are equal.
        asks: its question; with `BAND` it goes on after a direction.
    """

    id: str
    task: str
    family: str
    statement: str
    first: Sequence[str]
    second: Sequence[str]
    band: float
    asks: Asks = Asks.DIRECTION

    @property
    def cells(self) -> tuple[str, ...]:
        return (*self.first, *self.second)
