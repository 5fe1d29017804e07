"""Accesses to a file: a map beside system calls, by size and order, and where they cross.

The ratios are estimates with limits of their own, and no verdicts: contests decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from ipcbench.bench.results.axes import (
    FILE,
    FILE_RANDOM,
    FILE_WRITE,
    FILE_WRITE_RANDOM,
    PLACEMENTS,
    RUNTIMES,
)
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.stats import Interval
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import Measured, ranges, rank

READ, PREAD, MAP, ANEW = WAYS = ("file-read", "file-pread", "file-map", "file-map:anew")
MAPS = (MAP, ANEW)
FEWEST = 6  # rounds: with fewer, no interval is told from 1
_ABOUT = {
    FILE: "read in order",
    FILE_RANDOM: "read at random",
    FILE_WRITE: "written in order",
    FILE_WRITE_RANDOM: "written at random",
}


class Standing(Enum):
    """A map beside the faster of the system calls."""

    FASTER = "faster"
    SLOWER = "slower"
    ALIKE = "not told apart"
    ALONE = ""  # one of the two was not measured


@dataclass(frozen=True, slots=True)
class Accesses:
    """Accesses of one size: `ways` by transport.

    `ratios`: by map, how many times as fast it is as the faster system call; none without a round
    that both have.
    """

    size: int
    ways: Mapping[str, Measured]
    ratios: Mapping[str, Interval]

    def standing(self, name: str) -> Standing:
        """Return that of one of the maps."""
        found = self.ratios.get(name)
        if found is None:
            return Standing.ALONE
        if found.n < FEWEST or found.low <= 1 <= found.high:
            return Standing.ALIKE
        return Standing.FASTER if found.low > 1 else Standing.SLOWER


@dataclass(frozen=True, slots=True)
class Order:
    """A file that is read or written in one order, by size of the accesses."""

    cell: Cell  # one of its cells
    sizes: Sequence[Accesses]

    @property
    def about(self) -> str:
        return _ABOUT[self.cell.pattern]

    def stretches(self, name: str) -> list[tuple[Standing, int, int]]:
        """Return the sizes at which a map is faster, slower, or not told apart: first and last."""
        compared = [one for one in self.sizes if one.standing(name) is not Standing.ALONE]
        sizes = [one.size for one in compared]
        found = [
            (standing, first, last)
            for standing in (Standing.FASTER, Standing.ALIKE, Standing.SLOWER)
            for first, last in ranges(
                (one.size for one in compared if one.standing(name) is standing), sizes
            )
        ]
        return sorted(found, key=lambda stretch: stretch[1])


def orders(cells: Iterable[Measured]) -> list[Order]:
    """Return the orders that were measured, reading before writing."""
    found: dict[tuple[object, ...], dict[int, dict[str, Measured]]] = {}
    for one in cells:
        cell = one.cell
        if cell.pattern in _ABOUT and cell.transport in WAYS and one.competes:
            by_size = found.setdefault(_place(cell), {})
            by_size.setdefault(cell.size, {})[cell.transport] = one
    return [_order(found[place]) for place in sorted(found)]


def _order(by_size: Mapping[int, Mapping[str, Measured]]) -> Order:
    sizes = [Accesses(size, by_size[size], _ratios(by_size[size])) for size in sorted(by_size)]
    return Order(next(iter(sizes[0].ways.values())).cell, sizes)


def _ratios(ways: Mapping[str, Measured]) -> dict[str, Interval]:
    calls = [ways[name] for name in (READ, PREAD) if name in ways]
    if not calls:
        return {}
    quickest = min(calls, key=lambda one: one.interval.median)
    found = {name: ratio(quickest, ways[name]) for name in MAPS if name in ways}
    return {name: one for name, one in found.items() if one is not None}


def _place(cell: Cell) -> tuple[object, ...]:
    return (
        rank(RUNTIMES, cell.runtime),
        rank(list(_ABOUT), cell.pattern),
        rank(PLACEMENTS, cell.placement),
    )
