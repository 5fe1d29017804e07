"""Dependence: the axis that best tells where a statement holds from where it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.decisions import Decision, Outcome

AXES = (
    "about", "placement", "size", "pattern", "runtime", "wait", "processes", "payload", "in_place",
    "batch", "pace",
)  # fmt: skip
CLEAR = 0.75  # of the contests: a weaker axis explains too little to be named


@dataclass(frozen=True, slots=True)
class Part:
    """The contests with one value of the axis: how many hold, of how many."""

    value: Hashable
    holds: int
    total: int


@dataclass(frozen=True, slots=True)
class Dependence:
    """An axis, with the contests of each of its values; `share`: of contests that it explains."""

    axis: str
    parts: Sequence[Part]
    share: float


def dependence(decision: Decision) -> Dependence | None:
    """Find the axis on which a decision depends; None: on no single one.

    An axis explains a contest whose outcome is that of most contests with the same value. It must
    explain more than the same answer for all would.
    """
    known = [
        (one, decision.outcome(one) is Outcome.HOLDS)
        for one in decision.comparisons
        if decision.outcome(one) is not Outcome.UNDECIDED
    ]
    if not known:
        return None
    usual = max(Counter(holds for _, holds in known).values()) / len(known)
    best = max((_along(axis, known) for axis in AXES), key=lambda one: one.share)
    return best if best.share > max(usual, CLEAR - 1e-9) else None


def _along(axis: str, known: Iterable[tuple[Comparison, bool]]) -> Dependence:
    total, holds = Counter[Hashable](), Counter[Hashable]()
    for one, held in known:
        value = one.contest.statement if axis == "about" else getattr(one.situation, axis)
        total[value] += 1
        holds[value] += held
    parts = [Part(value, holds[value], number) for value, number in total.items()]
    explained = sum(max(part.holds, part.total - part.holds) for part in parts)
    return Dependence(axis, parts, explained / sum(total.values()))
