"""reports.verdicts.headlines: only what the run can be trusted on stands at the top."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.decisions import decide
from ipcbench.reports.verdicts.headlines import claim, lacking
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict
from ipcbench.reports.verdicts.trust import Trust, assess
from tests.synthetic import cells, sweep
from tests.unit.reports.pages import part
from tests.unit.reports.times import BASE, SHM

PLACEMENTS = ("same-core", "cross-core")


def time(transport: str, pattern: str, size: int, number: int, placement: str, *_: int) -> float:
    """Make times in which a pipe wins across cores, and shared memory on one core."""
    return 5e-6 if (transport, placement) == ("pipe", "cross-core") else BASE[transport]


def results() -> Results:
    planned = cells(placements=PLACEMENTS)
    twins = [cell for cell in planned if (cell.transport, cell.size) == ("pipe", 64)]
    return sweep(time, planned, twins=twins, drift=0, noise=0.01)


def untrusted(found: Results, placement: str) -> Results:
    """Make the twin of a placement differ from its original."""
    for entry in found.cells.values():
        if entry.cell.twin and entry.cell.placement == placement:
            for run in entry.runs:
                run.values = [value * 1.5 for value in run.values]
    return found


def assessed(found: Results) -> Trust:
    return assess(found, measured(found))


def test_contests_where_the_run_cannot_be_trusted_are_left_out() -> None:
    found = untrusted(results(), "cross-core")
    trust = assessed(found)
    assert trust.trusted("cross-core") is Severity.PROBLEM
    decision = decide(SHM_FASTEST, comparisons(of_results(found), measured(found)))
    assert decision.verdict is ClaimVerdict.DEPENDS
    headline = claim(decision, trust)
    assert headline.decision.verdict is ClaimVerdict.SUPPORTED
    assert headline.untrusted == ["two cores"]
    whole = claim(decision, assessed(results()))
    assert (whole.decision, whole.untrusted) == (decision, [])


@pytest.mark.parametrize(
    ("placement", "rounds", "text"),
    [
        ("same-core", 12, ""),
        ("same-core", 5, "No answer: there are fewer than 6 common rounds"),
        ("cross-core", 12, "No answer: this run cannot be trusted on two cores"),
    ],
)
def test_an_estimate_has_a_headline_of_its_own(placement: str, rounds: int, text: str) -> None:
    trust = assessed(untrusted(results(), "cross-core"))
    assert lacking(placement, rounds, trust) == text


def test_the_page_says_what_its_headline_leaves_out(tmp_path: Path) -> None:
    page = write(untrusted(results(), "cross-core"), tmp_path).read_text()
    card = part(page, "claim")
    assert "Supported." in card
    assert "Left out, since this run cannot be trusted there: two cores." in card
    title = page.partition("<h3>Is shared memory the fastest?</h3> <span")[2]
    assert "Supported." in title.partition("</summary>")[0]
    assert "Of all: Of 4 contests" in card
    assert SHM in page


def test_a_run_without_controls_is_no_problem() -> None:
    found = sweep(time, cells(placements=PLACEMENTS))
    assert lacking("same-core", 12, assessed(found)) == ""
