"""Matches: kinds of contests, by the cells that take part on each side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from ipcbench.bench.decisions.contest import Asks
from ipcbench.bench.results.axes import SHARED_MEMORY
from ipcbench.bench.results.cell import Cell, Facts

Condition: TypeAlias = Callable[[Cell, Facts], bool]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a match. `name`: as people read it."""

    name: str
    has: Condition


@dataclass(frozen=True, slots=True)
class Match:
    """A kind of contest, by the cells of each side.

    A contest of it is held in each situation that has both sides. `across`: the axes of the
    situation on which its cells may differ on purpose. `same_transport`: each transport has a
    contest of its own. `asks`: the question of each contest.
    """

    first: Side
    second: Side
    statement: str = ""
    across: tuple[str, ...] = ()
    same_transport: bool = False
    asks: Asks = Asks.DIRECTION


def named(*transports: str) -> Condition:
    """Tell if a cell has one of the transports."""
    return lambda cell, facts: cell.present.transport in transports


def pair(first: str, second: str, statement: str = "") -> Match:
    """Compare two transports."""
    return Match(Side(first, named(first)), Side(second, named(second)), statement)


def alike(first: str, second: str, statement: str) -> Match:
    """Compare two transports that are said to be equal: within the band."""
    return replace(pair(first, second, statement), asks=Asks.BAND)


def _is_memory(cell: Cell, facts: Facts) -> bool:
    return facts.family == SHARED_MEMORY


def _is_no_memory(cell: Cell, facts: Facts) -> bool:
    return facts.family != SHARED_MEMORY


def fastest(*across: str, statement: str = "shm-fastest") -> Match:
    """Compare shared memory with all other facilities."""
    memory, others = Side(SHARED_MEMORY, _is_memory), Side("all others", _is_no_memory)
    return Match(memory, others, statement, across)


def crossing(axis: str, first: Side, second: Side) -> Match:
    """Compare each transport with itself at two values of an axis."""
    return Match(first, second, across=(axis,), same_transport=True)


def waits(wait: str) -> Condition:
    """Tell if a cell waits in that way, in effect."""
    return lambda cell, facts: facts.wait == wait
