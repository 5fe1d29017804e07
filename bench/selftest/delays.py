"""True sizes of the slow-downs of a selftest, from long runs: measured once, used by all its runs.

A delay is chosen for each cell and size, and its share measured by blocks with it and without it
in turn, in three runs of other fork servers. Where it is off the size that was asked for, it is
chosen anew. So the size of an effect is known better than the gate itself could find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import Timing, timing_of
from ipcbench.bench.results.records import Settings
from ipcbench.bench.selftest.records import AnySelftestEntry, Delayed, Measured, Undelayed
from ipcbench.bench.sweep.calibration import sizes_of
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.replies import calibrated
from ipcbench.bench.sweep.runner import Runner
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.job import Reply

RUNS = 3  # of a delay
LENGTH = 0.3  # seconds of one, about
MOST_PAIRS, LEAST_PAIRS = 40, 6  # of its blocks
OFF = 0.15  # by which a share may be off the one that was asked for, as a part of it
CORRECTIONS = 4
UNLIKE = 2.0  # factor by which a slow-down is another one than was asked for
CALIBRATIONS = 2  # of a cell: of the times of a unit the shorter one counts


class Wish(NamedTuple):
    """A cell that is to be slowed, and by which share."""

    planned: PlannedCell
    asked: float

    @property
    def key(self) -> tuple[str, float]:
        return self.planned.cell.id, self.asked


@dataclass
class Delays:
    """The delays of a selftest.

    Args:
        measured: those that its journal has; what is measured is added.
        undelayed: the cells that cannot be slowed.
        settings: those of the profile.
        clock: any other than the real one has made-up times.
        write: is called with each entry of the journal.
        watcher: shows the progress.
        stopped: tells whether to stop.
    """

    measured: dict[tuple[str, float], Measured]
    undelayed: dict[str, str]
    settings: Settings
    clock: str
    write: Callable[[AnySelftestEntry], None]
    watcher: Watcher
    stopped: Callable[[], bool]
    _timings: dict[str, Timing] = field(default_factory=dict)
    _sizes: dict[str, tuple[int, float]] = field(default_factory=dict)  # loops, rate
    _corrections: dict[tuple[str, float], int] = field(default_factory=dict)
    _done: int = 0

    def measure(self, wishes: Sequence[Wish], watch: Callable[[int], None]) -> None:
        """Measure what is not measured yet. Raises: ForkServerLost.

        Args:
            wishes: what is to be slowed, and by how much.
            watch: is called with the pid of each fork server.
        """
        for one, _ in wishes:
            self._timings[one.cell.id] = timing_of(one.cell, one.cpus, self.settings, self.clock)
        runner = Runner(self._timings, self.clock, watch)
        try:
            while (left := self._left(wishes)) and not self.stopped():
                runner.renew()  # for another layout of addresses
                self._pass(runner, left)
            if not self.stopped():
                self._give_up_unlike(wishes)
        finally:
            runner.end()

    def is_complete(self, wishes: Iterable[Wish]) -> bool:
        """Tell whether nothing is left to be measured."""
        return not self._left(wishes)

    def _left(self, wishes: Iterable[Wish]) -> list[Wish]:
        return [one for one in wishes if not self._is_done(one)]

    def _is_done(self, wish: Wish) -> bool:
        found = self.measured.get(wish.key)
        if wish.planned.cell.id in self.undelayed:
            return True
        return found is not None and len(found.shares) >= RUNS and not self._is_off(wish, found)

    def _is_off(self, wish: Wish, found: Measured) -> bool:
        """Tell whether another delay would be nearer to what was asked for."""
        if self._corrections.get(wish.key, 0) >= CORRECTIONS:
            return False
        off = abs(found.share / wish.asked - 1) > OFF
        return off and _corrected(wish, found) != found.turns

    def _pass(self, runner: Runner, wishes: Sequence[Wish]) -> None:
        for number, wish in enumerate(wishes):
            if self.stopped():
                return
            left = sum(map(self._usual, wishes[number:]))
            what = f"measuring the delay of {wish.planned.cell.id}"
            self.watcher.update(0.0, left, what, at_most=False)
            if wish.planned.cell.id not in self.undelayed:
                self._run(runner, wish)

    def _give_up_unlike(self, wishes: Iterable[Wish]) -> None:
        """Give up the cells whose slow-down is another one than was asked for.

        That is noise, unless the delay is the shortest one that there is.
        """
        for planned, asked in wishes:
            found = self.measured.get((planned.cell.id, asked))
            if planned.cell.id in self.undelayed or found is None or found.turns == 1:
                continue
            if not asked / UNLIKE <= found.share <= asked * UNLIKE:
                what = f"its noise hides {asked:.0%}, which came out as {found.share:.0%}"
                self._give_up(planned, ProcessFailure("the delay", "", what))

    def _usual(self, wish: Wish) -> float:
        """Return about the seconds of a run."""
        timing = self._timings[wish.planned.cell.id]
        return 2 * self._pairs(wish) * timing.block + timing.longest

    def _pairs(self, wish: Wish) -> int:
        if self.clock != REAL:
            return 1
        block = self._timings[wish.planned.cell.id].block
        return max(LEAST_PAIRS, min(MOST_PAIRS, round(LENGTH / (2 * block))))

    def _run(self, runner: Runner, wish: Wish) -> None:
        """Have one long run done, and keep what it has found."""
        planned = wish.planned
        if planned.cell.id not in self._sizes:
            failure = self._calibrate(runner, planned)
            if failure is not None:
                self._give_up(planned, failure)
                return
        loops, rate = self._sizes[planned.cell.id]
        found = self.measured.get(wish.key)
        turns = 0
        if found is not None:
            turns = found.turns
            if len(found.shares) >= RUNS:
                turns = _corrected(wish, found)
                self._corrections[wish.key] = self._corrections.get(wish.key, 0) + 1
        reply = runner.trial(planned, loops, turns, self._pairs(wish), wish.asked, rate)
        self._keep(wish, reply)

    def _calibrate(self, runner: Runner, planned: PlannedCell) -> ProcessFailure | None:
        """Find the loops of a cell, as a comparison does."""
        units = []
        for _ in range(CALIBRATIONS):
            reply = runner.run(planned, 0, 1, 0)
            blocks = reply.failure or calibrated(reply)
            if isinstance(blocks, ProcessFailure):
                return blocks
            units.append(blocks[-1][1])
        cell = planned.cell
        sizes = sizes_of(cell, self._timings[cell.id], min(units), self.settings)
        self._sizes[cell.id] = sizes.loops, sizes.rates[1]
        return None

    def _keep(self, wish: Wish, reply: Reply) -> None:
        if reply.failure is not None or reply.outcome is None:
            failure = reply.failure or ProcessFailure("the worker", "", "no outcome")
            self._give_up(wish.planned, failure)
            return
        outcome = reply.outcome
        if outcome.turns < 1:
            failure = ProcessFailure("the worker", "", "no delay is known for its pattern")
            self._give_up(wish.planned, failure)
            return
        identity, asked = wish.key
        entry = Delayed(cell=identity, asked=asked, turns=outcome.turns, share=outcome.slow_down)
        self.write(entry)
        found = self.measured.get(wish.key)
        if found is None or found.turns != entry.turns:
            found = self.measured[wish.key] = Measured(entry.turns)
        found.shares.append(entry.share)

    def _give_up(self, planned: PlannedCell, failure: ProcessFailure) -> None:
        entry = Undelayed(cell=planned.cell.id, reason=f"{failure.who}: {failure.what}"[:2000])
        self.write(entry)
        self.undelayed[entry.cell] = entry.reason
        self.watcher.note(f"{entry.cell} cannot be slowed, and stays as it is: {entry.reason}")

    def found(self, cell: str, asked: float) -> tuple[int, float]:
        """Return the turns of a delay, and the share that it adds; (0, 0): it is not slowed."""
        one = self.measured.get((cell, asked))
        if one is None or not one.shares or cell in self.undelayed:
            return 0, 0.0
        return one.turns, one.share


def _corrected(wish: Wish, found: Measured) -> int:
    """Return the turns that would add the share that is asked for."""
    factor = wish.asked / max(found.share, wish.asked / 4)
    return max(1, round(found.turns * min(max(factor, 0.25), 4.0)))


def wishes_of(cells: Sequence[PlannedCell], designs: Iterable[Mapping[str, float]]) -> list[Wish]:
    """Return what the runs of a selftest slow, each once, in the order of the runs."""
    by_name = {one.cell.id: one for one in cells}
    pairs = dict.fromkeys((cell, asked) for one in designs for cell, asked in one.items())
    return [Wish(by_name[cell], asked) for cell, asked in pairs]
