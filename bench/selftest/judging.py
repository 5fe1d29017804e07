"""Judgement of a selftest's runs: the verdict on each cell, and what the gate can see. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ipcbench.bench.decisions.gate.sequential import ChangeVerdict, Rule, SequentialTest
from ipcbench.bench.decisions.gate.simulate import power, smallest_found
from ipcbench.bench.plan.timing import is_crowded
from ipcbench.bench.results.comparison.comparison import ComparedCell, Comparison
from ipcbench.bench.results.comparison.selftest import MANY, POWER, CellOutcome, Point, Sight

EFFECTS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15, 0.20)
DRAWN = 1000  # cells of a point of the curve, about
FEWEST = 20  # pairs of a class from which anything can be drawn


class GateRun(NamedTuple):
    """A run of the gate: its number, and what it has found."""

    number: int
    comparison: Comparison


def kind_of(cell: ComparedCell) -> str:
    """Return the class of a cell: the noise of a class is of one kind."""
    return MANY if is_crowded(cell.cell, cell.cpus) else cell.cell.placement


def outcomes_of(run: GateRun) -> list[CellOutcome]:
    """Return the verdicts of a run of the gate."""
    cells = run.comparison.measured
    return [_outcome(run.number, cell, len(cells)) for cell in cells]


def _outcome(run: int, cell: ComparedCell, cells: int) -> CellOutcome:
    test = SequentialTest(Rule(cells=cells, delta=cell.delta))
    for difference, _ in cell.differences():
        test.add(difference)
    failed = not test.pairs and (cell.failures or not cell.pairs)  # void pairs are no failure
    open_ = ChangeVerdict.NOT_MEASURED if failed else ChangeVerdict.INCONCLUSIVE
    verdict = test.verdict or open_
    return CellOutcome(
        run=run,
        cell=cell.cell.id,
        kind=kind_of(cell),
        asked=cell.slow_down,
        true=_true(cell),
        verdict=verdict.value,
        pairs=test.pairs,
        ratio=math.exp(test.median),
    )


def _true(cell: ComparedCell) -> float:
    """Return the share by which a cell was really slowed."""
    slowed = cell.slow_down and cell.calibrated is not None
    return cell.calibrated.slow_down if slowed and cell.calibrated else 0.0


def sights_of(runs: Sequence[GateRun]) -> list[Sight]:
    """Return what the gate sees in each class, from the recorded pairs of equal arms."""
    recorded = _recorded(runs)
    cells = max(len(run.comparison.measured) for run in runs) if runs else 1
    delta = runs[0].comparison.header.delta if runs else 0.05
    rule = Rule(cells=cells, delta=delta, most_pairs=reach(runs))
    return [_sight(kind, list(own.values()), rule) for kind, own in sorted(recorded.items())]


def _recorded(runs: Iterable[GateRun]) -> dict[str, dict[str, list[float]]]:
    """Return the differences of equal arms, by class and cell, in the order of measuring."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        for cell in run.comparison.measured:
            values = [value for value, _ in cell.differences()]
            if values and not cell.slow_down:
                found.setdefault(kind_of(cell), {}).setdefault(cell.cell.id, []).extend(values)
    return found


def reach(runs: Iterable[GateRun]) -> int:
    """Return the pairs that a cell has which stays open until the budget is spent."""
    most = Rule(cells=1).most_pairs
    counts = [
        len(cell.good)
        for run in runs
        if run.comparison.ended is not None and run.comparison.ended.reason == "budget"
        for cell in run.comparison.measured
    ]
    return min(most, max(counts, default=most))


def _sight(kind: str, recorded: list[list[float]], rule: Rule) -> Sight:
    pairs = sum(map(len, recorded))
    if pairs < FEWEST:
        return Sight(kind=kind, cells=len(recorded), pairs=pairs)
    repeats = max(1, DRAWN // len(recorded))
    curve = [
        Point(effect=one.slow_down, found=one.power, passed=one.passed / one.of)
        for one in power(recorded, EFFECTS, rule, repeats)
    ]
    smallest = smallest_found(recorded, rule, repeats, POWER)
    return Sight(kind=kind, cells=len(recorded), pairs=pairs, smallest=smallest, curve=curve)
