"""Promises that were checked, as a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.decisions.promises.looks import PromiseVerdict
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.gate.checked import VERDICTS, report_of
from ipcbench.reports.gate.exports.table import to_table
from ipcbench.reports.gate.judge import GateResult, PromiseResult
from ipcbench.reports.gate.report import GateVerdict
from tests import synthetic

RUN = Results(synthetic.header())
FOLDER, FILE = Path("results/gate"), Path("thresholds.toml")


def a_result(verdict: PromiseVerdict, ratio: float | None = 1.52) -> PromiseResult:
    return PromiseResult(
        promise="shm beats a pipe",
        verdict=verdict,
        reason="" if verdict is PromiseVerdict.KEPT else "measure again: ipcbench run -o 'a b'",
        faster="latency/shm/python/64B/2p/same-core",
        than="latency/pipe/python/64B/2p/same-core",
        bound="at least 1.3x",
        at_least=1.3,
        at_most=None,
        per="round trip",
        rounds=12,
        ratio=ratio,
        low=ratio and 1.4,
        high=ratio and 1.6,
        seconds_faster=1e-6,
        seconds_than=1.52e-6,
    )


@pytest.mark.parametrize("verdict", PromiseVerdict)
def test_every_verdict_has_its_word_and_exit_code(verdict: PromiseVerdict) -> None:
    result = GateResult([a_result(verdict)], Severity.OK, note="one look")
    report = report_of(result, RUN, FOLDER, FILE)
    (line,) = report.lines
    assert line.verdict.value == verdict.value
    assert report.exit_code == {"kept": 0, "broken": 1, "inconclusive": 2}.get(verdict.value, 3)
    assert list(report.notes) == ["one look"]


def test_a_promise_without_a_ratio_has_no_effect() -> None:
    result = GateResult([a_result(PromiseVerdict.NOT_MEASURED, None)], Severity.OK)
    (line,) = report_of(result, RUN, FOLDER, FILE).lines
    assert line.effect is None


def test_verdicts_are_all_translated() -> None:
    assert set(VERDICTS) == set(PromiseVerdict)
    assert GateVerdict.KEPT.good


def test_the_table_shows_both_cells_and_the_remedy_as_a_line_to_copy() -> None:
    result = GateResult([a_result(PromiseVerdict.INCONCLUSIVE)], Severity.OK)
    text = to_table(report_of(result, RUN, FOLDER, FILE))
    assert (
        "inconclusive\n"
        "  shm beats a pipe\n"
        "    1.52x (1.4x to 1.6x); bound: at least 1.3x; 12 rounds\n"
        "    faster 1.00 µs, than 1.52 µs a round trip\n"
        "    faster: latency/shm/python/64B/2p/same-core\n"
        "    than: latency/pipe/python/64B/2p/same-core\n"
        "    measure again:\n"
        "      ipcbench run -o 'a b'\n"
    ) in text
