"""The delay of a run: that of a slowed control, or one in each message of any cell.

The selftest of the gate slows a cell by a share that is known. A delay has turns; the share that
they add depends on the cell: its messages, its switches, its number of processes. So it is measured
in runs of the cell itself, by blocks with the delay and without it in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp, log
from statistics import median

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.clock import FAKE_TURNS, REAL
from ipcbench.bench.loops.delays.delay import REPEATS, Block, Cost, cost_of, turns_for
from ipcbench.bench.patterns.slowed import calibrate
from ipcbench.bench.workers.block_runner import BlockRunner
from ipcbench.bench.workers.job import Job

CHOICES = 3  # of the turns, each followed by some pairs of blocks
PART = 4  # the part of the pairs of a measurement that a choice has
FEW = 3  # pairs of a choice, at least
DELAYS = 2  # of a loop, about: the first choice
MOST_OFF = 4.0  # factor by which one choice may differ from the one before


class Delay:
    """The delay of a run.

    Attributes:
        turns: those of the delay in each message of the next block; 0: none.
        chosen: the turns of the delay, as the outcome reports them.
        share: the share that the delay adds, where this run has measured it; else 0.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.turns = self.chosen = 0
        self.share = 0.0

    def set(self, runner: BlockRunner, block: Block) -> None:
        """Set the delay before the first block that counts; choose and measure it if asked to.

        Args:
            runner: that of the worker.
            block: runs a block of so many loops, and returns its seconds.
        """
        job = self._job
        if job.cell.slowed:
            self._set_control(runner, block)
        elif job.clock != REAL:  # it makes up the delay as well
            self.chosen = job.turns or round(job.slow_by * FAKE_TURNS)
            self.share = self.chosen / FAKE_TURNS if job.trials else 0.0
        elif job.trials:
            self._measure(block)
        else:
            self.turns = self.chosen = job.turns

    def _set_control(self, runner: BlockRunner, block: Block) -> None:
        job = self._job
        if job.clock != REAL:
            self.share = job.cell.slowed / 100
            return
        if job.loops:
            runner.arguments = (job.turns,)
        else:
            self.share = calibrate(runner, block, job.cell)
        self.chosen = runner.arguments[0]

    def _measure(self, block: Block) -> None:
        """Measure the share that the delay adds, after its turns were chosen."""
        job = self._job

        def seconds(turns: int) -> float:
            self.turns = turns
            return block(job.loops)

        turns = job.turns or choose(job.slow_by, seconds, job.loops, job.trials, _cost())
        self.share = share_of(turns, seconds, job.trials)
        self.turns = self.chosen = turns


# Turns -> seconds of a block in which each message has such a delay.
Slowed = Callable[[int], float]


def choose(wanted: float, seconds: Slowed, loops: int, pairs: int, cost: Cost) -> int:
    """Return the turns of a delay that adds about that share.

    Args:
        wanted: the share.
        seconds: runs a block.
        loops: those of a block.
        pairs: of a measurement, of which a choice has a part.
        cost: of a delay, by itself.
    """
    undelayed = min(seconds(0) for _ in range(REPEATS)) / loops  # a disturbance only adds
    delay = wanted * undelayed / DELAYS
    turns = max(1, turns_for(delay, cost))
    for _ in range(CHOICES):
        found = share_of(turns, seconds, max(FEW, pairs // PART))
        factor = wanted / max(found, wanted / MOST_OFF)
        delay = cost(turns) * max(factor, 1 / MOST_OFF)
        turns = max(1, turns_for(delay, cost))
    return turns


def share_of(turns: int, seconds: Slowed, pairs: int) -> float:
    """Return the share that a delay adds: the median of pairs of blocks, in alternating order."""
    found: list[float] = []
    for number in range(pairs):
        if number % 2:
            slow, plain = seconds(turns), seconds(0)
        else:
            plain, slow = seconds(0), seconds(turns)
        found.append(log(slow / plain))
    return exp(median(found)) - 1


@cache
def _cost() -> Cost:
    return cost_of(native=native_loops.compiled is not None)
