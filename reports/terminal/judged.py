"""The answers of a run and the trust in it, which all texts of the terminal begin with."""

from __future__ import annotations

from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.answers import Answer, answers
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.trust import Trust, assess


def judged(results: Results) -> tuple[list[Answer], Trust]:
    """Return the answers to all tasks, and the trust in the run."""
    cells = measured(results)
    found = answers(results, comparisons(of_results(results), cells), cells)
    return found, assess(results, cells)
