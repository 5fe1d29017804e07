"""The report of a gate: counts and exit codes."""

from __future__ import annotations

import pytest

from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict, Measure, exit_code


def a_line(verdict: GateVerdict, *, advisory: bool = False) -> GateLine:
    return GateLine(name="one", verdict=verdict, measure=Measure.CHANGE, advisory=advisory)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("passed kept", 0),
        ("not_applicable", 0),
        ("passed inconclusive", 2),
        ("not_measured inconclusive", 3),
        ("broken not_measured inconclusive passed", 1),
        ("", 3),
    ],
)
def test_the_exit_code_is_that_of_the_worst(words: str, code: int) -> None:
    assert exit_code(a_line(GateVerdict[word.upper()]) for word in words.split()) == code


def test_an_advisory_line_does_not_count_as_broken() -> None:
    lines = [a_line(GateVerdict.BROKEN, advisory=True), a_line(GateVerdict.PASSED)]
    assert exit_code(lines) == 0
    assert exit_code([a_line(GateVerdict.NOT_MEASURED, advisory=True)]) == 3


def test_counts_begin_with_the_worst() -> None:
    lines = [a_line(GateVerdict.PASSED), a_line(GateVerdict.BROKEN), a_line(GateVerdict.PASSED)]
    report = GateReport(title="t", source="s", lines=lines, exit_code=1)
    assert list(report.counts.items()) == [(GateVerdict.BROKEN, 1), (GateVerdict.PASSED, 2)]
    assert report.of(GateVerdict.BROKEN) == [lines[1]]
