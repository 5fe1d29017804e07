"""First entries of a journal: the whole plan, before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcbench.bench.decisions.contest import LEVEL, Contest
from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import AnyEntry, Contested, PlannedEntry, Promised, Skipped
from ipcbench.bench.results.untrusted import one_line

LONGEST = 2000  # characters of a reason, which may come from a plug-in


def first_entries(
    found: Plan, contests: Sequence[Contest], promises: Sequence[PromisedRatio]
) -> Iterator[AnyEntry]:
    """Yield the entries that follow the header: the cells, the contests and the promises."""
    for one in found.cells:
        yield PlannedEntry(cell=one.cell, facts=one.facts, tasks=list(one.tasks))
    yield from (skipped(cell, why) for cell, why in found.skipped)
    yield from map(contested, contests)
    yield from map(promised, promises)


def skipped(cell: Cell, why: Skip) -> Skipped:
    """Return the line of the journal for a cell that is not measured."""
    return Skipped(
        cell=cell, reason=one_line(why.reason, LONGEST), remedy=one_line(why.remedy, LONGEST)
    )


def contested(contest: Contest) -> Contested:
    """Return the line of the journal for a contest."""
    return Contested(
        id=contest.id,
        task=contest.task,
        family=contest.family,
        statement=contest.statement,
        first=list(contest.first),
        second=list(contest.second),
        band=contest.band,
        asks=contest.asks.value,
        level=LEVEL,
    )


def promised(promise: PromisedRatio) -> Promised:
    """Return the line of the journal for a promise."""
    return Promised(
        id=promise.id,
        faster=promise.faster,
        than=promise.than,
        at_least=promise.at_least,
        at_most=promise.at_most,
        level=LEVEL,
    )
