"""Facts: what the rules of a statement say of the figures that were observed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.axes import NO_WAIT
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import LOST, Measured
from ipcbench.reports.verdicts.statements.statement import (
    COUNTER_CELLS,
    ClaimVerdict,
    Rule,
    Statement,
)

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fact:
    """A rule beside the figures of its source; `holds` None: a figure of it is missing."""

    rule: Rule
    figures: Figures
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Missing:
    """A source without figures, and the reason; "": it was not asked for."""

    source: str
    reason: str = ""
    remedy: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a statement, the sources that it lacks, and the texts of the others."""

    found: Sequence[Fact]
    missing: Sequence[Missing]
    texts: Mapping[str, str]

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict of the facts alone.

        One that refutes it suffices; a missing figure or source leaves the rest undecided.
        """
        if not self.found:
            return ClaimVerdict.NONE
        against = {one.rule.otherwise for one in self.found if one.holds is False}
        for verdict in (ClaimVerdict.REFUTED, ClaimVerdict.DEPENDS):
            if verdict in against:
                return verdict
        unknown = any(one.holds is None for one in self.found)
        return (
            ClaimVerdict.UNDECIDED if against or unknown or self.missing else ClaimVerdict.SUPPORTED
        )

    @property
    def figures(self) -> dict[str, float]:
        """The figures of all sources; one name has one meaning."""
        return {name: value for one in self.found for name, value in one.figures.items()}

    def against(self, verdict: ClaimVerdict) -> list[Fact]:
        """List the facts that give this verdict."""
        return [one for one in self.found if one.holds is False and one.rule.otherwise is verdict]


def facts_of(statement: Statement, results: Results, cells: Iterable[Measured]) -> Facts:
    """Hold the rules of a statement against the figures of a run."""
    known = _figures(statement, results, cells)
    found = [_fact(rule, known[rule.source]) for rule in statement.rules if rule.source in known]
    told = {one.rule.part for one in found if one.holds is not None and one.rule.part}
    there = [one for one in found if one.holds is not None or one.rule.part not in told]
    texts = {
        name: text
        for source in known
        if source in results.observations
        for name, text in results.observations[source].texts.items()
    }
    return Facts(there, _missing(statement, results, known, told), texts)


def _figures(
    statement: Statement, results: Results, cells: Iterable[Measured]
) -> dict[str, Figures]:
    """Return the figures of each source that has some."""
    found: dict[str, Figures] = {
        name: one.figures
        for name in statement.experiments
        if (one := results.observations.get(name)) and not one.skipped and not one.failed
    }
    if any(rule.source == COUNTER_CELLS for rule in statement.rules):
        counters = counted(cells)
        found |= {COUNTER_CELLS: counters} if counters else {}
    return found


def _missing(
    statement: Statement, results: Results, known: Mapping[str, Figures], told: Container[str]
) -> list[Missing]:
    """List the experiments without figures that tell a part which no other source does."""
    lacking = dict.fromkeys(
        rule.source
        for rule in statement.rules
        if rule.source in statement.experiments
        and rule.source not in known
        and rule.part not in told
    )
    return [_why(name, results.observations.get(name)) for name in lacking]


def _why(name: str, one: Observation | None) -> Missing:
    if one is None:
        return Missing(name)
    return Missing(name, one.skipped or one.failed, one.remedy, failed=bool(one.failed))


def _fact(rule: Rule, figures: Figures) -> Fact:
    if not all(name in figures for name in rule.figures):
        return Fact(rule, figures, None)
    bound = figures[rule.bound] if isinstance(rule.bound, str) else rule.bound
    found = sum(figures[name] for name in (rule.figure, *rule.plus))
    return Fact(rule, figures, rule.relation.holds(found, bound))


def counted(cells: Iterable[Measured]) -> dict[str, float]:
    """Return the largest shares of updates that counters lost, with a guard and without."""
    found: dict[str, float] = {}
    for one in cells:
        if one.lost is None or one.cell.is_control:
            continue
        name = UNGUARDED if one.wait == NO_WAIT else GUARDED
        share = max(run.observations.get(LOST, 0.0) for run in one.runs)
        found[name] = max(found.get(name, 0.0), share)
    return found


UNGUARDED = "share lost by an unguarded counter"
GUARDED = "share lost by a guarded counter"
