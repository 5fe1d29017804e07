"""Trust in a run: its controls, and everything that disturbed it.

A control is a cell measured twice under two names; the paired ratio of the
two must be 1. Each finding is a sentence with a severity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results, Status
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.slowdowns import slowdowns
from ipcbench.bench.results.units import human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval
from ipcbench.reports.model import Measured, ratios
from ipcbench.reports.verdicts.disturbances import about_disturbances
from ipcbench.reports.verdicts.finding import SHARE_TO_NOTE, Finding, many, named

BAND = 0.05  # a control is good where its whole interval lies within 1 ± BAND
LONGEST = 120  # characters of a setting in a finding


@dataclass(frozen=True, slots=True)
class Control:
    """A twin beside its original.

    `ratio`: time of the twin divided by time of its original; None without a common round.
    """

    cell: Cell
    ratio: Interval | None
    severity: Severity
    verdict: str


@dataclass(frozen=True, slots=True)
class Trust:
    """An assessment of a run: the highest severity, a headline, and the findings."""

    severity: Severity
    headline: str
    controls: list[Control]
    findings: list[Finding]
    rounds: int  # of the cell that has most

    @property
    def reasons(self) -> list[str]:
        """The one or two findings behind the headline."""
        grave = [one.text for one in self.findings if one.severity >= Severity.WARNING]
        return (grave or [one.text for one in self.findings if one.severity is Severity.OK])[:2]

    @property
    def explained(self) -> str:
        """The headline with its reasons, as one line."""
        because = "; ".join(f"{one[:1].lower()}{one[1:]}".rstrip(".") for one in self.reasons)
        if not self.headline.endswith(":"):
            because = f"{because[:1].upper()}{because[1:]}"
        return f"{self.headline.removesuffix(':')} {because}."


def assess(results: Results, cells: Sequence[Measured]) -> Trust:
    """Assess a run. `cells`: all that have a result, twins included."""
    controls = _controls(cells)
    rounds = max((len(one.times) for one in cells), default=0)
    findings = [
        *_about_controls(controls, cells),
        *_about_measuring(cells, rounds),
        *_about_end(results),
        *about_disturbances(results),
        *_about_blocks(results),
        *_about_failures(results),
        *_about_cpus(cells),
        *_about_machine(results),
    ]
    severity = max((one.severity for one in findings), default=Severity.OK)
    headline = _headline(severity, rounds, bool(cells))
    ordered = sorted(findings, key=lambda one: -one.severity)
    return Trust(severity, headline, controls, ordered, rounds)


def _headline(severity: Severity, rounds: int, anything: bool) -> str:
    if not anything:
        return "Nothing was measured, so there is nothing to trust."
    if severity is Severity.PROBLEM:
        return "This run cannot be trusted."
    if rounds < ENOUGH_ROUNDS:
        return "Too few rounds: only ranges are shown, and no verdict."
    if severity is Severity.WARNING:
        return "This run can be trusted with reservations, because:"
    return "This run can be trusted."


def _controls(cells: Sequence[Measured]) -> list[Control]:
    originals = {one.cell.id: one for one in cells if not one.cell.twin}
    found = []
    for one in cells:
        if one.cell.twin:
            original = originals.get(one.cell.original.id)
            ratio = ratios(one, original) if original else None
            disturbed = one.disturbed or (original is not None and original.disturbed)
            found.append(Control(one.cell, ratio, *_grade(ratio, disturbed=disturbed)))
    return found


def _grade(ratio: Interval | None, *, disturbed: bool) -> tuple[Severity, str]:
    if ratio is None:
        return Severity.WARNING, "no control: no round has both"
    if disturbed:
        return Severity.WARNING, "disturbed"
    if not ratio.verdict_possible:
        return Severity.WARNING, "too few rounds"
    if ratio.low >= 1 - BAND and ratio.high <= 1 + BAND:
        return Severity.OK, "good"
    if ratio.low > 1 + BAND or ratio.high < 1 - BAND:
        return Severity.PROBLEM, "bad"
    return Severity.WARNING, "undecided"


def _about_measuring(cells: Sequence[Measured], rounds: int) -> list[Finding]:
    if not cells:
        return [Finding(Severity.WARNING, "No cell has a result.")]
    if rounds < ENOUGH_ROUNDS:
        text = (
            f"Only {many(rounds, 'round')}: each interval is the whole range, and nothing is "
            f"decided. A verdict takes {ENOUGH_ROUNDS} rounds, a good interval 12."
        )
        return [Finding(Severity.WARNING, text)]
    text = f"{rounds} rounds: each median is taken over up to {rounds} runs in new processes."
    found = [Finding(Severity.OK, text)]
    fewer = sum(len(one.times) < rounds for one in cells)
    if fewer:
        have = "has" if fewer == 1 else "have"
        text = f"{many(fewer, 'cell')} of {len(cells)} {have} fewer than {rounds} rounds."
        found.append(Finding(Severity.NOTE, text))
    return found


def _about_controls(controls: Sequence[Control], cells: Sequence[Measured]) -> list[Finding]:
    if not controls:
        text = "No control was measured: nothing shows whether equal cells come out equal."
        return [Finding(Severity.WARNING, text)] if cells else []
    found = []
    for severity, text in (
        (Severity.PROBLEM, "beyond ±5 %: identical cells differ, so others may differ too"),
        (
            Severity.WARNING,
            "undecided: the interval reaches over ±5 %, too few rounds count, or a cell is "
            "disturbed",
        ),
        (Severity.OK, "equal within ±5 %"),
    ):
        some = sum(one.severity is severity for one in controls)
        if some:
            verb = "is" if some == 1 else "are"
            head = f"{some} of {many(len(controls), 'control')} {verb}"
            found.append(Finding(severity, f"{head} {text}."))
    return found


def _about_end(results: Results) -> list[Finding]:
    done, wanted = len(results.rounds), results.header.settings.rounds
    found = []
    if results.ended is None:
        text = f"The sweep has not ended: it is still running, or was killed after round {done}."
        found.append(Finding(Severity.WARNING, text))
    elif results.ended.reason == "interrupted":
        text = f"The sweep was interrupted after {many(done, 'round')} of {wanted}."
        found.append(Finding(Severity.WARNING, text))
    elif results.ended.reason == "full":
        text = f"The sweep ended after {many(done, 'round')}: its journal reached the size limit."
        found.append(Finding(Severity.NOTE, text))
    elif results.ended.reason == "budget":
        after = human_span(results.ended.wall)
        text = f"The time budget ended the sweep after {many(done, 'round')} and {after}."
        found.append(Finding(Severity.NOTE, text))
    if results.resumed:
        text = f"The sweep was interrupted and resumed {many(len(results.resumed), 'time')}."
        found.append(Finding(Severity.NOTE, text))
    pending = len(results.with_status(Status.PENDING))
    if pending:
        text = f"{many(pending, 'planned cell')} had no run before the sweep ended."
        found.append(Finding(Severity.NOTE, text))
    return found


def _about_blocks(results: Results) -> list[Finding]:
    corrected = [result for result in results.ok() if result.rescaled]
    if not corrected:
        return []
    text = (
        "Blocks were below half or above twice the length asked for, and corrected after a round, "
        f"in {many(len(corrected), 'cell')}: {named(corrected)}. Their runs have blocks of several "
        "lengths."
    )
    return [Finding(Severity.NOTE, text)]


def _about_failures(results: Results) -> list[Finding]:
    found = []
    failed = len(results.with_status(Status.FAILED))
    if failed:
        text = f"{many(failed, 'cell')} failed, without a result."
        found.append(Finding(Severity.NOTE, text))
    runs = [run for result in results.cells.values() for run in result.runs]
    lost = sum(len(result.failures) for result in results.ok())
    if lost:
        text = f"{many(lost, 'run')} failed in cells that have a result from other runs."
        grave = lost > SHARE_TO_NOTE * (len(runs) + lost)
        found.append(Finding(Severity.WARNING if grave else Severity.NOTE, text))
    return found


def _about_cpus(cells: Sequence[Measured]) -> list[Finding]:
    """Tell of cells whose processes could not use the same CPUs in all runs."""
    changed = [
        (one, sets)
        for one in cells
        if len(sets := list(dict.fromkeys(_cpus(run) for run in one.runs))) > 1
    ]
    if not changed:
        return []
    one, (first, second, *_) = changed[0]
    text = (
        f"The CPUs of {many(len(changed), 'cell')} changed during the sweep, so that a median "
        f"mixes two situations: {one.cell.id[:200]} had {first[:80]}, then {second[:80]}."
    )
    return [Finding(Severity.WARNING, text)]


def _cpus(run: Run) -> str:
    lists = dict.fromkeys(", ".join(map(str, cpus)) for cpus in run.cpus)
    return f"CPUs {' and '.join(lists)}"


def _about_machine(results: Results) -> list[Finding]:
    """Tell of settings that make calls dear: every figure of the run is one with them."""
    return [
        Finding(Severity.WARNING, f"{one.topic[:1].upper()}{one.topic[1:]} {one.text}.")
        for one in slowdowns(_short(results.header.machine.settings))
    ]


def _short(settings: Mapping[str, str]) -> dict[str, str]:
    """Cut the texts of a journal, which is untrusted."""
    return {name: one_line(value, LONGEST) for name, value in settings.items()}
