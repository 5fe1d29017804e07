"""Matches: kinds of contests, by the cells that take part on each side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeAlias

from ipcbench.bench.decisions.contest import Asks
from ipcbench.bench.results.axes import BLOCK, SHARED_MEMORY
from ipcbench.bench.results.cell import Cell, Facts

MOST_EACH = 4  # entrants of which each meets each other one

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
    contest of its own. `asks`: the question of each contest. `pairwise`: the sides are those of
    `meetings`.
    """

    first: Side
    second: Side
    statement: str = ""
    across: tuple[str, ...] = ()
    same_transport: bool = False
    asks: Asks = Asks.DIRECTION
    pairwise: bool = False


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


def each_other(*across: str) -> Match:
    """Compare each two entrants (`meetings`)."""
    anyone = Side("each other", lambda cell, facts: True)
    return Match(anyone, anyone, across=across, pairwise=True)


def meetings(match: Match, cells: Iterable[Cell]) -> Iterator[Match]:
    """Yield a pairwise match of each two entrants: transports, each with its way of waiting.

    Of more than `MOST_EACH` entrants, the first one meets each other one: all pairs would be so
    many that each takes more rounds.
    """
    entrants = list(dict.fromkeys(map(_entrant, cells)))
    pairs: Iterable[tuple[tuple[str, str], tuple[str, str]]] = combinations(entrants, 2)
    if len(entrants) > MOST_EACH:
        pairs = ((entrants[0], other) for other in entrants[1:])
    for first, second in pairs:
        yield replace(match, first=_only(first), second=_only(second), pairwise=False)


def _entrant(cell: Cell) -> tuple[str, str]:
    return cell.present.transport, cell.present.wait


def _only(entrant: tuple[str, str]) -> Side:
    transport, wait = entrant
    name = transport if wait == BLOCK else f"{transport} {wait}"
    return Side(name, lambda cell, facts: _entrant(cell) == entrant)


def waits(wait: str) -> Condition:
    """Tell if a cell waits in that way, in effect."""
    return lambda cell, facts: facts.wait == wait
