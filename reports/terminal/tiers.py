"""Tiers of a run as text: for each task and situation its entrants, the fastest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from ipcbench.bench.decisions.contest import Verdict
from ipcbench.bench.decisions.ranks import Entrant, Standing
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import BLOCK, NO_WAIT
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import Measured
from ipcbench.reports.names import language, place
from ipcbench.reports.page.texts.crossing_phrases import crossing_line, has_rounds
from ipcbench.reports.terminal.judged import judged
from ipcbench.reports.terminal.text import columns, wrapped
from ipcbench.reports.verdicts.answers import Answer, Tier
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.trust import Trust

Wanted = Callable[[str, Situation], bool]
MOST = 2000  # lines
TIMES = " times as long"
RATIOS = (
    "(times as long: estimated over all pairs of rounds, as the page has it; the ratio of the two "
    "medians can differ)"
)


def tiers(results: Results, wanted: Wanted) -> list[str]:
    """Return the tiers of the (task, situation) that are wanted, as lines. Pure."""
    found, trust = judged(results)
    return tier_lines(found, wanted, trust)


def tier_lines(found: Iterable[Answer], wanted: Wanted, trust: Trust) -> list[str]:
    """Return the tiers of some answers, as lines, with a note about the ratios. Pure."""
    text = [line for answer in found for line in _answer(answer, wanted, trust)][:MOST]
    return [*text, *wrapped(RATIOS), ""] if any(TIMES in line for line in text) else text


def tiers_as_data(results: Results, wanted: Wanted) -> list[dict[str, object]]:
    """Return the same as dicts, lists, texts and numbers; times in seconds. Pure."""
    found, trust = judged(results)
    return [
        {
            "task": answer.task,
            "question": answer.question,
            "situation": asdict(situation),
            "trust": trust.trusted(situation.placement).word,
            "entrants": entrants,
        }
        for answer in found
        for situation, entrants in _entrants(answer)
        if wanted(answer.task, situation)
    ]


def _entrants(answer: Answer) -> Iterator[tuple[Situation, list[dict[str, object]]]]:
    """Yield the entrants of each tier, then the two of each contest that stands in none."""
    for tier in answer.tiers:
        own = [_entrant(tier.cells[one.cell], one.standing) for one in _sorted(tier)]
        yield tier.situation, own
    for contest in _others(answer):
        sides = sorted((contest.first, contest.second), key=lambda one: one.interval.median)
        second = _BEHIND.get(contest.verdict, Standing.OUT)
        standings = (Standing.BEST, second)
        both = [_entrant(*one) for one in zip(sides, standings, strict=True)]
        yield contest.situation, both


_BEHIND = {Verdict.TIE: Standing.ALIKE, Verdict.UNDECIDED: Standing.OPEN}


def _entrant(cell: Measured, standing: Standing) -> dict[str, object]:
    return {
        "cell": cell.cell.id,
        "seconds": cell.interval.median,
        "seconds_low": cell.interval.low,
        "seconds_high": cell.interval.high,
        "per": cell.facts.per,
        "standing": standing.value,
    }


def _answer(answer: Answer, wanted: Wanted, trust: Trust) -> Iterator[str]:
    shown = [one for one in answer.tiers if wanted(answer.task, one.situation)]
    others = [one for one in _others(answer) if wanted(answer.task, one.situation)]
    if shown or others:
        yield from wrapped(f"{one_line(answer.task)}: {one_line(answer.question)}", "  ")
    for tier in shown:
        yield from wrapped(f"  {_heading(tier.situation, trust)}", "    ")
        yield from columns([_row(one, tier) for one in _sorted(tier)])
    for contest in others:
        yield from wrapped(f"  {crossing_line(contest, trust)}", "    ")
    if shown or others:
        yield ""


def _others(answer: Answer) -> list[Comparison]:
    """Return the contests whose two cells stand in no tier: those of a facility with itself."""
    ranked = [frozenset(one.cells) for one in answer.tiers]
    return [
        one
        for one in answer.comparisons
        if has_rounds(one)
        if not any({one.first.cell.id, one.second.cell.id} <= ids for ids in ranked)
    ]


def _heading(one: Situation, trust: Trust) -> str:
    parts = [
        language(one.runtime),
        one_line(one.pattern),
        short_size(one.size) if one.size else "",
        f"{one.processes} processes" if one.processes != 2 else "",
        place(one.placement),
        "in place" if one.in_place else "",
        *manner_phrases(one),
    ]
    text = ", ".join(filter(None, parts))
    if trust.trusted(one.placement) is Severity.PROBLEM:
        text += " (not to be trusted: identical cells differ there)"
    return one_line(text)


def name_of(one: Measured) -> str:
    """Name an entrant, with its way of waiting where it does not sleep at once."""
    waits = one.wait not in (BLOCK, NO_WAIT)
    return one_line(f"{one.cell.transport} {one.wait}" if waits else one.cell.transport)


def _sorted(tier: Tier) -> list[Entrant]:
    return sorted(tier.found.entrants, key=lambda one: one.median)


def _row(one: Entrant, tier: Tier) -> tuple[str, str, str, str]:
    cell = tier.cells[one.cell]
    limits = f"{human_seconds(cell.interval.low)} to {human_seconds(cell.interval.high)}"
    standing = "" if one.standing is Standing.BEST else one.standing.value
    if one.standing is Standing.OUT:
        standing = f"{_times(cell, tier.cells[tier.members[0].cell]):.2f}{TIMES}"
    return f"    {name_of(cell)}", human_seconds(one.median), f"({limits})", standing


def _times(one: Measured, best: Measured) -> float:
    """Divide a time by that of the best, by the estimate that the page has for it."""
    found = ratio(one, best)
    return one.interval.median / best.interval.median if found is None else found.median
