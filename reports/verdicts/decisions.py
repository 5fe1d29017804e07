"""Decisions on statements: a family of tests, its correction, and the verdict.

A decision follows from the data alone: the family of tests is fixed in advance,
each comparison is decided at `ALPHA` after Holm's correction over all of them,
and a comparison that is not significant is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ipcbench.bench.results.axes import RUNTIMES
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval, holm
from ipcbench.reports.model import ALPHA, Contest, Measured, Situation, ranges, rank
from ipcbench.reports.verdicts.chapter import Statement


class ClaimVerdict(Enum):
    """The verdict on a statement, which is about all cells."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    DEPENDS = "depends"
    UNDECIDED = "undecided"
    NONE = "no verdict"  # no comparison with enough rounds


class Outcome(Enum):
    """The outcome of one comparison. FAILS: significantly not as stated."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    TOO_FEW = "too few rounds"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides in one situation and at one size.

    `first` and `second` are the fastest transports of each side by median,
    `first_of` and `second_of` the numbers of transports they are taken from;
    `ratio`: how many times as fast the first is. The p-values are those of "as
    stated" and of "not as stated", adjusted over the family. `unanimous`: the
    outcome on which all rounds agree, even if they are too few to decide;
    UNDECIDED where they do not.
    """

    situation: Situation
    size: int
    first: Measured
    second: Measured
    ratio: Interval | None
    p_holds: float
    p_fails: float
    outcome: Outcome
    unanimous: Outcome = Outcome.UNDECIDED
    first_of: int = 1
    second_of: int = 1

    @property
    def tested(self) -> bool:
        """True if it has enough rounds, and so belongs to the family of tests."""
        return self.outcome is not Outcome.TOO_FEW


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
    """A statement with its comparisons, all decided.

    Each runtime is a question and a family of tests of its own: a result from
    Python says nothing about C, and measuring one must not weaken the verdict
    on the other. `unopposed`: contests without one of the two sides.
    """

    statement: Statement
    comparisons: list[Comparison]
    unopposed: list[Contest]

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict on all runtimes together."""
        return _verdict(one.outcome for one in self.comparisons)

    def by_runtime(self) -> list[tuple[str, Decision]]:
        """Split it into one decision for each runtime that was compared."""
        return [(runtime, self._of(runtime)) for runtime in _runtimes(self.comparisons)]

    def _of(self, runtime: str) -> Decision:
        comparisons = [one for one in self.comparisons if one.situation.runtime == runtime]
        unopposed = [one for one in self.unopposed if one.situation.runtime == runtime]
        return replace(self, comparisons=comparisons, unopposed=unopposed)

    @property
    def families(self) -> dict[str, int]:
        """Runtime -> number of tests that were corrected together, two for a comparison."""
        return {
            runtime: 2 * sum(one.tested for one in part.comparisons)
            for runtime, part in self.by_runtime()
        }

    @property
    def rounds_needed(self) -> int:
        """The rounds with which a comparison is decided if all of them agree."""
        parts = (part for _, part in self.by_runtime())
        return max((_rounds_needed(part.comparisons) for part in parts), default=ENOUGH_ROUNDS)

    @property
    def rounds(self) -> int:
        """The most rounds that a comparison has."""
        return max((one.ratio.n for one in self.comparisons if one.ratio), default=0)

    def count(self, outcome: Outcome) -> int:
        return sum(one.outcome is outcome for one in self.comparisons)

    @property
    def underpowered(self) -> int:
        """Comparisons that are undecided although all rounds agree: the rounds are too few."""
        return sum(
            one.outcome is Outcome.UNDECIDED and one.unanimous is not Outcome.UNDECIDED
            for one in self.comparisons
        )

    def where(self, outcome: Outcome) -> list[Stretch]:
        """Find the situations and sizes of an outcome, in the order of the comparisons."""
        rows: dict[Situation, list[Comparison]] = {}
        for one in self.comparisons:
            rows.setdefault(one.situation, []).append(one)
        found: dict[tuple[Situation, tuple[tuple[int, int], ...]], Stretch] = {}
        for situation, row in rows.items():
            sizes = ranges(
                (one.size for one in row if one.outcome is outcome),
                sorted(one.size for one in row),
            )
            if sizes:
                alike = replace(situation, processes=0), tuple(sizes)
                stretch = found.setdefault(alike, Stretch(situation, [], sizes))
                stretch.processes.append(situation.processes)
        return list(found.values())

    def by_waiting(self) -> list[tuple[str, str, ClaimVerdict]]:
        """Give the verdict on each (runtime, way of waiting) alone."""
        kinds: dict[tuple[str, str], list[Outcome]] = {}
        for one in self.comparisons:
            key = one.situation.runtime, one.situation.wait
            kinds.setdefault(key, []).append(one.outcome)
        return [(*key, _verdict(outcomes)) for key, outcomes in kinds.items()]


def decide(
    statement: Statement, comparisons: Sequence[Comparison], unopposed: Sequence[Contest] = ()
) -> Decision:
    """Correct the p-values runtime by runtime, and decide each comparison.

    The comparisons come with uncorrected p-values and the outcome UNDECIDED or TOO_FEW.
    """
    decided = [
        one
        for runtime in _runtimes(comparisons)
        for one in _corrected([one for one in comparisons if one.situation.runtime == runtime])
    ]
    return Decision(statement, decided, list(unopposed))


def _runtimes(comparisons: Iterable[Comparison]) -> list[str]:
    found = {one.situation.runtime for one in comparisons}
    return sorted(found, key=lambda one: rank(RUNTIMES, one))


def _corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Apply Holm's correction to both directions of all that have enough rounds."""
    family = [p for one in comparisons if one.tested for p in (one.p_holds, one.p_fails)]
    adjusted = iter(holm(family))
    return [
        _decided(one, next(adjusted), next(adjusted)) if one.tested else one for one in comparisons
    ]


def _decided(one: Comparison, p_holds: float, p_fails: float) -> Comparison:
    outcome = Outcome.UNDECIDED
    if p_holds <= ALPHA:
        outcome = Outcome.HOLDS
    elif p_fails <= ALPHA:
        outcome = Outcome.FAILS
    return replace(one, p_holds=p_holds, p_fails=p_fails, outcome=outcome)


def _verdict(outcomes: Iterable[Outcome]) -> ClaimVerdict:
    """Combine outcomes: a statement is about all cells.

    One counter-example refutes it, or makes it depend where it holds elsewhere;
    one undecided cell leaves it undecided.
    """
    seen = set(outcomes) - {Outcome.TOO_FEW}
    if not seen:
        return ClaimVerdict.NONE
    if Outcome.FAILS in seen:
        return ClaimVerdict.DEPENDS if Outcome.HOLDS in seen else ClaimVerdict.REFUTED
    return ClaimVerdict.UNDECIDED if Outcome.UNDECIDED in seen else ClaimVerdict.SUPPORTED


def _rounds_needed(comparisons: Sequence[Comparison]) -> int:
    family = [one for one in comparisons if one.tested]
    training = any(one.first_of > 1 or one.second_of > 1 for one in family)  # see `sides.ahead`
    needed = math.ceil(math.log2(max(1, 2 * len(family)) / ALPHA)) + training
    return max(ENOUGH_ROUNDS, needed)
