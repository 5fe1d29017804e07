"""The chapter's statements about pairs of transports, tested pair by pair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from ipcbench.bench.stats import ENOUGH_ROUNDS, log_ratios, sign_test
from ipcbench.reports.model import Measured, Situation, ratios
from ipcbench.reports.verdicts.chapter import STATEMENTS, Kind, Statement
from ipcbench.reports.verdicts.decisions import Comparison, Decision, Outcome, decide

BAND = 0.05  # two transports are equal where neither is faster by more than this

_Position: TypeAlias = tuple[str, Situation, int]


def decide_statements(cells: Iterable[Measured]) -> list[Decision]:
    """Decide all statements for which the data have at least one pair."""
    measured_at: dict[_Position, Measured] = {}
    for one in cells:
        if one.competes:
            measured_at[one.cell.transport, one.situation, one.cell.size] = one
    found = [decide(each, _comparisons(each, measured_at)) for each in STATEMENTS]
    return [one for one in found if one.comparisons]


def _comparisons(
    statement: Statement, measured_at: Mapping[_Position, Measured]
) -> list[Comparison]:
    return [
        _compare(statement.kind, one, measured_at[second, situation, size])
        for first, second in statement.pairs
        for (name, situation, size), one in measured_at.items()
        if name == first and (second, situation, size) in measured_at
    ]


def _compare(kind: Kind, first: Measured, second: Measured) -> Comparison:
    """Apply sign tests over the rounds in both directions."""
    sample = log_ratios(second.times, first.times)  # above 0: the first is faster
    if kind is Kind.FASTER:
        holds, fails = _above(sample, 0.0), _below(sample, 0.0)
    else:
        band = math.log1p(BAND)
        holds = max(_above(sample, -band), _below(sample, band))
        fails = min(1.0, 2 * min(_above(sample, band), _below(sample, -band)))
    return Comparison(
        first.situation,
        first.cell.size,
        first,
        second,
        ratios(second, first),
        holds,
        fails,
        Outcome.UNDECIDED if len(sample) >= ENOUGH_ROUNDS else Outcome.TOO_FEW,
    )


def _above(sample: Sequence[float], bound: float) -> float:
    return sign_test(sample, bound)


def _below(sample: Sequence[float], bound: float) -> float:
    return sign_test([-value for value in sample], -bound)
