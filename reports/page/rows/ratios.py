"""Sizes from which shared memory wins: its contests with all other facilities, size by size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    HOT,
    LATENCY,
    RUNTIMES,
    SAME_CORE,
    STREAM,
)
from ipcbench.bench.results.pace import CLOSED
from ipcbench.reports.model import rank
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.decisions import Outcome, outcome
from ipcbench.reports.verdicts.statements.statement import Kind

PREFERRED = (CROSS_CORE_AWAKE, SAME_CORE, CROSS_CORE)  # of placements, in a table


class Wins(Enum):
    """The sizes at which shared memory wins, of those that were compared."""

    FROM = "from a size on"
    EVERYWHERE = "at every size"
    NOWHERE = "at no size"
    SOMEWHERE = "at some sizes"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Crossing:
    """The sizes at which shared memory wins.

    Attributes:
        wins: where, in one word.
        sizes: those at which it wins, ascending.
        below: the largest smaller size, with FROM: the crossing lies between the two. One size
            alone, with FROM, is the largest.
        open: the sizes that are undecided.
        only: the size, if no other one was compared.
    """

    wins: Wins
    sizes: Sequence[int]
    below: int | None
    open: Sequence[int]
    only: int | None


@dataclass(frozen=True, slots=True)
class RatioRow:
    """The contests of one language, placement and pattern. `situation`: theirs, with size 0."""

    situation: Situation
    by_size: Mapping[int, Comparison]
    crossing: Crossing


@dataclass(frozen=True, slots=True)
class RatioTable:
    """A row for each situation, a column for each size (bytes, ascending)."""

    sizes: Sequence[int]
    rows: Sequence[RatioRow]


def ratios(comparisons: Iterable[Comparison]) -> RatioTable:
    """Tabulate the contests of the best shared memory with the best other facility.

    Only those of usual messages between two processes that sleep while they wait: other contests
    are no steps of one axis.
    """
    rows: dict[Situation, dict[int, Comparison]] = {}
    for one in comparisons:
        if _is_usual(one.situation):
            rows.setdefault(replace(one.situation, size=0), {})[one.size] = one
    return RatioTable(
        sorted({size for row in rows.values() for size in row}),
        [
            RatioRow(situation, dict(sorted(rows[situation].items())), crossing(rows[situation]))
            for situation in sorted(rows, key=_order)
        ],
    )


def _is_usual(one: Situation) -> bool:
    usual = (one.wait, one.payload, one.pace, one.batch, one.depth, one.looks, one.in_place)
    return (
        one.pattern in (LATENCY, STREAM)
        and one.processes == 2
        and usual == (BLOCK, HOT, CLOSED, 1, None, None, False)
    )


def _order(one: Situation) -> tuple[object, ...]:
    pattern = rank((LATENCY, STREAM), one.pattern)
    return rank(RUNTIMES, one.runtime), rank(PREFERRED, one.placement), pattern


def crossing(by_size: Mapping[int, Comparison]) -> Crossing:
    """Find the size from which on shared memory wins at every size that was compared."""
    sizes = sorted(by_size)
    found = {size: outcome(Kind.FASTEST, by_size[size]) for size in sizes}
    won = [size for size in sizes if found[size] is Outcome.HOLDS]
    undecided = [size for size in sizes if found[size] is Outcome.UNDECIDED]
    last = sizes[len(sizes) - _won_at_the_end([found[size] for size in sizes]) :]
    if won == sizes:
        wins, below = Wins.EVERYWHERE, None
    elif last and won == last:
        wins, below = Wins.FROM, sizes[sizes.index(last[0]) - 1]
    elif won:
        wins, below = Wins.SOMEWHERE, None
    else:
        wins, below = (Wins.UNDECIDED if undecided else Wins.NOWHERE), None
    return Crossing(wins, won, below, undecided, sizes[0] if len(sizes) == 1 else None)


def _won_at_the_end(outcomes: Sequence[Outcome]) -> int:
    number = 0
    while number < len(outcomes) and outcomes[-1 - number] is Outcome.HOLDS:
        number += 1
    return number
