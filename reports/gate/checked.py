"""Promises that were checked, as a report of the gate."""

from __future__ import annotations

from pathlib import Path

from ipcbench.bench.decisions.promises.looks import PromiseVerdict
from ipcbench.bench.results.results import Results
from ipcbench.reports.gate.judge import GateResult, PromiseResult, exit_code
from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict, Interval, Measure, Side

VERDICTS = {
    PromiseVerdict.KEPT: GateVerdict.KEPT,
    PromiseVerdict.BROKEN: GateVerdict.BROKEN,
    PromiseVerdict.INCONCLUSIVE: GateVerdict.INCONCLUSIVE,
    PromiseVerdict.NOT_MEASURED: GateVerdict.NOT_MEASURED,
}


def report_of(result: GateResult, results: Results, folder: Path, thresholds: Path) -> GateReport:
    """Convert the result of a check of the run in a folder."""
    return GateReport(
        title=f"{folder} against the promises of {thresholds}",
        source=str(folder),
        lines=[_line(one) for one in result.promises],
        exit_code=exit_code(result),
        thresholds=str(thresholds),
        notes=[text for text in (result.note, result.doubt) if text],
        machine=results.header.machine,
        spent=results.spent,
    )


def _line(one: PromiseResult) -> GateLine:
    known = one.ratio is not None
    return GateLine(
        name=one.promise,
        verdict=VERDICTS[one.verdict],
        measure=Measure.SPEED,
        sides=[
            Side(name="faster", cell=one.faster, seconds=one.seconds_faster),
            Side(name="than", cell=one.than, seconds=one.seconds_than),
        ],
        effect=Interval(ratio=one.ratio or 0.0, low=one.low, high=one.high) if known else None,
        coverage=one.coverage,
        bound=one.bound,
        count=one.rounds,
        per=one.per,
        reason=one.reason,
        remarks=one.remarks,
    )
