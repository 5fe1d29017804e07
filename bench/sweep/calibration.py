"""Calibration: finds the loops that fill a block of each cell, and corrects them after a round."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple, Protocol, TypeAlias

from msgspec import structs

from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.tail import stamps_of
from ipcbench.bench.plan.timing import Timing
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pace import CLOSED, offered
from ipcbench.bench.results.records import Settings
from ipcbench.bench.rounds.forecast import calibration_seconds
from ipcbench.bench.sweep.disturbance import Disturbed
from ipcbench.bench.sweep.replies import calibrated
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.job import Outcome, Reply

SHORT = 0.75  # a block may be that much shorter than asked for, by the block before it
SLOW_UNIT = 1e-3  # seconds: a few of them fill a block, and so does a single disturbance
OFF = 2.0  # factor by which a round's block may differ from what was asked for
RESCALES = 3  # corrections of a cell, at most: a cell with two regimes would go on for ever

# The loops of a block, and its seconds per unit, pauses included.
Block: TypeAlias = tuple[int, float]


def loops_for(cell: Cell, unit: float, block: float) -> int:
    """Return the loops that fill a block; `unit`: seconds per unit, pauses included."""
    pattern = pattern_of(cell)
    return max(pattern.least, round(block / (unit * pattern.units(cell.processes))))


def rates_of(cell: Cell, unit: float) -> tuple[float, float]:
    """Return the capacity and the offered rate of an open loop, in messages a second; else 0.

    `unit`: seconds of a message in a closed loop.
    """
    rate = offered(cell.pace)
    return (0.0, 0.0) if rate is None else (1 / unit, rate.rate(1 / unit))


def single_times(cell: Cell, timing: Timing, loop: float, settings: Settings, rate: float) -> int:
    """Return the single times that each process takes in a pass behind the values.

    Of an open loop, whose messages all have a time, they are those of a long watch.

    Args:
        cell: the cell.
        timing: that of its runs.
        loop: seconds of a loop, pauses included.
        settings: those of the profile.
        rate: messages a second that an open loop offers.
    """
    if pattern_of(cell).open_loop:
        return round(rate * timing.watch)
    return stamps_of(settings.stamps, loop, settings.block) if pattern_of(cell).single else 0


class Sizes(NamedTuple):
    """Sizes of the runs of a cell: loops, single times, and rates (`rates_of`)."""

    loops: int
    stamps: int
    rates: tuple[float, float]


def sizes_of(cell: Cell, timing: Timing, unit: float, settings: Settings) -> Sizes:
    """Return the sizes of a cell's runs.

    Args:
        cell: the cell.
        timing: that of its runs.
        unit: seconds per unit, pauses included.
        settings: those of the profile.
    """
    _, rate = rates = rates_of(cell, unit)
    loop = unit * pattern_of(cell).units(cell.processes)
    stamps = single_times(cell, timing, loop, settings, rate)
    return Sizes(loops_for(cell, 1 / rate if rate else unit, timing.settings.block), stamps, rates)


def is_doubtful(cell: Cell, blocks: Sequence[Block]) -> bool:
    """Tell whether a calibration needs a second one.

    A stall makes the last block long and its loops too few: by the block before it, the
    blocks of the sweep would be shorter than asked for. Of slow units, one alone fills a block,
    the first of a process among them.
    """
    pattern = pattern_of(cell)
    last = blocks[-1][1]
    if last - pattern.gap / pattern.units(cell.processes) > SLOW_UNIT:
        return True
    return len(blocks) > 1 and blocks[-2][1] < SHORT * last


def rescaled(cell: Cell, loops: int, block: float, asked: float) -> int | None:
    """Return other loops where a block is too far off the length that was asked for, or None."""
    if asked / OFF <= block <= asked * OFF:
        return None
    better = max(pattern_of(cell).least, round(loops * asked / block))
    return better if better != loops else None


class Runs(Protocol):
    """The sweep, as a calibration uses it."""

    stopping: bool

    def ask(self, planned: PlannedCell, number: int, attempt: int, loops: int) -> Reply:
        """Have a run done; `loops` 0: a calibration."""

    def fail(
        self, planned: PlannedCell, number: int, attempt: int, failure: ProcessFailure
    ) -> bool:
        """Keep a failed run; return whether to retry it."""

    def why_void(self, run: Disturbed) -> str:
        """Return the reason why a run does not count; "" where it does."""

    def settle(self, planned: PlannedCell, unit: float, outcomes: Sequence[Outcome]) -> None:
        """Keep the result for a cell: the seconds per unit, pauses included.

        `outcomes`: of its calibrations, for the share of foreign time that is usual.
        """

    def show_calibration(self, left: float, planned: PlannedCell) -> None:
        """Show the seconds that are left."""


def calibrate(cells: Sequence[PlannedCell], timings: Mapping[str, Timing], runs: Runs) -> None:
    """Find the loops of each cell by one run, and by a second one where that is doubtful or void.

    The second one is a fresh run behind all others, so that it does not fall into the same
    disturbance. Of the two, the shorter time per unit counts: a disturbance only adds to it.
    Open loops are settled behind all others, since those of one facility share a capacity.
    """
    todo = deque((planned, 1) for planned in cells)
    units: dict[str, float] = {}  # seconds per unit, of the cells that are calibrated again
    outcomes: dict[str, list[Outcome]] = {}
    costs = {one.cell.id: calibration_seconds(one.cell, timings[one.cell.id]) for one in cells}
    left = sum(costs.values())
    open_loops: list[PlannedCell] = []
    while todo and not runs.stopping:
        planned, attempt = todo.popleft()
        identity = planned.cell.id
        runs.show_calibration(max(0.0, left), planned)
        left -= costs[identity]
        reply = runs.ask(planned, 0, attempt, 0)
        blocks = reply.failure or calibrated(reply)
        first = identity not in units
        again = False
        if isinstance(blocks, ProcessFailure):
            again = runs.fail(planned, 0, attempt, blocks) and first
        else:
            units[identity] = min(blocks[-1][1], units.get(identity, blocks[-1][1]))
            again = first and is_doubtful(planned.cell, blocks)
            if reply.outcome is not None:
                outcomes.setdefault(identity, []).append(reply.outcome)
                again = again or (first and bool(runs.why_void(reply.outcome)))
        if again:
            todo.append((planned, attempt + 1))
            left += costs[identity]
        elif identity in units and pattern_of(planned.cell).open_loop:
            open_loops.append(planned)
        elif identity in units:
            runs.settle(planned, units[identity], outcomes[identity])
    if runs.stopping:  # else the others would have another capacity when it is resumed
        return
    for planned in open_loops:
        alike = [units[one.cell.id] for one in open_loops if _alike(one) == _alike(planned)]
        runs.settle(planned, median(alike), outcomes[planned.cell.id])


def _alike(planned: PlannedCell) -> Cell:
    """Return what cells have in common that differ in their rates alone."""
    return structs.replace(planned.cell, pace=CLOSED)
