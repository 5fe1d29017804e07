"""Summary of a run in about 15 lines: how far it may be trusted, then the answers to cases.

The first language has a line for each main case, another one for those in which languages differ
most. Each line is the answer of the placement that answers most cases, where it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.tasks import SMALL
from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.axes import HOT
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.model import Measured, measured
from ipcbench.reports.names import language, place
from ipcbench.reports.page.texts.crossing_phrases import crossing_line, crossings
from ipcbench.reports.terminal.figures import figures
from ipcbench.reports.terminal.text import columns, wrapped
from ipcbench.reports.verdicts.answers import Answer, answers
from ipcbench.reports.verdicts.cases.case import STEADY
from ipcbench.reports.verdicts.cases.choice import Choice
from ipcbench.reports.verdicts.cases.foremost import foremost, foremost_placement, is_main
from ipcbench.reports.verdicts.cases.missing import languages, placements
from ipcbench.reports.verdicts.cases.recommend import PAIR, Recommendation, recommendations
from ipcbench.reports.verdicts.cases.trust_line import short_trust_line
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.headlines import FEW
from ipcbench.reports.verdicts.trust import Trust, assess

Filter: TypeAlias = Callable[[str, Situation], bool]

MOST_LINES = 60
MOST_CROSSINGS = 24
LONGEST_NAME = 48  # characters of a facility: a plug-in may have any name
_DIFFER = ("one-way", "request", "lowest-latency", "frames")  # cases of a second language
_SHORT = (
    (" semaphore", " sem."),
    ("multiprocessing.", "mp."),
    (", several buffers", ", buffers"),
)


def summary(results: Results, wanted: Filter | None = None) -> list[str]:
    """Return the lines; none where many cells have too few rounds for an answer. Pure.

    `wanted`: the (case, situation) to choose from; None: all, and languages share the lines.
    """
    cells = measured(results)
    found, trust = judged(results)
    recommended = recommendations(results, found, cells, trust)
    shown = _chosen(results, recommended, wanted)[:MOST_LINES]
    text = wrapped(f"Trust: {short_trust_line(trust, results)}", "  ")
    if all(one.lacks == FEW for one in shown):
        plain = [one for one in cells if _is_wanted(one, wanted)]
        return [*text, "", *lines] if (lines := figures(plain, trust)) else []
    groups = list(by_place(shown).values())
    rows = [row for group in groups for row in _rows(group)]
    table = iter(columns(rows, right=3, cut=1))
    for group in groups:
        text += ["", *(next(table) for _ in _rows(group))]
    return text + _notes(shown) + _crossings(found, trust, wanted)


def _is_wanted(one: Measured, wanted: Filter | None) -> bool:
    """Tell if a cell is shown by its figure: no control, and not left out by a filter."""
    return not one.cell.is_control and (wanted is None or wanted("", one.situation))


def _crossings(found: Sequence[Answer], trust: Trust, wanted: Filter | None) -> list[str]:
    """Say in a line each what a facility gains by a language, or a way of waiting.

    Nothing where there are many: they are in `tiers`.
    """
    some = crossings(
        one
        for answer in found
        for one in answer.comparisons
        if wanted is None or wanted(answer.task, one.situation)
    )
    if not 0 < len(some) <= MOST_CROSSINGS:
        return []
    several = len({one.first.cell.runtime for one in some if one.situation.runtime}) > 1
    lines = (crossing_line(one, trust, languages=several, limits=False) for one in some)
    return ["", *(text for each in lines for text in wrapped(each, "  "))]


def judged(results: Results) -> tuple[list[Answer], Trust]:
    """Return the answers to all tasks, and the trust in the run."""
    cells = measured(results)
    found = answers(results, comparisons(of_results(results), cells), cells)
    return found, assess(results, cells)


def by_place(shown: Sequence[Recommendation]) -> dict[tuple[str, str], list[Recommendation]]:
    """Group answers by language and placement, in the order of first appearance."""
    found: dict[tuple[str, str], list[Recommendation]] = {}
    for one in shown:
        found.setdefault((one.runtime, one.placement), []).append(one)
    return found


def _chosen(
    results: Results, found: Sequence[Recommendation], wanted: Filter | None
) -> list[Recommendation]:
    """Return the foremost answer of each case, in each language that has a line for it."""
    chosen: list[Recommendation] = []
    answered: set[str] = set()
    pool = [
        one
        for one in found
        if (wanted is None and is_main(one)) or (wanted and wanted(one.key, one.situation))
    ]
    for runtime in languages(results):
        own: dict[str, list[Recommendation]] = {}
        for one in pool:
            if one.runtime == runtime and (
                wanted is not None or not answered or one.key in _DIFFER or one.key not in answered
            ):
                own.setdefault(one.key, []).append(one)
        usual = foremost_placement(placements(results), runtime, pool)
        chosen += (foremost(each, usual) for each in own.values())
        answered |= own.keys()
    return chosen


def _rows(group: Sequence[Recommendation]) -> list[tuple[str, str, str, str, str]]:
    """Return the heading of a language and a placement, and the lines of its cases."""
    first = group[0]
    where = f"{language(first.runtime)}, {place(first.placement)}"
    return [(where, "use", "takes", "p99", "CPU"), *(_row(one) for one in group)]


def _row(one: Recommendation) -> tuple[str, str, str, str, str]:
    if one.lacks:
        return _case(one), one.lacks.removeprefix("No answer: "), "", "", ""
    best, others = one.best, len(one.members) - 1
    mark = f" +{others}" if others else " alone" if one.measured == 1 else ""
    name = f"{short(best)}{mark}"
    same = best.single == best.per
    p99 = human_seconds(best.p99) if best.p99 is not None and same else ""
    if one.room is not None:
        return _case(one), name, f"{one.room.most:.3g} x", "", ""
    cpu = human_seconds(best.cpu) if best.cpu else ""
    return _case(one), name, human_seconds(best.seconds), p99, cpu


def _case(one: Recommendation) -> str:
    here = one.situation
    parts = (
        one.case.short,
        here.pattern if len(one.case.patterns) > 1 and one.key != one.case.id else "",
        *manner_phrases(here if one.key != "frames" else replace(here, payload=HOT)),
        short_size(one.size) if one.size >= SMALL and one.key != "frames" else "",
        str(one.processes) if one.processes > PAIR else "",
        "spinning" if one.spin else "",
    )
    return f"  {', '.join(filter(None, parts))}"


def short(one: Choice) -> str:
    """Return a short name of a facility."""
    name = one.name
    for long, brief in _SHORT:
        name = name.replace(long, brief)
    return name[:LONGEST_NAME]


def _notes(shown: Sequence[Recommendation]) -> list[str]:
    """Explain the marks that are used."""
    headlines = [one for one in shown if one.members]
    found = (
        ("+1: one other is not told apart from it", any(len(o.members) > 1 for o in headlines)),
        ("alone: no other one was measured", any(one.measured == 1 for one in headlines)),
        ("x: times that rate, at most", any(one.case is STEADY and one.room for one in headlines)),
        ("times and CPU: of a message, or of a round trip", bool(headlines)),
    )
    notes = "; ".join(text for text, used in found if used)
    return ["", *wrapped(f"({notes})")] if notes else []
