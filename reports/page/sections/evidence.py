"""Evidence: statements, all contests of shared memory, all results, what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.reports.page.found import Found
from ipcbench.reports.page.repeat import repeat
from ipcbench.reports.page.rows import tables, verdict_tables
from ipcbench.reports.page.texts import verdict_phrases
from ipcbench.reports.verdicts import headlines
from ipcbench.reports.verdicts.chapter import SOURCE, STATEMENTS
from ipcbench.reports.verdicts.decisions import Decision, Outcome
from ipcbench.reports.verdicts.statements.judging import Judged, Material, judge


def judged(found: Found) -> list[Judged]:
    """Judge the chapter's statements."""
    material = Material(found.results, found.cells, found.comparisons, found.trust)
    return [judge(one, material) for one in STATEMENTS]


def context(found: Found, claim: Decision, statements: Sequence[Judged]) -> dict[str, object]:
    """Return what the templates in `evidence` are given. `claim`: that shared memory is fastest."""
    return {
        **_claim(found, claim),
        "source": SOURCE,
        "statements": statements,
        "grids_of": {
            one.statement.id: verdict_tables.statement_grids(one.decision) for one in statements
        },
        "observations": {
            one.statement.id: verdict_tables.observation_tables(one.observations)
            for one in statements
        },
        "families": verdict_tables.families(found.verdicts),
        "multiplicity": verdict_phrases.multiplicity(found.verdicts, found.results),
        "figures": tables.figures(found.cells),
        "skipped": tables.skipped(found.results),
        "failures": tables.failures(found.results),
        "pending": tables.pending(found.results),
        "command": repeat(found.results),
    }


def _claim(found: Found, claim: Decision) -> dict[str, object]:
    return {
        "claim": claim,
        "headline": headlines.claim(claim, found.trust),
        "claim_grid": verdict_tables.comparison_grid(claim.comparisons),
        "claim_rows": tables.bounded(claim.comparisons),
        "unopposed": verdict_tables.unopposed(found.cells),
        "found_in": {outcome: tables.bounded(claim.where(outcome), 40) for outcome in Outcome},
    }
