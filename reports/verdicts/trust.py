"""Whether a run can be trusted: its controls, and everything that disturbed it.

A control is a cell measured twice under two names; the paired ratio of the
two must be 1. Each finding is a plain sentence with a weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from statistics import median

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.results import Results, Status
from ipcbench.bench.results.units import human_span
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval
from ipcbench.reports.model import Measured, ratios

BAND = 0.05  # a control is good where its whole interval lies within 1 ± BAND
SHARE_TO_NOTE = 0.05  # of CPU time stolen, runs void, runs failed: as large as the effects sought


class Weight(IntEnum):
    """How much a finding takes from the trust in a run."""

    GOOD = 0
    NOTE = 1
    WARNING = 2
    BAD = 3


@dataclass(frozen=True, slots=True)
class Control:
    """`ratio`: time of the twin by time of its original; None without a common round."""

    cell: Cell
    ratio: Interval | None
    weight: Weight
    verdict: str


@dataclass(frozen=True, slots=True)
class Finding:
    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class Trust:
    """`weight` is that of the gravest finding, `headline` one sentence for the top."""

    weight: Weight
    headline: str
    controls: list[Control]
    findings: list[Finding]
    rounds: int  # that the best-measured cell has

    @property
    def reasons(self) -> list[str]:
        """The one or two findings behind the headline."""
        grave = [one.text for one in self.findings if one.weight >= Weight.WARNING]
        return (grave or [one.text for one in self.findings if one.weight is Weight.GOOD])[:2]


def judge(results: Results, cells: Sequence[Measured]) -> Trust:
    """Weigh a run. `cells`: all that have a figure, twins too."""
    controls = _controls(cells)
    rounds = max((len(one.times) for one in cells), default=0)
    findings = [
        *_about_controls(controls, cells),
        *_about_measuring(cells, rounds),
        *_about_end(results),
        *_about_void(results),
        *_about_steal(results),
        *_about_failures(results),
    ]
    weight = max((one.weight for one in findings), default=Weight.GOOD)
    headline = _headline(weight, rounds, bool(cells))
    ordered = sorted(findings, key=lambda one: -one.weight)
    return Trust(weight, headline, controls, ordered, rounds)


def _headline(weight: Weight, rounds: int, any_figure: bool) -> str:
    if not any_figure:
        return "Nothing was measured: there is nothing to trust."
    if weight is Weight.BAD:
        return "This run is not to be trusted."
    if rounds < ENOUGH_ROUNDS:
        return "Too few rounds: ranges, and no verdict."
    if weight is Weight.WARNING:
        return "This run can be trusted with reserve."
    return "This run can be trusted."


def _controls(cells: Sequence[Measured]) -> list[Control]:
    originals = {one.cell.id: one for one in cells if not one.cell.twin}
    found = []
    for one in cells:
        if one.cell.twin:
            original = originals.get(one.cell.original.id)
            ratio = ratios(one, original) if original else None
            found.append(Control(one.cell, ratio, *_grade(ratio)))
    return found


def _grade(ratio: Interval | None) -> tuple[Weight, str]:
    if ratio is None:
        return Weight.WARNING, "no control: no round has both"
    if not ratio.verdict_possible:
        return Weight.WARNING, "too few rounds"
    if ratio.low >= 1 - BAND and ratio.high <= 1 + BAND:
        return Weight.GOOD, "good"
    if ratio.low > 1 + BAND or ratio.high < 1 - BAND:
        return Weight.BAD, "bad"
    return Weight.WARNING, "control inconclusive"


def _about_measuring(cells: Sequence[Measured], rounds: int) -> list[Finding]:
    if not cells:
        return [Finding(Weight.WARNING, "No cell has a figure.")]
    if rounds < ENOUGH_ROUNDS:
        text = (
            f"{_many(rounds, 'round')} only: what stands as an interval is the whole range, and "
            f"nothing is decided (that takes {ENOUGH_ROUNDS} rounds, 12 for a good interval)."
        )
        return [Finding(Weight.WARNING, text)]
    text = f"{rounds} rounds: each figure stands on up to {rounds} fresh pairs of processes."
    found = [Finding(Weight.GOOD, text)]
    fewer = sum(len(one.times) < rounds for one in cells)
    if fewer:
        text = f"{_many(fewer, 'cell')} of {len(cells)} have fewer rounds than that."
        found.append(Finding(Weight.NOTE, text))
    return found


def _about_controls(controls: Sequence[Control], cells: Sequence[Measured]) -> list[Finding]:
    if not controls:
        text = "No control was measured: nothing shows whether equal things came out equal."
        return [Finding(Weight.WARNING, text)] if cells else []
    found = []
    for weight, text in (
        (Weight.BAD, "came out wholly beyond ±5 %: identical cells differ, so others may too"),
        (Weight.WARNING, "cannot tell (interval not within ±5 %, or too few rounds)"),
        (Weight.GOOD, "came out equal within ±5 %"),
    ):
        some = sum(one.weight is weight for one in controls)
        if some:
            kind = f"{some} of {_many(len(controls), 'control')}"
            found.append(Finding(weight, f"{kind} {text}."))
    return found


def _about_end(results: Results) -> list[Finding]:
    done, wanted = len(results.rounds), results.header.settings.rounds
    found = []
    if results.ended is None:
        text = f"The sweep did not end: it is still running, or was killed, after round {done}."
        found.append(Finding(Weight.WARNING, text))
    elif results.ended.reason == "interrupted":
        text = f"The sweep was interrupted after {_many(done, 'round')} of {wanted}."
        found.append(Finding(Weight.WARNING, text))
    elif results.ended.reason == "full":
        text = f"The sweep ended after {_many(done, 'round')}: its journal had grown to the limit."
        found.append(Finding(Weight.NOTE, text))
    elif results.ended.reason == "budget":
        after = human_span(results.ended.wall)
        text = f"The time budget ended the sweep after {_many(done, 'round')} and {after}."
        found.append(Finding(Weight.NOTE, text))
    if results.resumed:
        text = f"The sweep was interrupted and resumed {_many(len(results.resumed), 'time')}."
        found.append(Finding(Weight.NOTE, text))
    pending = len(results.with_status(Status.PENDING))
    if pending:
        found.append(Finding(Weight.NOTE, f"{_many(pending, 'planned cell')} never had its turn."))
    return found


def _about_void(results: Results) -> list[Finding]:
    runs = [run for result in results.cells.values() for run in result.runs]
    void = Counter(run.void for run in runs if run.void)
    if not void:
        return []
    total = sum(void.values())
    why = "; ".join(f"{reason[:120]} ({count})" for reason, count in void.most_common(3))
    grave = Weight.WARNING if total > len(runs) * SHARE_TO_NOTE else Weight.NOTE
    return [Finding(grave, f"{total} of {_many(len(runs), 'run')} are void: {why}.")]


def _about_steal(results: Results) -> list[Finding]:
    if not results.rounds:
        return []
    worst = max(results.rounds, key=lambda one: one.steal)
    middle = median(one.steal for one in results.rounds)
    if worst.steal <= 0:
        return [Finding(Weight.GOOD, "No steal: the hypervisor, if any, took no time from us.")]
    over = worst.steal > SHARE_TO_NOTE
    text = (
        f"Steal: the hypervisor took {middle * 100:.1f} % of the CPU time in the median round, "
        f"{worst.steal * 100:.1f} % in the worst (round {worst.round})."
    )
    return [Finding(Weight.WARNING if over else Weight.NOTE, text)]


def _about_failures(results: Results) -> list[Finding]:
    found = []
    failed = len(results.with_status(Status.FAILED))
    if failed:
        text = f"{_many(failed, 'cell')} failed and have no figure."
        found.append(Finding(Weight.NOTE, text))
    runs = [run for result in results.cells.values() for run in result.runs]
    lost = sum(len(result.failures) for result in results.ok())
    if lost:
        text = f"{_many(lost, 'run')} failed of cells that have a figure from other runs."
        grave = lost > SHARE_TO_NOTE * (len(runs) + lost)
        found.append(Finding(Weight.WARNING if grave else Weight.NOTE, text))
    return found


def _many(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
