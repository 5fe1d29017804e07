"""Rows of the chooser: the answers of a run, one for each combination that a reader can choose.

The table of the default view is what a reader sees first, and without a script. The script of the
page fills it with other rows of the table of all combinations, by the attributes of each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from ipcbench.bench.results.axes import FAMILIES
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.model import Measured, rank
from ipcbench.reports.names import IN_PLACE, display, place, work
from ipcbench.reports.page.rows.tables import Rows, bounded
from ipcbench.reports.verdicts.answers import Answer
from ipcbench.reports.verdicts.cases.case import CASES, FRAME, Case
from ipcbench.reports.verdicts.cases.changes import Change, changes
from ipcbench.reports.verdicts.cases.facts import Beside, beside
from ipcbench.reports.verdicts.cases.foremost import USUAL, foremost_placement, is_main
from ipcbench.reports.verdicts.cases.missing import Missing, absent, languages, missing, placements
from ipcbench.reports.verdicts.cases.recommend import PAIR, Recommendation, recommendations
from ipcbench.reports.verdicts.trust import Trust

MOST_ROWS = 400
MOST_FACTS = 80


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the chooser.

    Attributes:
        case: the value of `data-case`; rows with the same one are alternatives.
        shown: its answer; of a case that was not measured, the nearest one, if there is one.
        missing: the case was not measured; `shown` is another combination.
    """

    case: Case
    key: str
    language: str
    placement: str
    shown: Recommendation | None
    missing: Missing | None
    changes: Sequence[Change]

    @property
    def title(self) -> str:
        return self.shown.title if self.shown else self.case.title

    @property
    def about(self) -> str:
        """Describe the combination that the row shows, but its language."""
        if self.shown is None:
            return ""
        here = self.shown.situation
        several = len(self.case.patterns) > 1
        parts = [
            work(here.pattern) if several else "",
            short_size(here.size) if here.size else "",
            f"{here.processes} processes" if self.case.many or here.processes > PAIR else "",
            *(() if self.case.order.size == FRAME else manner_phrases(here)),
            place(here.placement),
        ]
        return ", ".join(filter(None, parts))

    @property
    def size(self) -> int | None:
        """The size by which it is chosen; None where its case has one size."""
        one = self.shown
        fixed = self.missing is not None or one is None or self.case.order.size == FRAME
        return None if fixed or one is None else one.size or None

    @property
    def processes(self) -> int | None:
        """The processes by which it is chosen; None where its case has one number."""
        one = self.shown
        if self.missing is not None or one is None or not self.case.many:
            return None
        return one.processes

    @property
    def spin(self) -> bool | None:
        """True if processes may spin; None where it makes no difference."""
        return None if self.missing is not None or self.shown is None else self.shown.spin


@dataclass(frozen=True, slots=True)
class State:
    """The values of the controls."""

    language: str
    placement: str
    size: int
    processes: int
    spin: bool = False


@dataclass(frozen=True, slots=True)
class Chooser:
    """The section of answers.

    Attributes:
        chosen: the default view, a row a case.
        rows: all combinations of the main cases, and those that were not measured.
        absent: main cases without any answer.
        others: all combinations of the other work.
        facts: the name, the family and the facts beside speed of each facility.
    """

    languages: Sequence[str]
    placements: Sequence[str]
    sizes: Sequence[int]
    processes: Sequence[int]
    spins: bool
    state: State
    chosen: Sequence[Row]
    rows: Rows[Row]
    absent: Sequence[Missing]
    others: Rows[Row]
    facts: Sequence[tuple[str, str, Beside]]


def chooser(
    results: Results, answers: Iterable[Answer], cells: Sequence[Measured], trust: Trust
) -> Chooser:
    """Return the section's content. Pure."""
    found = recommendations(results, answers, cells, trust)
    main = [_row(one, found) for one in found if is_main(one)]
    answered = {one.case for one in found}
    without = [one for one in missing(results, found) if one.case in answered]
    rows = [*main, *(_without(one, found) for one in without)]
    rows.sort(key=lambda one: CASES.index(one.case))
    others = [_row(one, found) for one in found if not is_main(one)]
    runtimes, known = languages(results), placements(results)
    sizes = sorted({one.size for one in main if one.size is not None}) or [USUAL]
    processes = sorted({one.processes for one in main if one.processes is not None}) or [2]
    usual = foremost_placement(known, runtimes[0], found)
    state = State(
        language=runtimes[0],
        placement=usual,
        size=min(sizes, key=lambda one: abs(one - USUAL)),
        processes=_usual_number(processes, main),
    )
    return Chooser(
        languages=runtimes,
        placements=known,
        sizes=sizes,
        processes=processes,
        spins=any(one.spin for one in main),
        state=state,
        chosen=choose(rows, state),
        rows=bounded(rows, MOST_ROWS),
        absent=absent(results, found, usual),
        others=bounded(others, MOST_ROWS),
        facts=_facts(results, cells),
    )


def _facts(results: Results, cells: Iterable[Measured]) -> list[tuple[str, str, Beside]]:
    """Return the facts beside speed of the facilities that compete, each once."""
    settings = results.header.machine.settings
    kinds = {
        one.cell.present.transport.removesuffix(IN_PLACE): one.facts.family
        for one in sorted(cells, key=lambda one: rank(FAMILIES, one.facts.family))
        if one.competes
    }
    found = [(display(name), family, beside(name, settings)) for name, family in kinds.items()]
    return [(name, family, one) for name, family, one in found if one is not None][:MOST_FACTS]


def _row(one: Recommendation, found: Sequence[Recommendation]) -> Row:
    made = changes(one, found)
    return Row(one.case, one.key, one.runtime, one.placement, one, None, made)


def _without(one: Missing, found: Sequence[Recommendation]) -> Row:
    made = changes(one.nearest, found) if one.nearest else []
    return Row(one.case, one.case.id, one.runtime, one.placement, one.nearest, one, made)


def _usual_number(known: Sequence[int], main: Sequence[Row]) -> int:
    """Return the number of processes that most cases have; of several, the largest."""
    having = {number: {one.key for one in main if one.processes == number} for number in known}
    return max(known, key=lambda one: (len(having[one]), one))


def choose(rows: Iterable[Row], state: State) -> list[Row]:
    """Return the row of each case that fits best, as the script of the page does."""
    cases: dict[str, list[Row]] = {}
    for one in rows:
        cases.setdefault(one.key, []).append(one)
    return [_fitting(own, state) for own in cases.values()]


def _fitting(rows: Sequence[Row], state: State) -> Row:
    wanted = state.language, state.placement
    here = [one for one in rows if (one.language, one.placement) == wanted]
    return min(
        here or rows,
        key=lambda one: (
            one.missing is not None,
            _far(one.size, state.size) + _far(one.processes, state.processes),
            one.spin not in (None, state.spin),
        ),
    )


def _far(own: int | None, wanted: int) -> float:
    return 0.0 if own is None else abs(log2(own / wanted))


def differing(one: Row, state: State) -> str:
    """Name the values in which a row differs from those that are chosen; "" where in none."""
    parts = (
        "" if one.size in (None, state.size) else short_size(one.size or 0),
        "" if one.processes in (None, state.processes) else f"{one.processes} processes",
    )
    return ", ".join(filter(None, parts))
