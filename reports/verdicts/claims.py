"""The chapter's statements -> verdicts, each with its evidence.

A verdict follows the data and nothing else: the family of tests is named
beforehand, each contest is decided at `ALPHA` after Holm's correction over
all of them, and what the data cannot tell is said to be open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ipcbench.bench.results.axes import SHARED_MEMORY, SYNCHRONISATION
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval, holm
from ipcbench.reports.model import (
    ALPHA,
    Contest,
    Measured,
    Situation,
    contests,
    ranges,
    ratios,
)
from ipcbench.reports.verdicts.sides import ahead


class Verdict(Enum):
    SUPPORTED = "supported"
    REFUTED = "refuted"
    DEPENDS = "depends"
    INCONCLUSIVE = "inconclusive"
    NONE = "no verdict"  # nothing that could be judged


class Outcome(Enum):
    """Of one contest, seen from shared memory."""

    FASTEST = "fastest"
    BEATEN = "beaten"
    OPEN = "cannot tell"
    TOO_FEW = "too few rounds"


@dataclass(frozen=True, slots=True)
class Judged:
    """One contest with both sides present.

    `shm` and `other` are the best of each side by median; `ratio` says how
    many times as fast the shared memory is. The p-values are those of the two
    directions (`sides.ahead`), adjusted over the family.
    `always`: what all rounds agree upon, even where they are too few for a
    verdict; OPEN where they do not.
    """

    contest: Contest
    shm: Measured
    other: Measured
    candidates: int  # transports on the side of shared memory
    rivals: int
    ratio: Interval | None
    p_fastest: float
    p_beaten: float
    always: Outcome
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Holds:
    """Where an outcome was seen: in situations that differ in processes alone.

    `sizes`: (first, last) of each stretch, in bytes, both included.
    """

    situation: Situation
    processes: list[int]
    sizes: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement and what the data say of it.

    Each loop is a question, and a family of tests, of its own: what is faster
    from Python says nothing of C, and measuring the one must not weaken the
    verdict on the other. `alone`: contests that lack a side, without those of
    what carries no data.
    """

    id: str
    section: str
    statement: str
    judged: list[Judged]
    alone: list[Contest]

    @property
    def verdict(self) -> Verdict:
        """On all loops together."""
        return _verdict([one.outcome for one in self.judged])

    def by_runtime(self) -> list[tuple[str, Claim]]:
        """For each loop that was judged, the claim on it alone."""
        kinds: dict[str, list[Judged]] = {}
        for one in self.judged:
            kinds.setdefault(one.contest.situation.runtime, []).append(one)
        return [(runtime, self._of(runtime, found)) for runtime, found in kinds.items()]

    def _of(self, runtime: str, judged: list[Judged]) -> Claim:
        alone = [one for one in self.alone if one.situation.runtime == runtime]
        return replace(self, judged=judged, alone=alone)

    @property
    def families(self) -> dict[str, int]:
        """Loop -> number of tests that were corrected for together."""
        return {
            runtime: 2 * sum(one.outcome is not Outcome.TOO_FEW for one in part.judged)
            for runtime, part in self.by_runtime()
        }

    @property
    def enough(self) -> int:
        """Rounds with which every contest is decided in which all rounds agree."""
        return max((_enough(part.judged) for _, part in self.by_runtime()), default=ENOUGH_ROUNDS)

    def count(self, outcome: Outcome) -> int:
        return sum(one.outcome is outcome for one in self.judged)

    @property
    def starved(self) -> int:
        """Contests that are open though all rounds agree: the rounds were too few."""
        return sum(
            one.outcome is Outcome.OPEN and one.always is not Outcome.OPEN for one in self.judged
        )

    def where(self, outcome: Outcome) -> list[Holds]:
        """The situations of an outcome, in a reader's order."""
        rows: dict[Situation, list[Judged]] = {}
        for one in self.judged:
            rows.setdefault(one.contest.situation, []).append(one)
        found: dict[tuple[Situation, tuple[tuple[int, int], ...]], Holds] = {}
        for situation, row in rows.items():
            measured_at = sorted(one.contest.size for one in row)
            sizes = ranges((one.contest.size for one in row if one.outcome is outcome), measured_at)
            if sizes:
                alike = replace(situation, processes=0), tuple(sizes)
                holds = found.setdefault(alike, Holds(situation, [], sizes))
                holds.processes.append(situation.processes)
        return list(found.values())

    def divisions(self) -> list[tuple[str, str, Verdict]]:
        """(runtime, way of waiting, verdict): each kind of receiver judged for itself."""
        kinds: dict[tuple[str, str], list[Outcome]] = {}
        for one in self.judged:
            situation = one.contest.situation
            kinds.setdefault((situation.runtime, situation.wait), []).append(one.outcome)
        return [(*kind, _verdict(outcomes)) for kind, outcomes in kinds.items()]


