"""Summary of a run in about 15 lines: how far it may be trusted, then the answers to cases.

A run of few answers has a line for each. Of many, the first language has a line for each main case,
another one for those in which languages differ most, and each line is the answer of the placement
that answers most cases, where it has one. Where no case is ordinary, the tiers of the tasks
stand; where none has rounds enough, the first cells have their figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.tasks import NAMED, SMALL
from ipcbench.bench.results.axes import HOT
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.model import Measured, measured
from ipcbench.reports.names import language, place
from ipcbench.reports.page.texts.crossing_phrases import crossing_line, crossings
from ipcbench.reports.terminal.figures import figures
from ipcbench.reports.terminal.judged import judged
from ipcbench.reports.terminal.text import GAP, WIDTH, columns, wrapped
from ipcbench.reports.terminal.tiers import tier_lines
from ipcbench.reports.verdicts.answers import Answer
from ipcbench.reports.verdicts.cases.case import STEADY
from ipcbench.reports.verdicts.cases.choice import Choice
from ipcbench.reports.verdicts.cases.foremost import foremost, foremost_placement, is_main
from ipcbench.reports.verdicts.cases.missing import languages, placements
from ipcbench.reports.verdicts.cases.recommend import PAIR, Recommendation, recommendations
from ipcbench.reports.verdicts.cases.trust_line import short_trust_line
from ipcbench.reports.verdicts.headlines import FEW
from ipcbench.reports.verdicts.trust import Trust

Filter: TypeAlias = Callable[[str, Situation], bool]

MOST_LINES = 60
FEW_ANSWERS = 14  # so many have a line each
USE = "use"  # the heading of the answers
MOST_CROSSINGS = 24
LONGEST_NAME = 48  # characters of a facility: a plug-in may have any name
_DIFFER = ("one-way", "request", "lowest-latency", "frames")  # cases of a second language
_SHORT = (
    (" semaphore", " sem."),
    ("multiprocessing.", "mp."),
    (", several buffers", ", buffers"),
)


def summary(results: Results, wanted: Filter | None = None) -> list[str]:
    """Return the lines; none where nothing was measured. Pure.

    `wanted`: the (case, situation) to choose from; None: all, and languages share the lines.
    """
    cells = measured(results)
    found, trust = judged(results)
    recommended = recommendations(results, found, cells, trust)
    shown = _chosen(results, recommended, wanted)[:MOST_LINES]
    text = wrapped(f"Trust: {short_trust_line(trust, results)}", "  ")
    if not shown and (lines := _compared(found, trust, wanted)):
        return [*text, "", *lines]
    if all(one.lacks == FEW for one in shown):
        plain = [one for one in cells if _is_wanted(one, wanted)]
        return [*text, "", *lines] if (lines := figures(plain, trust)) else []
    text += _table(list(by_place(shown).values()))
    return text + _notes(shown) + _crossings(found, trust, wanted)


def _compared(found: Sequence[Answer], trust: Trust, wanted: Filter | None) -> list[str]:
    """Return tiers where no ordinary case has an answer: those of named transports if there are."""
    named = [one for one in found if one.task == NAMED and one.tiers]
    lines = tier_lines(named or found, wanted or (lambda *_: True), trust)
    return lines[:-1] if 0 < len(lines) <= MOST_LINES else []


def _table(groups: Sequence[Sequence[Recommendation]]) -> list[str]:
    """Align the answers below a heading for each language and placement.

    Why there is no answer takes the whole line.
    """
    rows = [row for group in groups for row in _rows(group)]
    if all(row[_P99] in ("", "p99") for row in rows):
        rows = [(*row[:_P99], *row[_P99 + 1 :]) for row in rows]
    longest = _longest_beside(rows)
    alone = [len(row[0]) > longest for row in rows]
    beside = [
        ("" if long else row[0], *(row[1:] if any(row[2:]) else [""] * len(row[1:])))
        for row, long in zip(rows, alone, strict=True)
    ]
    lines = columns(beside, right=len(rows[0]) - 2, cut=1)
    text: list[str] = []
    for row, long, line in zip(rows, alone, lines, strict=True):
        text += [""] if row[1] == USE else []
        text += [row[0]] if long else []
        text.append(line if any(row[2:]) else f"{line.ljust(longest)}{GAP}{row[1]}"[:WIDTH])
    return text


def _longest_beside(rows: Sequence[tuple[str, ...]]) -> int:
    """Return the length of the longest case that stands beside its answer.

    A longer one has a line of its own, so that no answer is cut for it. Headings never do.
    """
    least = max(len(row[0]) for row in rows if row[1] == USE)
    answers = [row[1:] for row in rows if any(row[2:])]
    others = [max(map(len, column)) for column in zip(*answers, strict=True)]
    room = WIDTH - sum(others) - 2 * len(GAP) - (len(others) - 2)
    lengths = [len(row[0]) for row in rows if len(row[0]) <= room]
    return max([least, *lengths])


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


def by_place(shown: Sequence[Recommendation]) -> dict[tuple[str, str], list[Recommendation]]:
    """Group answers by language and placement, in the order of first appearance."""
    found: dict[tuple[str, str], list[Recommendation]] = {}
    for one in shown:
        found.setdefault((one.runtime, one.placement), []).append(one)
    return found


def _chosen(
    results: Results, found: Sequence[Recommendation], wanted: Filter | None
) -> list[Recommendation]:
    """Return the foremost answer of each case, in each language that has a line for it.

    All of them where they are few.
    """
    chosen: list[Recommendation] = []
    answered: set[str] = set()
    pool = [
        one
        for one in found
        if (wanted is None and is_main(one)) or (wanted and wanted(one.key, one.situation))
    ]
    if wanted is None and len(pool) <= FEW_ANSWERS:
        return pool
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


_P99 = 3  # the column


def _rows(group: Sequence[Recommendation]) -> list[tuple[str, ...]]:
    """Return the heading of a language and a placement, and the lines of its cases."""
    first = group[0]
    where = f"{language(first.runtime)}, {place(first.placement)}"
    return [(where, USE, "takes", "p99", "CPU"), *(_row(one) for one in group)]


def _row(one: Recommendation) -> tuple[str, ...]:
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
        f"{one.processes} processes" if one.processes > PAIR else "",
        "may spin" if one.spin else "",
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
        ("+N: N others are not told apart from it", any(len(o.members) > 1 for o in headlines)),
        ("alone: no other one was measured", any(one.measured == 1 for one in headlines)),
        ("x: times that rate, at most", any(one.case is STEADY and one.room for one in headlines)),
        ("times and CPU: of a message, or of a round trip", bool(headlines)),
    )
    notes = "; ".join(text for text, used in found if used)
    return ["", *wrapped(f"({notes})")] if notes else []
