"""Judging: one pure function from the results of a run to the verdict on a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import Measured
from ipcbench.reports.verdicts import headlines
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.decisions import Decision, decide
from ipcbench.reports.verdicts.statements.asides import Cost, costs
from ipcbench.reports.verdicts.statements.dependence import Dependence, dependence
from ipcbench.reports.verdicts.statements.facts import Facts, facts_of
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict, Statement
from ipcbench.reports.verdicts.trust import Trust


@dataclass(frozen=True, slots=True)
class Material:
    """All of a run that statements are judged by."""

    results: Results
    cells: Sequence[Measured]
    comparisons: Sequence[Comparison]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement with its verdict and evidence.

    Attributes:
        decision: all of its contests.
        trusted: those on placements where the run can be trusted, which alone judge.
        untrusted: the other placements, in words.
        observations: of its experiments, as far as the run has them.
    """

    statement: Statement
    verdict: ClaimVerdict
    facts: Facts
    decision: Decision
    trusted: Decision
    untrusted: Sequence[str]
    dependence: Dependence | None
    costs: Sequence[Cost]
    observations: Sequence[Observation]


def judge(statement: Statement, run: Material) -> Judged:
    """Judge a statement by its facts, its contests, or both."""
    facts = facts_of(statement, run.results, run.cells)
    decision = decide(statement, run.comparisons)
    claim = headlines.claim(decision, run.trust)
    verdict = _together(statement, facts, claim)
    return Judged(
        statement,
        verdict,
        facts,
        decision,
        claim.decision,
        claim.untrusted,
        dependence(claim.decision) if verdict is ClaimVerdict.DEPENDS else None,
        costs(statement.asides, run.cells, run.comparisons),
        [
            run.results.observations[name]
            for name in statement.experiments
            if name in run.results.observations
        ],
    )


def _together(statement: Statement, facts: Facts, claim: headlines.Claim) -> ClaimVerdict:
    """Combine the verdicts of facts and contests.

    Where both judge, either refutes the statement, or makes it depend; it is supported by both
    alone.
    """
    speed = _of_contests(claim)
    if not statement.rules:
        return speed
    if statement.speed is None:
        return facts.verdict
    both = {facts.verdict, speed}
    for verdict in (ClaimVerdict.REFUTED, ClaimVerdict.DEPENDS):
        if verdict in both:
            return verdict
    return both.pop() if len(both) == 1 else ClaimVerdict.UNDECIDED


def _of_contests(claim: headlines.Claim) -> ClaimVerdict:
    if claim.untrusted and not claim.decision.comparisons:
        return ClaimVerdict.UNDECIDED
    return claim.decision.verdict
