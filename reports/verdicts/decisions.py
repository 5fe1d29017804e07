"""Decisions on statements: what the verdicts of its contests say about each.

A statement is about all of its contests. No test is made here: see `ipcbench.bench.decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ipcbench.bench.decisions.contest import Asks, Extent, Verdict
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import RUNTIMES
from ipcbench.reports.model import ranges, rank
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict, Kind, Statement


class Outcome(Enum):
    """The outcome of one contest for a statement.

    FAILS: it is not as stated, and the difference is not below the band. ALIKE: the statement
    says that one side is faster, and the difference is below the band, which refutes nothing.
    """

    HOLDS = "holds"
    FAILS = "does not hold"
    ALIKE = "no difference"
    UNDECIDED = "undecided"


_FASTER: Mapping[Verdict, Outcome] = {
    Verdict.FASTER: Outcome.HOLDS,
    Verdict.SLOWER: Outcome.FAILS,
    Verdict.TIE: Outcome.ALIKE,
    Verdict.UNDECIDED: Outcome.UNDECIDED,
}


def outcome(kind: Kind, one: Comparison) -> Outcome:
    """Say what a contest means for a statement of a kind."""
    if kind not in (Kind.EQUAL, Kind.SAME):
        found = _FASTER[one.verdict]
        return Outcome.ALIKE if found is Outcome.FAILS and one.small else found
    if one.contest.asks is Asks.BAND:
        return _EXTENTS[one.judged.extent]
    if one.verdict is Verdict.TIE:
        return Outcome.HOLDS
    if one.is_open or not (one.inside or one.outside):  # of an older version, by the interval
        return Outcome.UNDECIDED
    return Outcome.HOLDS if one.inside else Outcome.FAILS


_EXTENTS: Mapping[Extent, Outcome] = {
    Extent.INSIDE: Outcome.HOLDS,
    Extent.OUTSIDE: Outcome.FAILS,
    Extent.UNTOLD: Outcome.UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The cells with one outcome, in situations that differ only in the number of processes.

    `sizes`: (first, last) of each stretch, in bytes, both included.
    """

    situation: Situation
    processes: list[int]
    sizes: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Decision:
    """A statement with its contests.

    Each runtime is a question of its own: a result from Python says nothing about C.
    """

    statement: Statement
    comparisons: Sequence[Comparison]

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict on all runtimes together."""
        if not self.comparisons:
            return ClaimVerdict.NONE
        if self.statement.kind is Kind.SCALES:
            return _scaling(self)
        found = _verdict(map(self.outcome, self.comparisons))
        alone = self.statement.kind is Kind.SAME and found is ClaimVerdict.REFUTED
        return ClaimVerdict.DEPENDS if alone else found

    @property
    def by_processes(self) -> dict[int, Decision]:
        """Split it by the number of processes, the fewest first."""
        found: dict[int, list[Comparison]] = {}
        for one in sorted(self.comparisons, key=lambda one: one.situation.processes):
            found.setdefault(one.situation.processes, []).append(one)
        return {number: replace(self, comparisons=some) for number, some in found.items()}

    def outcome(self, one: Comparison) -> Outcome:
        return outcome(self.statement.kind, one)

    def by_runtime(self) -> list[tuple[str, Decision]]:
        """Split it into one decision for each runtime that was compared."""
        found = {one.situation.runtime for one in self.comparisons}
        return [
            (runtime, self._of(runtime))
            for runtime in sorted(found, key=lambda one: rank(RUNTIMES, one))
        ]

    def _of(self, runtime: str) -> Decision:
        here = [one for one in self.comparisons if one.situation.runtime == runtime]
        return replace(self, comparisons=here)

    def count(self, wanted: Outcome) -> int:
        return sum(self.outcome(one) is wanted for one in self.comparisons)

    def where(self, wanted: Outcome) -> list[Stretch]:
        """Find the situations and sizes of an outcome, in the order of the contests."""
        rows: dict[Situation, list[Comparison]] = {}
        for one in self.comparisons:
            rows.setdefault(replace(one.situation, size=0), []).append(one)
        found: dict[tuple[Situation, tuple[tuple[int, int], ...]], Stretch] = {}
        for situation, row in rows.items():
            sizes = ranges(
                {one.size for one in row if self.outcome(one) is wanted},
                sorted({one.size for one in row}),
            )
            if sizes:
                alike = replace(situation, processes=0), tuple(sizes)
                stretch = found.setdefault(alike, Stretch(situation, [], sizes))
                stretch.processes.append(situation.processes)
        return list(found.values())

    def by_waiting(self) -> list[tuple[str, str, ClaimVerdict]]:
        """Give the verdict on each (runtime, way of waiting) alone."""
        kinds: dict[tuple[str, str], list[Comparison]] = {}
        for one in self.comparisons:
            key = one.situation.runtime, one.situation.wait
            kinds.setdefault(key, []).append(one)
        return [(*key, replace(self, comparisons=some).verdict) for key, some in kinds.items()]


def decide(statement: Statement, comparisons: Iterable[Comparison]) -> Decision:
    """Collect the contests of a statement, of all contests of a run."""
    own = [one for one in comparisons if one.contest.statement in statement.about]
    return Decision(statement, own)


def _scaling(decision: Decision) -> ClaimVerdict:
    """Judge a statement about growing numbers of processes by the largest one.

    One number alone shows no growth. Where the largest fails, but a smaller one holds, it depends.
    """
    steps = [
        _verdict(map(decision.outcome, one.comparisons)) for one in decision.by_processes.values()
    ]
    if len(steps) < 2:
        return ClaimVerdict.UNDECIDED
    held = any(one in (ClaimVerdict.SUPPORTED, ClaimVerdict.DEPENDS) for one in steps[:-1])
    fails = steps[-1] in (ClaimVerdict.REFUTED, ClaimVerdict.ALIKE)
    return ClaimVerdict.DEPENDS if held and fails else steps[-1]


def _verdict(outcomes: Iterable[Outcome]) -> ClaimVerdict:
    """Combine outcomes: a statement is about all cells.

    One counter-example refutes it, or makes it depend where it holds elsewhere; so does a cell
    without a difference, which alone refutes nothing. One undecided cell leaves it undecided.
    """
    seen = set(outcomes)
    if Outcome.HOLDS in seen and seen & {Outcome.FAILS, Outcome.ALIKE}:
        return ClaimVerdict.DEPENDS
    if Outcome.FAILS in seen:
        return ClaimVerdict.REFUTED
    if Outcome.UNDECIDED in seen:
        return ClaimVerdict.UNDECIDED
    return ClaimVerdict.SUPPORTED if Outcome.HOLDS in seen else ClaimVerdict.ALIKE
