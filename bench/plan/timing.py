"""Timing of a cell's runs: the length of a block, the number of values, and the warm-up. Pure.

The profile's settings are the base. They are changed where a figure would be wrong:

- *Idle states decide*: processes on CPUs of their own, or with pauses, leave their CPUs idle
  in each round trip, and the idle governor learns from the last idle times how deep the next
  state is (Linux's drivers/cpuidle/governors). A block of 5.5 ms behind one of its kind came
  out a third too quick. So these runs warm up for 100 ms, and on until two neighbouring blocks
  agree. With idle states forbidden, on one CPU, and where processes spin, there is nothing to
  learn.

- *More processes than CPUs*: a block as short as a scheduler's slice (3 ms) shows the
  processes one after the other instead of at once. Blocks of 100 ms have many slices of each.
  Two processes on one CPU are exempt where one waits for what the other one sends: they take
  turns by themselves, whatever the slice, or one fills a queue that the other one empties.
  So it is with two processes of every pattern but `counter`, whose processes run
  independently.

- *A contended guard*: the queue of those who wait for it takes some tenths of a second to
  reach its usual length. With 8 processes on 2 CPUs over a System V semaphore, an update took
  1.19 times as long in blocks of 0.08 s as in blocks of 1.3 s, 1.09 times in 0.27 s. So a
  crowded counter has one block of 400 ms.

- *An open loop* has blocks of 20 ms, whatever the profile: at a tenth of its capacity, a facility
  still carries some hundred messages in one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, SAME_CORE, SPIN
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings

IDLE_WARM_UP = 0.1  # seconds of blocks, where idle states decide
IDLE_WARM_UP_MOST = 0.3
IDLE_BLOCK = 0.005  # seconds of a warm-up block, at least: the barriers between are idle time too
AGREEMENT = 0.03  # share by which two neighbouring blocks may differ
CROWDED_WARM_UP = 0.02  # seconds, with more processes than CPUs
CROWDED_BLOCK = 0.1
CROWDED_VALUES = 2  # blocks, at most: each one has many slices of every process
CONTENDED_BLOCK = 0.4
CONTENDED_VALUES = 1
OPEN_BLOCK = 0.02  # seconds: enough messages for a percentile, and no more than a timetable has


class WarmUp(msgspec.Struct, frozen=True, kw_only=True):
    """The first warm-up of a run: blocks until they are enough.

    Attributes:
        share: loops of one of its blocks, as a share of the loops of a value's block.
        least: seconds that its blocks last together, at least; 0: it is a single block.
        most: seconds after which it ends, also where its blocks do not agree.
    """

    share: float = 1.0
    least: float = 0.0
    most: float = 0.0

    def loops(self, loops: int) -> int:
        """Return the loops of one of its blocks, from those of a value's block."""
        return max(1, round(loops * self.share))

    def enough(self, blocks: Sequence[float], pauses: float = 0.0) -> bool:
        """Tell whether it may end after these blocks.

        Args:
            blocks: the seconds of each block, without its pauses.
            pauses: the seconds of a block's pauses.
        """
        if not blocks:
            return False
        spent = sum(blocks) + len(blocks) * pauses
        if spent >= self.most:
            return True
        if spent < self.least or len(blocks) < 2:
            return False
        before, last = blocks[-2:]
        return abs(last - before) <= AGREEMENT * before


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The timing of a cell's runs.

    Attributes:
        settings: those of the profile, with the values, warm-ups and block of these runs.
        warm_up: the first one of the warm-ups.
        pauses: seconds of a block in which the processes sleep, at least.
        watch: seconds for which a run is watched behind its values.
    """

    settings: Settings
    warm_up: WarmUp
    pauses: float = 0.0
    watch: float = 0.0

    @property
    def block(self) -> float:
        """Return the seconds of a block, with its pauses."""
        return max(self.settings.block, self.pauses)

    @property
    def longest(self) -> float:
        """Return the seconds of a run's blocks, with the longest warm-up."""
        return self.block * (self.settings.values + self.settings.warmups) + self.warm_up.most

    @property
    def calibration(self) -> float:
        """Return the usual seconds of a calibration's blocks: see `Worker`."""
        return 4 * self.block + self.warm_up.least


def is_crowded(cell: Cell, cpus: Sequence[Sequence[int]]) -> bool:
    """Tell whether a cell has more processes than CPUs, and some compete for a CPU."""
    if cell.processes <= len({cpu for one in cpus for cpu in one}):
        return False
    return cell.processes > 2 or is_contended(cell)


def is_contended(cell: Cell) -> bool:
    """Tell whether all processes of a cell run independently, and compete for one guard."""
    return all(seat.part.starts for seat in pattern_of(cell).seats(cell.processes))


def is_idle(cell: Cell) -> bool:
    """Tell whether the idle states of the CPUs decide a cell's figure."""
    if cell.placement == CROSS_CORE_AWAKE or cell.processes == 1:
        return False
    pattern = pattern_of(cell)
    if pattern.gap > 0 or pattern.busy:
        return not pattern.busy
    return cell.placement != SAME_CORE and cell.wait != SPIN  # one that spins keeps its CPU


def timing_of(
    cell: Cell, cpus: Sequence[Sequence[int]], settings: Settings, clock: str = REAL
) -> Timing:
    """Return the timing of a cell's runs; `cpus`: for each process, those that it may use.

    Nothing is learnt, and nothing competes, in the time of a fake clock: there a block has the
    length of the profile, and a warm-up that may be long ends after two blocks, which agree.
    """
    pattern = pattern_of(cell)
    pauses, real = pattern.least * pattern.gap, clock == REAL
    watch = settings.watch / settings.rounds if pattern.open_loop else 0.0
    if pattern.open_loop and real:
        settings = msgspec.structs.replace(settings, block=OPEN_BLOCK)
    if is_crowded(cell, cpus):
        least, most = CROWDED_BLOCK, CROWDED_VALUES
        if is_contended(cell):
            least, most = CONTENDED_BLOCK, CONTENDED_VALUES
        block = max(settings.block, least) if real else settings.block
        settings = msgspec.structs.replace(settings, block=block, values=min(settings.values, most))
        warm_up = WarmUp(share=min(1.0, CROWDED_WARM_UP / block))
    elif is_idle(cell):
        warm_up = WarmUp(
            share=max(1.0, IDLE_BLOCK / settings.block) if real else 1.0,
            least=IDLE_WARM_UP if real else 0.0,
            most=IDLE_WARM_UP_MOST,
        )
    else:
        return Timing(settings=settings, warm_up=WarmUp(), pauses=pauses, watch=watch)
    settings = msgspec.structs.replace(settings, warmups=max(1, settings.warmups))
    return Timing(settings=settings, warm_up=warm_up, pauses=pauses, watch=watch)
