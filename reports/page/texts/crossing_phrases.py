"""Contests of a facility with itself: in two languages, ways of waiting, depths or batches.

No tier of facilities has them, so each is said in a line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ipcbench.bench.decisions.contest import Verdict
from ipcbench.bench.decisions.verdicts import Ratio, Why
from ipcbench.bench.results.axes import BLOCK, POLL, SPIN, SPIN_BLOCK
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.captions import batch_phrase, looks_phrase, manner_phrases
from ipcbench.reports.model import Measured
from ipcbench.reports.names import display, language, place
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.trust import Trust

_WAITS = {
    BLOCK: "sleeping",
    POLL: "poll(2) first",
    SPIN: "spinning",
    SPIN_BLOCK: "spinning, then sleeping",
}


def crossings(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return these contests, each pair of cells once."""
    found: dict[frozenset[str], Comparison] = {}
    for one in comparisons:
        if has_rounds(one) and _facility(one.first) == _facility(one.second):
            found.setdefault(frozenset((one.first.cell.id, one.second.cell.id)), one)
    return list(found.values())


def has_rounds(one: Comparison) -> bool:
    """Tell if a contest has rounds enough for its first look."""
    return one.judged.why is not Why.TOO_FEW


def _facility(one: Measured) -> tuple[str, bool]:
    return one.cell.present.transport, one.facts.in_place


def crossing_line(
    one: Comparison, trust: Trust, *, languages: bool = True, limits: bool = True
) -> str:
    """Say the verdict: `pipe, latency, 64 B, one core: C is 1.27 times as fast as Python …`.

    `languages`: name that of both sides. `limits`: with the interval.
    """
    return f"{_work(one, languages)}: {_verdict(one, trust, limits)}"


def _work(one: Comparison, languages: bool) -> str:
    common = one.situation
    same = _facility(one.first) == _facility(one.second)
    parts = (
        display(one.first.cell.transport) if same else "",
        common.pattern,
        short_size(common.size) if common.size else "",
        f"{common.processes} processes" if common.processes > 2 else "",
        place(common.placement),
        language(common.runtime) if common.runtime and languages else "",
        *manner_phrases(common),
    )
    return ", ".join(filter(None, parts))


def _verdict(one: Comparison, trust: Trust, limits: bool) -> str:
    if trust.trusted(one.situation.placement) is Severity.PROBLEM:
        return "this run cannot be trusted there"
    first, second = _side(one.first, one.second), _side(one.second, one.first)
    ratio, band = one.ratio, f"{one.contest.band * 100:.3g} %"
    if one.verdict is Verdict.UNDECIDED or ratio is None:
        open_ = f"{first} and {second} are not told apart"
        why = "" if one.judged.why is None else f": {one.judged.why.value}"
        return f"{open_}{why}"
    if one.verdict is Verdict.TIE:
        return f"{first} and {second} tie within {band}"
    if one.verdict is Verdict.SLOWER:
        first, second = second, first
        ratio = Ratio(1 / ratio.value, _inverse(ratio.high), _inverse(ratio.low))
    text = f"{first} is {_number(ratio.value)} times as fast as {second}"
    return f"{text}{_limits(ratio)}" if limits else text


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf


def _limits(ratio: Ratio) -> str:
    if not 0 < ratio.low <= ratio.high < math.inf:
        return ""
    return f" ({_number(ratio.low)} to {_number(ratio.high)})"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _side(one: Measured, other: Measured) -> str:
    """Name what a side has and the other one has not."""
    cell, its = one.cell, other.cell
    depth = "its own depth" if cell.depth is None else f"depth {cell.depth}"
    looks = "its own looks" if cell.looks is None else looks_phrase(cell.looks)
    parts = (
        (_facility(one) != _facility(other), display(cell.transport)),
        (cell.runtime != its.runtime, language(cell.runtime)),
        (one.wait != other.wait, _WAITS.get(one.wait, one.wait)),
        (cell.looks != its.looks, looks),
        (cell.depth != its.depth, depth),
        (cell.batch != its.batch, batch_phrase(cell.batch) or "one message a call"),
    )
    return ", ".join(text for differs, text in parts if differs)
