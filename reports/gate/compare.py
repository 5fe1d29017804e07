"""Comparison of two arms, as a report of the gate: one sequential test for each cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ipcbench.bench.decisions.gate.effect import SlotEffect, effect, slot_effect
from ipcbench.bench.decisions.gate.sequential import ChangeVerdict, Rule, SequentialTest
from ipcbench.bench.results.comparison.comparison import ComparedCell, Comparison
from ipcbench.bench.results.comparison.records import ArmFailed, ArmName
from ipcbench.bench.results.units import human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.promises.choosing import anywhere
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
USUAL_PAIRS = 30  # of a cell with few pairs
SPARE = 1.5  # machines vary, and void pairs are repeated
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
    placed: bool = False,
) -> GateReport:
    """Judge a comparison by the pairs that its journal has.

    Args:
        thresholds: the file whose promises were compared; "" where there is none.
        could_see: the sentence of this machine's selftest.
        asked_for: the transports were asked for by name: a cell that is skipped is not measured,
            unless it is measured in another placement.
        placed: the placements were asked for by name as well.
    """
    header = comparison.header
    base, head = (comparison.arm(name) for name in ARMS)
    cells = comparison.measured
    tests = {one.cell.id: _test(one, len(cells)) for one in cells}
    command = _command(comparison, tests, again)
    lines = [_line(one, tests[one.cell.id], comparison, command) for one in cells]
    order = slot_effect(one.differences() for one in cells)
    measured = set() if placed else {anywhere(one.cell) for one in cells}
    for one in comparison.cells.values():
        if one.skipped is not None:
            wanted = bool(thresholds) or (asked_for and anywhere(one.cell) not in measured)
            skips = GateVerdict.NOT_MEASURED if wanted else GateVerdict.NOT_APPLICABLE
            lines.append(_skipped(one, skips))
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


def _test(one: ComparedCell, cells: int) -> SequentialTest:
    """Return the test of a cell, with all of its pairs."""
    test = SequentialTest(Rule(cells=cells, delta=one.delta))
    for difference, _ in one.differences():
        test.add(difference)
    return test


def _line(
    one: ComparedCell, test: SequentialTest, comparison: Comparison, command: str
) -> GateLine:
    found = one.differences()
    verdict = _verdict(one, test)
    reason, decides = _reason(verdict, one, test, comparison)
    return GateLine(
        name=one.cell.id,
        verdict=verdict,
        measure=Measure.CHANGE,
        sides=_sides(one),
        effect=_effect([difference for difference, _ in found], test.rule),
        bound=f"slower by less than {100 * one.delta:.3g} %",
        count=len(found),
        counted="pairs",
        per=one.facts.per if one.facts else "",
        reason=reason,
        remedy=command if decides else "",
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
    verdict: GateVerdict, one: ComparedCell, test: SequentialTest, comparison: Comparison
) -> tuple[str, bool]:
    """Return the reason of a verdict, and whether more pairs decide it."""
    if verdict is GateVerdict.NOT_MEASURED:
        if one.failures:
            return _failed(one.failures[-1]), False
        stopped = "the comparison was stopped" if _stopped(comparison) else "the budget was spent"
        return f"{stopped} before its first pair", True
    if verdict is not GateVerdict.INCONCLUSIVE:
        return "", False
    if not test.pairs and (void := _void(one)) < len(one.pairs):
        return f"stopped before the end of round {one.pairs[-1].number}", True
    if not test.pairs:
        pairs = "its pair is" if void == 1 else f"all of its {void} pairs are"
        return (
            f"{pairs} void ({one_line(one.pairs[-1].void, 200)}): "
            "compare again on an idle machine, or, on one that is never idle, with --keep-disturbed"
        ), False
    if one.failures and _gave_up(comparison):
        return f"given up: {_failed(one.failures[-1])}", False
    return _why_open(test, _stopped(comparison))


def _gave_up(comparison: Comparison) -> bool:
    """Tell whether the cells that are open have failed: else it ends as decided, or by a limit."""
    ended = comparison.ended
    return ended is not None and ended.reason == "complete" and not comparison.header.pairs


def _failed(last: ArmFailed) -> str:
    remedy = f": {last.remedy}" if last.remedy else ""
    return f"the {last.arm} arm failed: {last.who}, {last.where}: {last.what}{remedy}"


def _why_open(test: SequentialTest, stopped: bool) -> tuple[str, bool]:
    """Say what an undecided cell takes, and whether more pairs decide it."""
    most, needed = test.rule.most_pairs, test.needed
    idle = "compare on an idle machine, promise a larger share, or leave the cell out"
    if test.pairs >= most:
        share = f"{100 * test.rule.delta:.3g} %"
        return f"{most} pairs, the most that are played: its noise hides {share}; {idle}", False
    if needed and needed > most:
        return f"about {needed} pairs would decide it, and {most} are the most: {idle}", False
    about = f"about {needed} pairs would decide it" if needed else "too few pairs"
    return f"stopped; {about}" if stopped else about, True


def _stopped(comparison: Comparison) -> bool:
    return comparison.ended is None or comparison.ended.reason == "interrupted"


def _command(comparison: Comparison, tests: Mapping[str, SequentialTest], again: Again) -> str:
    """Return the command that decides the open cells, with a budget that is enough."""
    ended = comparison.ended
    if ended is None or ended.reason == "interrupted":
        return again.resume
    more = 0.0
    for one in comparison.measured:
        test = tests[one.cell.id]
        walls = [sum(run.wall for run in pair.runs) for pair in one.pairs]
        if test.verdict is None and walls:
            needed = test.needed or USUAL_PAIRS
            more += median(walls) * max(min(needed, test.rule.most_pairs) - test.pairs, 1)
    seconds = SPARE * (comparison.spent + more)
    if ended.reason == "budget":
        return f"{again.resume} --budget {math.ceil(seconds / 60)}m"
    return again.longer(seconds)


def _remarks(one: ComparedCell, verdict: GateVerdict) -> list[str]:
    found = []
    void = _void(one)
    if one.good and void > MANY_VOID * len(one.pairs):
        found.append(f"{void} of its {len(one.pairs)} pairs are void: others disturb them")
    if one.failures and verdict is not GateVerdict.NOT_MEASURED:
        last = one.failures[-1]
        found.append(
            f"failed runs: {len(one.failures)}, the last one of the {last.arm} arm: "
            f"{last.who}, {last.where}: {last.what}"
        )
    if one.promises:
        found.append(f"promised by: {', '.join(one.promises)}")
    return found


def _void(one: ComparedCell) -> int:
    """Return the number of void pairs; those of a round that has not ended do not count yet."""
    return sum(bool(pair.void) for pair in one.pairs)


def _notes(comparison: Comparison) -> list[str]:
    pairs = [pair for one in comparison.measured for pair in one.pairs]
    void = sum(map(_void, comparison.measured))
    text = f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'} in {human_span(comparison.spent)}"
    found = [f"{text}; {void} of them void, and not counted." if void else f"{text}."]
    if comparison.header.keep_disturbed:
        found.append("Disturbed pairs count: --keep-disturbed.")
    return found