def shm_fastest(cells: Iterable[Measured]) -> Claim:
    """ "Shared memory is the fastest facility of all", contest by contest.

    It is fastest where every other transport is slower than one of its own, and
    beaten where each of its own is slower than one of the others: `sides.ahead`,
    which needs no factor for how many take part. The families are named
    beforehand: every contest of a loop with both sides and `ENOUGH_ROUNDS`, times two.
    """
    judged, alone = [], []
    for contest in contests(cells):
        shm = [one for one in contest.entrants if one.facts.family == SHARED_MEMORY]
        others = [one for one in contest.entrants if one.facts.family != SHARED_MEMORY]
        if shm and others:
            judged.append(_test(contest, shm, others))
        elif any(one.facts.family != SYNCHRONISATION for one in contest.entrants):
            alone.append(contest)
    runtimes = dict.fromkeys(one.contest.situation.runtime for one in judged)
    decided = [
        one
        for runtime in runtimes
        for one in _correct([one for one in judged if one.contest.situation.runtime == runtime])
    ]
    return Claim(
        id="shm-fastest",
        section="2.4",
        statement="Shared memory is the fastest facility of all, because nothing stands "
        "between the processes and the bytes.",
        judged=decided,
        alone=alone,
    )


def _test(contest: Contest, shm: Sequence[Measured], others: Sequence[Measured]) -> Judged:
    """Both directions, not yet corrected over the family; the outcome is still open."""
    best_shm = min(shm, key=lambda one: (one.interval.median, one.cell.id))
    best_other = min(others, key=lambda one: (one.interval.median, one.cell.id))
    most = max(len(set(one.times) & set(other.times)) for one in shm for other in others)
    ours, theirs = [one.times for one in shm], [one.times for one in others]
    fastest, beaten = ahead(ours, theirs), ahead(theirs, ours)
    always = Outcome.OPEN
    if fastest.agreed or beaten.agreed:
        always = Outcome.FASTEST if fastest.agreed else Outcome.BEATEN
    return Judged(
        contest=contest,
        shm=best_shm,
        other=best_other,
        candidates=len(shm),
        rivals=len(others),
        ratio=ratios(best_other, best_shm),
        p_fastest=fastest.p,
        p_beaten=beaten.p,
        always=always,
        outcome=Outcome.OPEN if most >= ENOUGH_ROUNDS else Outcome.TOO_FEW,
    )


def _correct(judged: Sequence[Judged]) -> list[Judged]:
    """Holm over both directions of all contests that have enough rounds; decide them."""
    family = [one for one in judged if one.outcome is not Outcome.TOO_FEW]
    adjusted = iter(holm([p for one in family for p in (one.p_fastest, one.p_beaten)]))
    return [
        one if one.outcome is Outcome.TOO_FEW else _decide(one, next(adjusted), next(adjusted))
        for one in judged
    ]


def _decide(one: Judged, p_fastest: float, p_beaten: float) -> Judged:
    outcome = Outcome.OPEN
    if p_fastest <= ALPHA:
        outcome = Outcome.FASTEST
    elif p_beaten <= ALPHA:
        outcome = Outcome.BEATEN
    return replace(one, p_fastest=p_fastest, p_beaten=p_beaten, outcome=outcome)


def _verdict(outcomes: Sequence[Outcome]) -> Verdict:
    """The statement speaks of all: one counter-example refutes it, one open contest leaves
    it unproven, and where it holds here and fails there it depends."""
    seen = set(outcomes) - {Outcome.TOO_FEW}
    if not seen:
        return Verdict.NONE
    if Outcome.BEATEN in seen:
        return Verdict.DEPENDS if Outcome.FASTEST in seen else Verdict.REFUTED
    return Verdict.INCONCLUSIVE if Outcome.OPEN in seen else Verdict.SUPPORTED


def _enough(judged: Sequence[Judged]) -> int:
    family = [one for one in judged if one.outcome is not Outcome.TOO_FEW]
    taught = any(one.candidates > 1 or one.rivals > 1 for one in family)  # the first round
    needed = math.ceil(math.log2(max(1, 2 * len(family)) / ALPHA)) + taught
    return max(ENOUGH_ROUNDS, needed)
