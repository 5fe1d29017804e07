"""Schedule of a sweep: each cell once a round, in a new order, until the end or the budget."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence

from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.loops.pool import buffers_of
from ipcbench.bench.machine import cpu_time
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.planner import PlannedCell, order
from ipcbench.bench.plan.tail import stamps_of
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE
from ipcbench.bench.results.records import (
    AnyEntry,
    Calibrated,
    Ended,
    Failed,
    Reason,
    Round,
    Run,
    Settings,
)
from ipcbench.bench.sweep.calibration import RESCALES, calibrate, length, loops_for, rescaled
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.disturbance import LIMIT, Disturbed, usual_share, why_void
from ipcbench.bench.sweep.progress import RETAKES, Begun, Progress
from ipcbench.bench.sweep.replies import to_run
from ipcbench.bench.sweep.turns import Turn, Turns
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.deadlines import setup_time
from ipcbench.bench.workers.fork_parent import WATCHDOG, ForkServer, ForkServerLost
from ipcbench.bench.workers.job import Job, Outcome, Reply
from ipcbench.transports.base.os_errors import with_remedy

GIVE_UP = 2  # failed rounds in a row after which a cell is no longer run
STARTS = 3  # attempts to start a fork server
LONGEST_WHAT = 10_000  # characters of an error's description
SLACK = 20  # factor by which blocks may exceed their calibrated time


class Schedule:
    """A sweep over a plan.

    `write` is called with each entry of the journal, and `watch` with the pid
    of each fork server, before it forks.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        settings: Settings,
        seed: int,
        write: Callable[[AnyEntry], None],
        watcher: Watcher,
        *,
        budget: float | None = None,
        clock: str,
        keep_disturbed: bool = False,
        progress: Progress | None = None,
        watch: Callable[[int], None] = lambda pid: None,
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._cells = cells
        self._timings = {
            one.cell.id: timing_of(one.cell, one.cpus, settings, clock) for one in cells
        }
        self._settings = settings
        self._seed = seed
        self._write = write
        self._watcher = watcher
        self._budget = budget
        self._clock = clock
        # Nothing disturbs a made-up time.
        self._noise_counts = clock == REAL and not keep_disturbed
        self._progress = progress or Progress()
        self._watch = watch
        self._full = full
        self._parent: ForkServer | None = None
        self._started_at = time.monotonic()
        self._began = self._started_at - self._progress.spent  # as if it had not been stopped
        self._runs = 0
        self.stopping = False

    def stop(self) -> None:
        """Stop after the current run; safe to call from a signal handler."""
        self.stopping = True

    def run(self) -> Ended:
        """Run the sweep; write and return the last entry."""
        try:
            self._rescale(max(self._progress.finished, default=0), self._progress.lengths)
            if self.over() is None:
                self._calibrate()
            reason = self._rounds()
        finally:
            self._renew(fresh=False)
        ended = Ended(reason=reason, wall=self._spent())
        self._write(ended)
        return ended

    def over(self) -> Reason | None:
        """Return the reason why no further round starts, or None."""
        if self._full():
            return "full"
        finished = self._progress.finished
        if self._budget is not None:
            begun = self._next() in self._progress.begun
            return "budget" if finished and not begun and self._too_long(self._budget) else None
        counting = len(finished) - len(self._progress.void)
        wanted = self._settings.rounds
        most = wanted + wanted // 2  # void rounds are repeated, but not without end
        return "complete" if counting >= wanted or len(finished) >= most else None

    # Rounds

    def _rounds(self) -> Reason:
        self._started_at = time.monotonic()
        while not self.stopping and self._progress.loops:
            if (reason := self.over()) is not None:
                return reason
            self._round(self._next())
        return "interrupted" if self.stopping else self.over() or "complete"

    def _next(self) -> int:
        return max(self._progress.finished, default=0) + 1

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _too_long(self, budget: float) -> bool:
        return self._spent() + self._progress.pace > budget

    def _round(self, number: int) -> None:
        began, before = time.monotonic(), cpu_time.ticks()
        self._renew()
        begun = self._progress.begun.pop(number, Begun())
        timed = begun.timed
        done = self._progress.done.setdefault(number, set())
        pending = self._pending(number, begun)
        while pending and not self.stopping:
            turn = pending.next()
            if turn is None:
                break
            planned, attempt = turn.planned, turn.attempt
            self._show(number, planned)
            loops = self._progress.loops[planned.cell.id]
            run = to_run(planned, number, attempt, loops, self.ask(planned, number, attempt, loops))
            self._runs += 1
            if isinstance(run, ProcessFailure):
                if self.fail(planned, number, attempt, run):
                    pending.again(turn)
                continue
            self._keep(planned, run)
            timed += run.timed
            if not run.void:
                begun.lengths[run.cell] = length(planned.cell, run)
            if run.void and attempt <= RETAKES:
                pending.retake(turn)
            else:
                done.add(planned.cell.id)
        if pending:  # stopped within the round
            return
        wall = time.monotonic() - began
        self._end_round(number, begun.wall + wall, timed, before)
        if number not in self._progress.void:
            self._rescale(number, begun.lengths)

    def _pending(self, number: int, begun: Begun) -> Turns:
        """List the cells that a round still has to run, each with its next attempt."""
        done = self._progress.done[number]
        turns = (
            Turn(planned, begun.attempts.get(planned.cell.id, 0) + 1)
            for planned in order(self._cells, self._seed, number)
            if planned.cell.id in self._progress.loops and planned.cell.id not in done
        )
        return Turns(turns, lambda: self.stopping)

    def _end_round(
        self, number: int, wall: float, timed: float, before: Mapping[int, Ticks]
    ) -> None:
        cpus = sorted({cpu for one in self._cells for own in one.cpus for cpu in own})
        stolen = cpu_time.stolen(before, cpu_time.ticks(), cpus) if self._noise_counts else {}
        line = Round(
            round=number,
            wall=wall,
            timed=timed,
            steal=max(stolen.values(), default=0.0),
            load=os.getloadavg()[0],
            stolen=stolen,
            limit=LIMIT,
        )
        worst = max((line.share(planned.cpus) for planned in self._cells), default=0.0)
        if worst > LIMIT:
            line.void = f"the hypervisor took {worst:.0%} of a CPU's time in the round"
            self._progress.void.add(number)
        self._write(line)
        self._progress.finished.add(number)
        self._progress.pace = wall

    def _show(self, number: int, planned: PlannedCell) -> None:
        spent = self._spent()
        if self._budget is not None:
            done, left = min(1.0, spent / self._budget), max(0.0, self._budget - spent)
            of = ""
        else:
            total = len(self._progress.loops) * self._settings.rounds
            behind = len(self._progress.loops) * (number - 1) + len(self._progress.done[number])
            done = min(1.0, behind / total)
            running = time.monotonic() - self._started_at
            left = max(0, total - behind) * running / max(1, self._runs)
            of = f" of {self._settings.rounds}"
        self._watcher.update(done, left, f"round {number}{of}: {planned.cell.id}")

    # Single runs

    def settle(self, planned: PlannedCell, unit: float, outcomes: Sequence[Outcome]) -> None:
        """Keep the loops and stamps of a cell; `unit`: seconds per unit, pauses included."""
        cell, settings = planned.cell, self._timings[planned.cell.id].settings
        pattern = pattern_of(cell)
        seconds = unit * pattern.units(cell.processes)  # of a loop
        self._progress.stamps[cell.id] = (
            stamps_of(settings.stamps, seconds, self._settings.block) if pattern.single else 0
        )
        if self._noise_counts:
            self._progress.usual[cell.id] = usual_share(outcomes)
        waiting = outcomes[-1].waiting
        self._progress.delays[cell.id] = outcomes[-1].turns, outcomes[-1].slow_down
        self._set_loops(planned, loops_for(cell, unit, settings.block), 0, waiting)

    def _set_loops(
        self, planned: PlannedCell, loops: int, number: int, waiting: Mapping[int, float]
    ) -> None:
        """Set the loops of a cell, found after so many rounds."""
        identity = planned.cell.id
        timing = self._timings[identity]
        self._progress.loops[identity] = loops
        turns, slow_down = self._progress.delays.get(identity, (0, 0.0))
        self._progress.rescales[identity] += number > 0
        self._write(
            Calibrated(
                cell=identity,
                loops=loops,
                stamps=self._progress.stamps[identity],
                block=timing.block,
                warm_up=timing.warm_up.least,
                round=number,
                at=self._spent(),
                usual_foreign=self._progress.usual.get(identity, 0.0),
                waiting=dict(waiting),
                turns=turns,
                slow_down=slow_down,
            )
        )

    def show_calibration(self, left: float, planned: PlannedCell) -> None:
        """Show the seconds of calibration that are left."""
        self._watcher.update(0.0, left, f"calibrating {planned.cell.id}")

    def _calibrate(self) -> None:
        """Find the number of loops that fill a block, for each cell without one."""
        self._renew()
        cells = order(self._cells, self._seed, 0)
        todo = [planned for planned in cells if planned.cell.id not in self._progress.loops]
        calibrate(todo, self._timings, self)

    def _rescale(self, number: int, lengths: Mapping[str, float]) -> None:
        """Correct the loops of cells whose blocks were too short or too long in a round."""
        for planned in self._cells:
            identity = planned.cell.id
            loops = self._progress.loops.get(identity)
            if loops is None or identity not in lengths:
                continue
            block, asked = lengths[identity], self._timings[identity].block
            better = rescaled(planned.cell, loops, block, asked)
            if better is not None and self._progress.rescales[identity] < RESCALES:
                self._set_loops(planned, better, number, {})

    def _keep(self, planned: PlannedCell, run: Run) -> None:
        """Write a run to the journal; it is void if others disturbed it."""
        self._progress.failures.pop(planned.cell.id, None)
        usual = self._progress.usual.get(planned.cell.id, 0.0)
        run.void = run.void or self.why_void(run, usual)
        run.at = self._spent()
        self._write(run)

    def why_void(self, run: Disturbed, usual: float = 0.0) -> str:
        """Return the reason why a run does not count; "" where it does."""
        return why_void(run, usual) if self._noise_counts else ""

    def fail(
        self, planned: PlannedCell, number: int, attempt: int, failure: ProcessFailure
    ) -> bool:
        """Write a failed run to the journal; return whether to retry it within its round.

        One retry fills the gap of a process that was killed from outside. A hang
        is not retried, since it takes its whole deadline.
        """
        identity = planned.cell.id
        self._write(
            Failed(
                cell=identity,
                round=number,
                who=failure.who,
                where=failure.where,
                what=failure.what[:LONGEST_WHAT],
                remedy=failure.remedy[:LONGEST_WHAT],
                at=self._spent(),
            )
        )
        what = " ".join(with_remedy(failure.what, failure.remedy).split())
        self._watcher.note(f"failed: {identity}: {failure.who}, {failure.where}: {what}")
        if attempt == 1 and failure.who != WATCHDOG:
            return True
        count = self._progress.failures[identity] = self._progress.failures.get(identity, 0) + 1
        if count >= GIVE_UP:
            self._progress.loops.pop(identity, None)
            self._watcher.note(f"no longer run after {count} failed rounds in a row: {identity}")
        return False

    def ask(self, planned: PlannedCell, number: int, attempt: int, loops: int) -> Reply:
        """Have a run done; `loops` 0: a calibration."""
        timing = self._timings[planned.cell.id]
        stamps = self._progress.stamps.get(planned.cell.id, 0) if loops else 0
        blocks = timing.longest if loops else timing.longest + timing.calibration
        if stamps:
            pattern = pattern_of(planned.cell)
            first = timing.block * pattern.steady
            blocks += first + stamps * max(timing.block / loops, pattern.gap)
        cell = planned.cell
        buffers = buffers_of(cell.payload, cell.size, 0)  # at most
        job = Job(
            cell=cell,
            round=number,
            attempt=attempt,
            loops=loops,
            stamps=stamps,
            turns=self._progress.delays.get(cell.id, (0, 0.0))[0] if loops else 0,
            settings=timing.settings,
            warm_up=timing.warm_up,
            cpus=planned.cpus,
            awake=cell.placement == CROSS_CORE_AWAKE,
            clock=self._clock,
            deadline=setup_time(cell.size, cell.processes, buffers) + SLACK * blocks,
        )
        if self._parent is None:
            self._renew()
        assert self._parent is not None
        try:
            return self._parent.run(job)
        except ForkServerLost as error:
            self._renew(fresh=False)
            return Reply(failure=ProcessFailure("the fork server", "", str(error), error.remedy))

    def _renew(self, *, fresh: bool = True) -> None:
        """End the fork server, and start another one if `fresh`."""
        if self._parent is not None:
            self._parent.close()
            self._parent = None
        if fresh:
            self._parent = _fork_server()
            self._watch(self._parent.pid)


def _fork_server() -> ForkServer:
    """Start one, again if it is killed at once. Raises: ForkServerLost."""
    for _ in range(STARTS - 1):
        with contextlib.suppress(ForkServerLost):
            return ForkServer()
    return ForkServer()
