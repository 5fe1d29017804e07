"""Comparison of two arms, as a report of the gate: one sequential test for each cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ipcbench.bench.decisions.gate.effect import SlotEffect, effect, slot_effect
from ipcbench.bench.decisions.gate.sequential import ChangeVerdict, Rule, SequentialTest
from ipcbench.bench.results.comparison.comparison import ComparedCell, Comparison
from ipcbench.bench.results.comparison.records import ArmName
from ipcbench.bench.results.units import human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.report import (
    ArmLine,
    GateLine,
    GateReport,
    GateVerdict,
    Interval,
    Measure,
    Side,
    exit_code,
)

VERDICTS = {
    ChangeVerdict.BROKEN: GateVerdict.BROKEN,
    ChangeVerdict.PASSED: GateVerdict.PASSED,
    ChangeVerdict.INCONCLUSIVE: GateVerdict.INCONCLUSIVE,
    ChangeVerdict.NOT_MEASURED: GateVerdict.NOT_MEASURED,
}
ARMS: tuple[ArmName, ArmName] = ("base", "head")
MANY_VOID = 0.5  # share of the pairs, from which on it is said


@dataclass(frozen=True, slots=True)
class Again:
    """Commands that measure more: this comparison, and a new one with a larger budget."""

    resume: str
    longer: Callable[[float], str]  # of a budget in seconds


def plainly(folder: Path) -> Again:
    """Return the commands for a comparison of which only the folder is known."""
    resume = f"ipcbench compare --resume {folder}"
    return Again(resume, lambda seconds: f"ipcbench compare --budget {math.ceil(seconds / 60)}m")


def report_of(
    comparison: Comparison,
    folder: Path,
    again: Again,
    *,
    thresholds: str = "",
    could_see: str = "",
    asked_for: bool = False,
) -> GateReport:
    """Judge a comparison by the pairs that its journal has.

    Args:
        thresholds: the file whose promises were compared; "" where there is none.
        could_see: the sentence of this machine's selftest.
        asked_for: each cell was asked for by name: one that is skipped is not measured.
    """
    header = comparison.header
    base, head = (comparison.arm(name) for name in ARMS)
    cells = comparison.measured
    lines = [_line(one, comparison, len(cells), again) for one in cells]
    order = slot_effect(one.differences() for one in cells)
    skips = GateVerdict.NOT_MEASURED if asked_for or thresholds else GateVerdict.NOT_APPLICABLE
    lines += [_skipped(one, skips) for one in comparison.cells.values() if one.skipped is not None]
    return GateReport(
        title=f"head {head.spec} against base {base.spec}",
        source=str(folder),
        lines=lines,
        exit_code=exit_code(lines),
        noun="cell",
        thresholds=thresholds,
        could_see=could_see,
        order=_order(order),
        notes=_notes(comparison),
        arms=[
            ArmLine(
                name=arm.name, spec=arm.spec, described=arm.described, version=arm.version,
                python=arm.python,
            )
            for arm in (base, head)
        ],
        machine=header.machine,
        spent=comparison.spent,
    )  # fmt: skip


def _line(one: ComparedCell, comparison: Comparison, cells: int, again: Again) -> GateLine:
    rule = Rule(cells=cells, delta=one.delta)
    found = one.differences()
    test = SequentialTest(rule)
    for difference, _ in found:
        test.add(difference)
    verdict = _verdict(one, test)
    return GateLine(
        name=one.cell.id,
        verdict=verdict,
        measure=Measure.CHANGE,
        sides=_sides(one),
        effect=_effect([difference for difference, _ in found], rule),
        bound=f"slower by less than {100 * one.delta:.3g} %",
        count=len(found),
        counted="pairs",
        per=one.facts.per if one.facts else "",
        reason=_reason(verdict, one, test, comparison, again),
        remarks=_remarks(one, verdict),
        order=_order(slot_effect([found])),
        promises=one.promises,
    )


def _verdict(one: ComparedCell, test: SequentialTest) -> GateVerdict:
    if test.verdict is not None:
        return VERDICTS[test.verdict]
    if not test.pairs and (one.failures or not one.pairs):
        return GateVerdict.NOT_MEASURED
    return GateVerdict.INCONCLUSIVE


def _effect(differences: list[float], rule: Rule) -> Interval | None:
    found = effect(differences, rule)
    if found is None or not 0 < found.ratio < math.inf:
        return None
    return Interval(
        ratio=found.ratio,
        low=found.low if found.low > 0 else None,
        high=found.high if found.high < math.inf else None,
    )


def _order(found: SlotEffect | None) -> Interval | None:
    return None if found is None else Interval(ratio=found.ratio, low=found.low, high=found.high)


def _sides(one: ComparedCell) -> list[Side]:
    return [
        Side(name=arm, cell=one.cell.id, seconds=median(median(run.values) for run in runs))
        if (runs := one.runs(arm))
        else Side(name=arm, cell=one.cell.id)
        for arm in ARMS
    ]


def _skipped(one: ComparedCell, verdict: GateVerdict) -> GateLine:
    skip = one.skipped
    assert skip is not None
    reason = f"skipped: {skip.reason}{f': {skip.remedy}' if skip.remedy else ''}"
    return GateLine(
        name=one.cell.id, verdict=verdict, measure=Measure.CHANGE, counted="pairs", reason=reason
    )


# Reasons.


def _reason(
    verdict: GateVerdict,
    one: ComparedCell,
    test: SequentialTest,
    comparison: Comparison,
    again: Again,
) -> str:
    if verdict is GateVerdict.NOT_MEASURED:
        return _why_not_measured(one, comparison, again)
    if verdict is not GateVerdict.INCONCLUSIVE:
        return ""
    if not test.pairs:
        return (
            f"all of its {len(one.pairs)} pairs are void ({one_line(one.pairs[-1].void, 200)}): "
            "compare again on an idle machine, or, on one that is never idle, with --keep-disturbed"
        )
    return _why_open(test, comparison, again)


def _why_not_measured(one: ComparedCell, comparison: Comparison, again: Again) -> str:
    if one.failures:
        last = one.failures[-1]
        remedy = f": {last.remedy}" if last.remedy else ""
        return f"the {last.arm} arm failed: {last.who}, {last.where}: {last.what}{remedy}"
    if _stopped(comparison):
        return f"the comparison was stopped before its first pair: {again.resume}"
    return f"the budget was spent before its first pair: {_longer(comparison, again, 0, 0)}"


def _why_open(test: SequentialTest, comparison: Comparison, again: Again) -> str:
    """Say what an undecided cell takes."""
    needed = test.needed
    about = f"about {needed} pairs in all would decide it" if needed else ""
    if test.pairs >= test.rule.most_pairs:
        most = f"{test.rule.most_pairs} pairs, the most that are played, do not decide it"
        return (
            f"{most}: the noise of this cell hides {100 * test.rule.delta:.3g} %; compare on an "
            "idle machine, promise a larger share, or leave the cell out"
        )
    if _stopped(comparison):
        return "; ".join(filter(None, ("stopped", about))) + f": {again.resume}"
    if needed and needed > test.rule.most_pairs:
        return (
            f"{about}, and {test.rule.most_pairs} are the most that are played: compare on an idle "
            "machine, or promise a larger share"
        )
    return f"{about or 'too few pairs'}: {_longer(comparison, again, test.pairs, needed or 0)}"


def _stopped(comparison: Comparison) -> bool:
    return comparison.ended is None or comparison.ended.reason == "interrupted"


def _longer(comparison: Comparison, again: Again, pairs: int, needed: int) -> str:
    """Return the command with a budget that suffices, about."""
    budget = comparison.header.budget or comparison.spent
    times = min(max(2.0, 1.5 * needed / pairs if pairs else 2.0), 20.0)
    return again.longer(budget * times)


def _remarks(one: ComparedCell, verdict: GateVerdict) -> list[str]:
    found = []
    void = len(one.pairs) - len(one.good)
    if one.good and void > MANY_VOID * len(one.pairs):
        found.append(f"{void} of its {len(one.pairs)} pairs are void: others disturb them")
    if one.failures and verdict is not GateVerdict.NOT_MEASURED:
        last = one.failures[-1]
        found.append(
            f"{len(one.failures)} runs failed, the last one of the {last.arm} arm: "
            f"{last.who}, {last.where}: {last.what}"
        )
    if one.promises:
        found.append(f"promised by: {', '.join(one.promises)}")
    return found


def _notes(comparison: Comparison) -> list[str]:
    pairs = [pair for one in comparison.measured for pair in one.pairs]
    void = len(pairs) - sum(len(one.good) for one in comparison.measured)
    text = f"{len(pairs)} pairs in {human_span(comparison.spent)}"
    found = [f"{text}; {void} of them void, and retaken." if void else f"{text}."]
    if comparison.header.keep_disturbed:
        found.append("Disturbed pairs count: --keep-disturbed.")
    return found
