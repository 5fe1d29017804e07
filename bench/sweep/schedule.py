"""Rounds: every cell once a round, shuffled anew, until enough or the budget is spent."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Sequence

from ipcbench.bench.errors import BenchError
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine import host
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.planner import PlannedCell, order
from ipcbench.bench.results import pyperf_file
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE
from ipcbench.bench.results.journal import Unreadable
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
from ipcbench.bench.results.results import check_readable
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.progress import RETAKES, Begun, Progress
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.fork_parent import WATCHDOG, ForkParent, ForkServerLost
from ipcbench.bench.workers.job import Job, Reply
from ipcbench.transports.base.os_errors import with_remedy

FOREIGN_MAX = 0.05  # share of a same-core run's time that others may have had
STEAL_MAX = 0.05  # share of a round's CPU time that the hypervisor may have taken
GIVE_UP = 2  # rounds in a row without a run, after which a cell is left alone
STARTS = 3  # of a fork parent, before it counts as one that cannot start here
PATIENCE = 10.0  # seconds for a run's set-up, beyond what its blocks should take
LONGEST_WHAT = 10_000  # characters of what happened
SLACK = 20  # times as long as calibrated that blocks may take


class Schedule:
    """One sweep over a plan. `write` takes the journal's lines as they come about."""

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
        progress: Progress | None = None,
        started: Callable[[int], None] = lambda pid: None,
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._cells = cells
        self._settings = settings
        self._seed = seed
        self._write = write
        self._watcher = watcher
        self._budget = budget
        self._clock = clock
        self._noise_counts = clock == REAL  # a made-up time is disturbed by nobody
        self._progress = progress or Progress()
        self._started = started
        self._full = full
        self._parent: ForkParent | None = None
        self._playing = time.monotonic()
        self._began = self._playing - self._progress.spent  # as if it had never been stopped
        self._runs = 0
        self.stopping = False

    def stop(self) -> None:
        """End after the running run; safe to call from a signal's handler."""
        self.stopping = True

    def run(self) -> Ended:
        """The whole sweep; its last line, which is written as well."""
        try:
            if self.over() is None:
                self._calibrate()
            reason = self._rounds()
        finally:
            self._renew(fresh=False)
        ended = Ended(reason=reason, wall=self._spent())
        self._write(ended)
        return ended

    def over(self) -> Reason | None:
        """Why no further round is begun, or None where one would be."""
        if self._full():
            return "full"
        finished = self._progress.finished
        if self._budget is not None:
            begun = self._next() in self._progress.begun
            return "budget" if finished and not begun and self._too_long(self._budget) else None
        counting = len(finished) - len(self._progress.void)
        wanted = self._settings.rounds
        most = wanted + wanted // 2  # void rounds are taken again, but not for ever
        return "complete" if counting >= wanted or len(finished) >= most else None

    # Rounds

    def _rounds(self) -> Reason:
        self._playing = time.monotonic()
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
        began, before = time.monotonic(), host.ticks()
        self._renew()
        begun = self._progress.begun.pop(number, Begun())
        timed = begun.timed
        done = self._progress.done.setdefault(number, set())
        pending = deque(
            (planned, begun.attempts.get(planned.cell.id, 0) + 1)
            for planned in order(self._cells, self._seed, number)
            if planned.cell.id in self._progress.loops and planned.cell.id not in done
        )
        if begun.attempts:  # what was void is taken again behind all others, as it would have been
            pending = deque(sorted(pending, key=lambda one: one[1]))
        while pending and not self.stopping:
            planned, attempt = pending.popleft()
            self._tell(number, planned)
            loops = self._progress.loops[planned.cell.id]
            run = _record(
                planned, number, attempt, loops, self._ask(planned, number, attempt, loops)
            )
            self._runs += 1
            if isinstance(run, ProcessFailure):
                if self._fail(planned, number, attempt, run):
                    pending.append((planned, 2))
                continue
            self._keep(planned, run)
            timed += run.timed
            if run.void and attempt <= RETAKES:
                pending.append((planned, attempt + 1))
            else:
                done.add(planned.cell.id)
        if pending:  # stopped in the middle
            return
        now = time.monotonic() - began
        stolen = begun.stolen + now * host.ticks().steal_since(before)
        self._end_round(number, begun.wall + now, timed, stolen)

    def _end_round(self, number: int, wall: float, timed: float, stolen: float) -> None:
        steal = stolen / wall if wall else 0.0
        void = ""
        if steal > STEAL_MAX and self._noise_counts:
            void = f"{steal:.0%} of the round's CPU time was stolen"
        self._write(
            Round(
                round=number,
                wall=wall,
                timed=timed,
                steal=steal,
                load=os.getloadavg()[0],
                void=void,
            )
        )
        self._progress.finished.add(number)
        if void:
            self._progress.void.add(number)
        self._progress.pace = wall

    def _tell(self, number: int, planned: PlannedCell) -> None:
        spent = self._spent()
        if self._budget is not None:
            done, left = min(1.0, spent / self._budget), max(0.0, self._budget - spent)
            of = ""
        else:
            total = len(self._progress.loops) * self._settings.rounds
            behind = len(self._progress.loops) * (number - 1) + len(self._progress.done[number])
            done = min(1.0, behind / total)
            playing = time.monotonic() - self._playing
            left = max(0, total - behind) * playing / max(1, self._runs)
            of = f" of {self._settings.rounds}"
        self._watcher.tell(done, left, f"round {number}{of}: {planned.cell.id}")

    # Single runs

    def _calibrate(self) -> None:
        """How many loops fill a block, once for each cell that is not known yet."""
        self._renew()
        todo = deque(
            (planned, 1)
            for planned in order(self._cells, self._seed, 0)
            if planned.cell.id not in self._progress.loops
        )
        while todo and not self.stopping:
            left = len(todo) * 4 * self._settings.block
            planned, attempt = todo.popleft()
            self._watcher.tell(0.0, left, f"calibrating {planned.cell.id}")
            reply = self._ask(planned, 0, attempt, 0)
            value = reply.failure or _calibrated(reply)
            if isinstance(value, ProcessFailure):
                if self._fail(planned, 0, attempt, value):
                    todo.append((planned, 2))
                continue
            units = PATTERNS[planned.cell.pattern].units(planned.cell.processes)
            loops = max(1, round(self._settings.block / (value * units)))
            self._progress.loops[planned.cell.id] = loops
            self._write(Calibrated(cell=planned.cell.id, loops=loops, at=self._spent()))

    def _keep(self, planned: PlannedCell, run: Run) -> None:
        """Write down a run that came to something."""
        self._progress.failures.pop(planned.cell.id, None)
        if self._noise_counts and run.foreign is not None and run.foreign > FOREIGN_MAX:
            run.void = f"others had {run.foreign:.0%} of the core's time"
        run.at = self._spent()
        self._write(run)

    def _fail(
        self, planned: PlannedCell, number: int, attempt: int, failure: ProcessFailure
    ) -> bool:
        """Write down a run that came to nothing; whether it is to be tried again in its round.

        Once, so that a process which was killed from outside leaves no gap; but a hang has
        cost its whole deadline, and waits for the next round.
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
            self._watcher.note(f"given up after {count} rounds in a row: {identity}")
        return False

    def _ask(self, planned: PlannedCell, number: int, attempt: int, loops: int) -> Reply:
        settings = self._settings
        blocks = settings.block * (settings.values + settings.warmups) + settings.tail
        job = Job(
            cell=planned.cell,
            round=number,
            attempt=attempt,
            loops=loops,
            settings=settings,
            cpus=planned.cpus,
            awake=planned.cell.placement == CROSS_CORE_AWAKE,
            clock=self._clock,
            deadline=PATIENCE + SLACK * blocks,
        )
        if self._parent is None:
            self._renew()
        assert self._parent is not None
        try:
            return self._parent.run(job)
        except ForkServerLost as error:
            self._renew(fresh=False)
            return Reply(failure=ProcessFailure("the fork parent", "", str(error), error.remedy))

    def _renew(self, *, fresh: bool = True) -> None:
        """End the fork parent, and start another one if it is to be `fresh`."""
        if self._parent is not None:
            self._parent.close()
            self._parent = None
        if fresh:
            self._parent = _fork_parent()
            self._started(self._parent.pid)


def _fork_parent() -> ForkParent:
    """A new one, tried for again where somebody kills it at once. Raises: ForkServerLost."""
    for _ in range(STARTS - 1):
        with contextlib.suppress(ForkServerLost):
            return ForkParent()
    return ForkParent()


def _calibrated(reply: Reply) -> float | ProcessFailure:
    """Seconds per unit."""
    try:
        return pyperf_file.calibrated(reply.suite)
    except pyperf_file.NoFigure as error:
        return _without_figure(error)


def _without_figure(error: BenchError) -> ProcessFailure:
    return ProcessFailure("the worker", "its result", str(error))


def _record(
    planned: PlannedCell, number: int, attempt: int, loops: int, reply: Reply
) -> Run | ProcessFailure:
    """A run as it is written down, or why it came to nothing."""
    if reply.failure is not None:
        return reply.failure
    try:
        run = _run(planned, number, attempt, loops, reply)
        check_readable(run)
    except (pyperf_file.NoFigure, Unreadable) as error:
        return _without_figure(error)
    return run


def _run(planned: PlannedCell, number: int, attempt: int, loops: int, reply: Reply) -> Run:
    """Raises: ipcbench.bench.results.pyperf_file.NoFigure."""
    assert reply.outcome is not None
    measured, outcome = pyperf_file.measured(reply.suite), reply.outcome
    return Run(
        cell=planned.cell.id,
        round=number,
        attempt=attempt,
        loops=loops,
        inner_loops=PATTERNS[planned.cell.pattern].units(planned.cell.processes),
        warmups=measured.warmups,
        values=measured.values,
        cpus=planned.cpus,
        depth=outcome.depth,
        usage=outcome.usage,
        foreign=outcome.foreign,
        steal=outcome.steal,
        tail=outcome.tail,
        observations=outcome.observations,
        start_up=outcome.start_up,
        timed=outcome.timed,
        wall=reply.wall,
        metadata=measured.metadata,
    )
