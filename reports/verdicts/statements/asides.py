"""Asides: costs that stand beside the verdict on a statement of fact, from cells and contests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.verdicts import Ratio
from ipcbench.bench.results.axes import BLOCK, COUNTER, LATENCY, NO_WAIT, POLL, SPIN
from ipcbench.reports.model import Measured
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.statements.statement import Aside

MOST_COSTS = 12  # of an aside that are shown


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost: the seconds of a unit, or the speed of one way relative to another."""

    aside: Aside
    transport: str
    situation: Situation
    seconds: float | None = None
    ratio: Ratio | None = None  # speed of the first side relative to the second


def costs(
    asides: Iterable[Aside], cells: Sequence[Measured], comparisons: Sequence[Comparison]
) -> list[Cost]:
    """List the costs of these asides, each bounded."""
    return [cost for aside in asides for cost in islice(_OF[aside](cells, comparisons), MOST_COSTS)]


def _guarded(cells: Sequence[Measured], comparisons: Sequence[Comparison]) -> Iterable[Cost]:
    for one in cells:
        if one.cell.pattern == COUNTER and one.wait != NO_WAIT and not one.cell.is_control:
            yield Cost(Aside.GUARDED_UPDATE, one.cell.transport, one.situation, one.interval.median)


def _crossing(
    aside: Aside, first: str, second: str
) -> Callable[[Sequence[Measured], Sequence[Comparison]], Iterable[Cost]]:
    """Find the round trips of a transport that waits in two ways, as contests with itself."""

    def found(cells: Sequence[Measured], comparisons: Sequence[Comparison]) -> Iterable[Cost]:
        for one in comparisons:
            same = one.first.cell.transport == one.second.cell.transport
            if (
                one.situation.pattern == LATENCY
                and same
                and (one.first.wait, one.second.wait) == (first, second)
                and one.ratio
            ):
                yield Cost(aside, one.first.cell.transport, one.situation, ratio=one.ratio)

    return found


_OF: Mapping[Aside, Callable[[Sequence[Measured], Sequence[Comparison]], Iterable[Cost]]] = {
    Aside.GUARDED_UPDATE: _guarded,
    Aside.POLLING: _crossing(Aside.POLLING, BLOCK, POLL),
    Aside.SLEEPING: _crossing(Aside.SLEEPING, SPIN, BLOCK),
}
