"""Spinning compared with blocking: how much of a lead is the wait, and how much the memory.

A process that spins burns its CPU, so the CPU time stands beside each time. The ratios are
estimates with limits of their own, and no verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ipcbench.bench.results.axes import (
    BLOCK,
    FAMILIES,
    LATENCY,
    NATIVE,
    PLACEMENTS,
    RUNTIMES,
    SAME_CORE,
    SPIN,
    UNPINNED,
)
from ipcbench.bench.stats import Interval
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import Measured, is_plain, rank

SIZE = 64  # bytes: with little to copy, waiting is the whole cost
PIPE, MEMORY = "pipe", "shm:posix+futex"

_Place: TypeAlias = tuple[str, str]  # runtime, placement


@dataclass(frozen=True, slots=True)
class Split:
    """A pipe that blocks, a pipe that spins, and shared memory that spins, in one place.

    `spinning`: how many times as fast the pipe is if it spins; `memory`: how many times as
    fast shared memory is then; None without a common round. Their product is the lead of
    spinning memory over a blocking pipe.
    """

    blocking_pipe: Measured
    spinning_pipe: Measured
    spinning_memory: Measured
    spinning: Interval | None
    memory: Interval | None
    lead: Interval | None

    @property
    def rounds(self) -> int:
        """The fewest rounds of a ratio."""
        return min(one.n if one else 0 for one in (self.spinning, self.memory, self.lead))

    @property
    def cells(self) -> tuple[Measured, Measured, Measured]:
        return self.blocking_pipe, self.spinning_pipe, self.spinning_memory


@dataclass(frozen=True, slots=True)
class Pair:
    """A facility that blocks and spins. `ratio`: how many times as fast it is if it spins."""

    blocking: Measured
    spinning: Measured
    ratio: Interval | None


def splits(cells: Iterable[Measured]) -> list[Split]:
    """Split the lead of spinning memory over a blocking pipe, in each place with the three."""
    found = _by_place(cells)
    return [_split(found[place]) for place in sorted(found, key=_order) if _has_all(found[place])]


def foremost(found: Sequence[Split]) -> Split | None:
    """Return the one for the first screen: of the native loop, if there is one."""
    return min(found, key=lambda one: one.blocking_pipe.cell.runtime != NATIVE, default=None)


def pairs(cells: Iterable[Measured]) -> list[Pair]:
    """Pair each facility's cells that block and that spin, place by place."""
    found = []
    for _, by in sorted(_by_place(cells).items(), key=lambda item: _order(item[0])):
        blocking = {name: one for (name, wait), one in by.items() if wait == BLOCK}
        both = [(one, by[name, SPIN]) for name, one in blocking.items() if (name, SPIN) in by]
        both.sort(key=lambda pair: (rank(FAMILIES, pair[0].facts.family), pair[0].cell.transport))
        found += [Pair(block, spin, ratio(block, spin)) for block, spin in both]
    return found


_Ways: TypeAlias = Mapping[tuple[str, str], Measured]  # transport, wait in effect -> its cell


def _by_place(cells: Iterable[Measured]) -> dict[_Place, dict[tuple[str, str], Measured]]:
    """Collect the small round trips between processes that each have a CPU."""
    found: dict[_Place, dict[tuple[str, str], Measured]] = {}
    for one in cells:
        cell = one.cell
        small = cell.pattern == LATENCY and cell.size == SIZE and cell.depth is None
        apart = cell.placement not in (SAME_CORE, UNPINNED)
        if small and apart and one.competes and is_plain(cell):
            ways = found.setdefault((cell.runtime, cell.placement), {})
            ways[cell.present.transport, one.wait] = one
    return found


def _order(place: _Place) -> tuple[object, ...]:
    runtime, placement = place
    return rank(RUNTIMES, runtime), rank(PLACEMENTS, placement)


_NEEDED = ((PIPE, BLOCK), (PIPE, SPIN), (MEMORY, SPIN))


def _has_all(by: _Ways) -> bool:
    return all(key in by for key in _NEEDED)


def _split(by: _Ways) -> Split:
    block, spin, memory = (by[key] for key in _NEEDED)
    return Split(block, spin, memory, ratio(block, spin), ratio(spin, memory), ratio(block, memory))
