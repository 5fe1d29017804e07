"""Summary of a run in a few lines: how far it may be trusted, then the fastest for each task.

For each task it takes the situation of most entrants, then of most processes, on the placement
that decides most: two cores that are kept awake, where it was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    NATIVE,
    NO_WAIT,
    PYTHON,
    RUNTIMES,
    SAME_CORE,
)
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.model import Measured, measured, rank
from ipcbench.reports.verdicts.answers import Answer, Tier, answers
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.places import place
from ipcbench.reports.verdicts.trust import Trust, assess

PREFERRED = (CROSS_CORE_AWAKE, CROSS_CORE, SAME_CORE)  # of placements
SMALL = 4096  # bytes: the size of smaller messages is not shown
MOST_LINES = 40
LONGEST = 300  # characters of a line on trust
_SHORT = {CROSS_CORE_AWAKE: "awake"}
_LANGUAGES: Mapping[str, str] = {PYTHON: "Python", NATIVE: "C"}


@dataclass(frozen=True, slots=True)
class Line:
    """The fastest of a task in one runtime. `others`: not told apart from it."""

    task: str
    runtime: str
    placement: str
    size: int
    fastest: Measured
    others: int
    trusted: bool

    @property
    def words(self) -> tuple[str, str, str, str]:
        """The columns: the task, the placement, the facility, its time."""
        task = f"{self.task}, {short_size(self.size)}" if self.size >= SMALL else self.task
        where = _SHORT.get(self.placement, place(self.placement))
        if not self.trusted:
            return task, where, "not to be trusted", ""
        more = f" +{self.others}" if self.others else ""
        time = human_seconds(self.fastest.interval.median)
        return (
            task,
            where,
            f"{name_of(self.fastest)}{more}",
            f"{time} {a_unit(self.fastest.facts.per)}",
        )


def a_unit(unit: str) -> str:
    """Return a unit with its article."""
    vowel = unit[:1] in "aeiou" and not unit.startswith("one")
    return f"{'an' if vowel else 'a'} {unit}"


def language(runtime: str) -> str:
    """Name the language of a runtime's loop."""
    return _LANGUAGES.get(runtime, runtime)


def name_of(one: Measured) -> str:
    """Name an entrant, with its way of waiting where it does not sleep at once."""
    waits = one.wait not in (BLOCK, NO_WAIT)
    return one_line(f"{one.cell.transport} {one.wait}" if waits else one.cell.transport)


def summary(results: Results) -> list[str]:
    """Return the lines; none where no task has rounds enough for an answer. Pure."""
    found, trust = judged(results)
    shown = lines(found, trust)[:MOST_LINES]
    text = [one_line(line, LONGEST) for line in trust.summary] if shown else []
    for runtime in dict.fromkeys(line.runtime for line in shown):
        rows = [line.words for line in shown if line.runtime == runtime]
        text += ["", f"Fastest from {language(runtime)}:", *columns(rows)]
    return text + _notes(shown)


def judged(results: Results) -> tuple[list[Answer], Trust]:
    """Return the answers to all tasks, and the trust in the run."""
    cells = measured(results)
    found = answers(results, comparisons(of_results(results), cells), cells)
    return found, assess(results, cells)


def lines(found: Iterable[Answer], trust: Trust) -> list[Line]:
    """Return the answers, in the order of tasks: one for each runtime that was measured."""
    return [
        _line(answer.task, _foremost(tiers), trust)
        for answer in found
        for runtime in RUNTIMES
        if (tiers := [one for one in answer.tiers if one.situation.runtime == runtime])
    ]


def _foremost(tiers: Sequence[Tier]) -> Tier:
    return min(
        tiers,
        key=lambda one: (
            rank(PREFERRED, one.situation.placement),
            -len(one.cells),
            -one.situation.processes,
        ),
    )


def _line(task: str, tier: Tier, trust: Trust) -> Line:
    situation = tier.situation
    return Line(
        task=one_line(task),
        runtime=situation.runtime,
        placement=situation.placement,
        size=situation.size,
        fastest=tier.cells[tier.members[0].cell],
        others=len(tier.members) - 1,
        trusted=trust.trusted(situation.placement) is not Severity.PROBLEM,
    )


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align texts in columns; the last one to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(widths[-1])]).rstrip()
        for row in rows
    ]


def _notes(shown: Iterable[Line]) -> list[str]:
    """Explain the marks that are used."""
    shown = [one for one in shown if one.trusted]
    awake = (
        "awake: two cores whose idle states are forbidden"
        if any(one.placement == CROSS_CORE_AWAKE for one in shown)
        else ""
    )
    others = "+1: one other is not told apart from it" if any(one.others for one in shown) else ""
    notes = "; ".join(filter(None, (awake, others)))
    return ["", f"({notes})"] if notes else []
