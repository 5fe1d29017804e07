"""Promises that were checked, as a report of the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ipcbench.bench.decisions.promises.looks import PromiseVerdict
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.gate.baseline import Baseline, about_baseline, check_baseline, refuse
from ipcbench.reports.gate.judge import GateResult, PromiseResult, check_promises
from ipcbench.reports.gate.promises.kinds import (
    MANY,
    BaselinePromise,
    ChangePromise,
    Promise,
    RatioPromise,
    named,
    quoted,
)
from ipcbench.reports.gate.promises.run_cells import not_of_a_run
from ipcbench.reports.gate.remedy import Again
from ipcbench.reports.gate.report import (
    GateLine,
    GateReport,
    GateVerdict,
    Interval,
    Measure,
    Side,
    exit_code,
)
from ipcbench.reports.gate.thresholds import Thresholds

VERDICTS = {
    PromiseVerdict.KEPT: GateVerdict.KEPT,
    PromiseVerdict.BROKEN: GateVerdict.BROKEN,
    PromiseVerdict.INCONCLUSIVE: GateVerdict.INCONCLUSIVE,
    PromiseVerdict.NOT_MEASURED: GateVerdict.NOT_MEASURED,
}
_MEASURES: Mapping[type[Promise], Measure] = {
    RatioPromise: Measure.SPEED,
    ChangePromise: Measure.CHANGE,
    BaselinePromise: Measure.BASELINE,
}


def check_run(
    thresholds: Thresholds,
    results: Results,
    folder: Path,
    again: Again,
    baseline: Baseline | None = None,
) -> GateReport:
    """Check a run against the promises of a file, those against a baseline where there is one.

    Raises: BadThresholds where a promise does not fit the run, or the baseline is refused.
    """
    cpu_model = results.header.machine.cpu_model
    here = thresholds.on(cpu_model)
    judged = GateResult([], Severity.OK)
    if here.ratios:
        judged = check_promises(here, results, again)
    others: list[GateLine] = []
    notes: list[str] = []
    if baseline is not None and here.baselines:
        refuse(results, baseline)
        others = check_baseline(here, results, baseline, again.run)
        notes += about_baseline(results, baseline, others)
    elif here.baselines:
        notes.append(
            f"Not decided without a stored run: {named(here.baselines)}: ipcbench check "
            f"{quoted(folder)} --thresholds {quoted(thresholds.path)} --baseline DIR"
        )
    if here.changes:
        text = not_of_a_run(here)
        notes.append(f"{text[:1].upper()}{text[1:]}")
    others += [
        _elsewhere(one, cpu_model) for one in thresholds.promises if one not in here.promises
    ]
    return report_of(judged, results, folder, thresholds.path, others, notes)


def report_of(
    result: GateResult,
    results: Results,
    folder: Path,
    thresholds: Path,
    others: Sequence[GateLine] = (),
    notes: Sequence[str] = (),
) -> GateReport:
    """Convert the result of a check of the run in a folder.

    Args:
        others: the lines of promises that are no ratio of the run.
        notes: on them.
    """
    lines = [*map(_line, result.promises), *others]
    return GateReport(
        title=f"{folder} against the promises of {thresholds}",
        source=str(folder),
        lines=lines,
        exit_code=exit_code(lines),
        thresholds=str(thresholds),
        notes=list(dict.fromkeys(text for text in (result.note, result.doubt, *notes) if text)),
        machine=results.header.machine,
        spent=results.spent,
    )


def _elsewhere(promise: Promise, cpu_model: str) -> GateLine:
    """Return the line of a promise that is made on other machines."""
    measure = _MEASURES[type(promise)]
    machines = ", ".join(map(repr, promise.machines[:MANY]))
    return GateLine(
        name=promise.name,
        verdict=GateVerdict.NOT_APPLICABLE,
        measure=measure,
        reason=f"made on {machines}, and this machine is {cpu_model!r}",
        why=promise.reason,
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
        why=one.why,
    )
