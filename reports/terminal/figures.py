"""Figures of a run that has no answer: the median time of each cell, and why there is no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.model import Measured
from ipcbench.reports.names import display, place
from ipcbench.reports.terminal.text import columns, wrapped
from ipcbench.reports.verdicts.cases.case import language
from ipcbench.reports.verdicts.finding import many
from ipcbench.reports.verdicts.trust import Trust

MOST = 24  # cells


def figures(cells: Sequence[Measured], trust: Trust) -> list[str]:
    """Return a line for each cell, and the reason why none has an interval or a verdict. Pure.

    Nothing for more cells than a terminal shows at once.
    """
    if not 0 < len(cells) <= MOST:
        return []
    rows = [_row(one, trust) for one in sorted(cells, key=lambda one: one.order)]
    return [*columns(rows, right=2), "", *_why(cells)]


def _row(one: Measured, trust: Trust) -> tuple[str, str, str, str]:
    unit = one_line(one.facts.per)
    where = f"{language(one.cell.runtime)}, {place(one.cell.placement)}"
    takes = human_seconds(one.interval.median)
    if trust.trusted(one.cell.placement) is Severity.PROBLEM:
        takes, unit = "not to be", "trusted"
    return f"  {display(one.cell.transport, one.wait)}: {_work(one)}", where, takes, unit


def _work(one: Measured) -> str:
    cell = one.cell
    parts = (
        one_line(cell.pattern),
        short_size(cell.size) if cell.size else "",
        f"{cell.processes} processes" if cell.processes > 2 else "",
        *manner_phrases(cell),
    )
    return ", ".join(filter(None, parts))


def _why(cells: Sequence[Measured]) -> Iterator[str]:
    rounds = sorted({len(one.times) for one in cells})
    number = many(rounds[-1], "round")
    span = number if len(rounds) == 1 else f"{rounds[0]} to {number}"
    text = f"(medians of {span}"
    if rounds[0] < ENOUGH_ROUNDS:
        text += f"; no interval and no verdict: these take {ENOUGH_ROUNDS} rounds"
    yield from wrapped(f"{text})")
