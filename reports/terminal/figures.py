"""Figures of a run that has no answer: the median time of each cell, and why there is no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.model import Measured
from ipcbench.reports.names import display, language, place
from ipcbench.reports.terminal.text import CUT, columns, wrapped
from ipcbench.reports.verdicts.finding import many
from ipcbench.reports.verdicts.trust import Trust

MOST = 24  # cells: as many as a terminal shows at once


def figures(cells: Sequence[Measured], trust: Trust) -> list[str]:
    """Return a line for each cell, and the reason why none has an interval or a verdict. Pure.

    Of many cells, the first ones have a line; nothing for none.
    """
    if not cells:
        return []
    first = sorted(cells, key=lambda one: one.order)[:MOST]
    return [*_table(first, trust), "", *_why(cells)]


def _table(cells: Sequence[Measured], trust: Trust) -> list[str]:
    """Return a line for each cell; where they are too long, what all have in common is above."""
    lines = columns([_row(one, _work(one), trust) for one in cells], right=2)
    works = [_work(one) for one in cells]
    common = [part for part in works[0] if all(part in work for work in works)]
    if not any(CUT in line for line in lines) or not common:
        return lines
    own = [[part for part in work if part not in common] for work in works]
    rows = [_row(one, work, trust) for one, work in zip(cells, own, strict=True)]
    return [*wrapped(f"{', '.join(common)}:"), *columns(rows, right=2)]


def _row(one: Measured, work: Sequence[str], trust: Trust) -> tuple[str, str, str, str]:
    unit = one_line(one.facts.per)
    where = f"{language(one.cell.runtime)}, {place(one.cell.placement)}"
    takes = human_seconds(one.interval.median)
    if trust.trusted(one.cell.placement) is Severity.PROBLEM:
        takes, unit = "not to be", "trusted"
    name = display(one.cell.transport, one.wait)
    return f"  {name}: {', '.join(work)}" if work else f"  {name}", where, takes, unit


def _work(one: Measured) -> list[str]:
    cell = one.cell
    parts = (
        one_line(cell.pattern),
        short_size(cell.size) if cell.size else "",
        f"{cell.processes} processes" if cell.processes > 2 else "",
        *manner_phrases(cell),
    )
    return [part for part in parts if part]


def _why(cells: Sequence[Measured]) -> Iterator[str]:
    rounds = sorted({len(one.times) for one in cells})
    number = many(rounds[-1], "round")
    span = number if len(rounds) == 1 else f"{rounds[0]} to {number}"
    some = f"{MOST} of {len(cells)} cells; " if len(cells) > MOST else ""
    text = f"({some}medians of {span}"
    if rounds[0] < ENOUGH_ROUNDS:
        text += f"; no interval and no verdict: these take {ENOUGH_ROUNDS} rounds"
    yield from wrapped(f"{text})")
