"""The claim "shared memory is the fastest facility of all", contest by contest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipcbench.bench.results.axes import SHARED_MEMORY, SYNCHRONISATION
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.model import Contest, Measured, contests, ratios
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.decisions import Comparison, Decision, Outcome, decide
from ipcbench.reports.verdicts.sides import ahead


def shm_fastest(cells: Iterable[Measured]) -> Decision:
    """Test the claim in every contest that has both sides.

    It holds where every other transport is slower than one of shared memory,
    and fails where every one of shared memory is slower than another: see
    `sides.ahead`, which needs no correction for the number of transports.
    Contests that carry no data are no part of it.
    """
    comparisons, unopposed = [], []
    for contest in contests(cells):
        shm = [one for one in contest.entrants if one.facts.family == SHARED_MEMORY]
        others = [one for one in contest.entrants if one.facts.family != SHARED_MEMORY]
        if shm and others:
            comparisons.append(_compare(contest, shm, others))
        elif any(one.facts.family != SYNCHRONISATION for one in contest.entrants):
            unopposed.append(contest)
    return decide(SHM_FASTEST, comparisons, unopposed)


def _compare(contest: Contest, shm: Sequence[Measured], others: Sequence[Measured]) -> Comparison:
    """Test both directions."""
    most = max(len(set(one.times) & set(other.times)) for one in shm for other in others)
    ours, theirs = [one.times for one in shm], [one.times for one in others]
    holds, fails = ahead(ours, theirs), ahead(theirs, ours)
    unanimous = Outcome.UNDECIDED
    if holds.unanimous or fails.unanimous:
        unanimous = Outcome.HOLDS if holds.unanimous else Outcome.FAILS
    first, second = _fastest(shm), _fastest(others)
    return Comparison(
        contest.situation,
        contest.size,
        first,
        second,
        ratios(second, first),
        holds.p,
        fails.p,
        Outcome.UNDECIDED if most >= ENOUGH_ROUNDS else Outcome.TOO_FEW,
        unanimous,
        len(shm),
        len(others),
    )


def _fastest(cells: Iterable[Measured]) -> Measured:
    return min(cells, key=lambda one: (one.interval.median, one.cell.id))
