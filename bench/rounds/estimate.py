"""Estimates of the time that runs and rounds take. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.timing import Timing
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Run
from ipcbench.bench.rounds.adaptive import Prices

START_UP = 0.03  # seconds of a run beside its blocks
ROUND_START = 0.2  # seconds of a round beside its runs: a fork server starts


def usual_seconds(timing: Timing) -> float:
    """Return about the seconds of a run, the same on every machine."""
    blocks = timing.settings.values + timing.settings.warmups
    return START_UP + timing.block * blocks + timing.warm_up.least + timing.watch


def length(cell: Cell, run: Run) -> float:
    """Return the seconds of a run's median block, with its pauses."""
    return run.loops * (median(run.values) * run.inner_loops + pattern_of(cell).gap)


def prices(
    walls: Mapping[str, Sequence[float]],
    usual: Mapping[str, float],
    rounds: float,
    finished: int,
) -> Prices:
    """Return what mini-rounds cost, by the rounds so far, rests before retakes included.

    Args:
        walls: cell -> the seconds of its runs.
        usual: cell -> `usual_seconds`.
        rounds: seconds of the finished rounds together.
        finished: the number of these rounds.
    """
    number = sum(map(len, walls.values()))
    beside = rounds - sum(map(sum, walls.values())) - ROUND_START * finished
    between = max(0.0, beside / number) if number else 0.0
    runs = {cell: median(found) + between for cell, found in walls.items() if found}
    return Prices(runs, usual, ROUND_START)
