"""All that a run tells: its cells, verdicts and answers, computed once for the whole page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.verdicts import ContestVerdict, of_results
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.model import Measured
from ipcbench.reports.verdicts.answers import Answer, Tier, answers
from ipcbench.reports.verdicts.contests import Comparison, comparisons
from ipcbench.reports.verdicts.headlines import lacking
from ipcbench.reports.verdicts.trust import Trust, assess


@dataclass(frozen=True, slots=True)
class Found:
    """The material of the page. `cells`: all that have a result, controls included."""

    results: Results
    cells: Sequence[Measured]
    verdicts: Sequence[ContestVerdict]
    comparisons: Sequence[Comparison]
    answers: Sequence[Answer]
    trust: Trust

    def tiers(self, task: str) -> list[Tier]:
        """Return the tiers of a task, of placements on which the run may be trusted."""
        every = (tier for one in self.answers if one.task == task for tier in one.tiers)
        return [one for one in every if self.trusts(one.situation.placement)]

    def contests(self, task: str) -> list[Comparison]:
        """Return the contests of a task, of placements on which the run may be trusted."""
        every = (
            one for answer in self.answers if answer.task == task for one in answer.comparisons
        )
        return [one for one in every if self.trusts(one.situation.placement)]

    def bears(self, one: Measured) -> bool:
        """Tell whether a cell's figure may stand in a sentence: it has rounds enough, and trust."""
        return not lacking(one.cell.placement, len(one.times), self.trust)

    def trusts(self, placement: str) -> bool:
        """Tell whether figures of a placement may stand in a headline."""
        return self.trust.trusted(placement) is not Severity.PROBLEM


def find(results: Results, cells: Sequence[Measured]) -> Found:
    """Judge a run."""
    verdicts = of_results(results)
    compared = comparisons(verdicts, cells)
    return Found(
        results,
        cells,
        verdicts,
        compared,
        answers(results, compared, cells),
        assess(results, cells),
    )
