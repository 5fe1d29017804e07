"""Rounds: every cell once a round, shuffled anew, until enough or the budget is spent."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench import host, pyperf_file
from bench.clock import REAL
from bench.control import Broken
from bench.forkparent import ForkParent, Lost
from bench.job import Job, Reply
from bench.patterns import PATTERNS
from bench.placement import POLLED
from bench.plan import Planned, order
from bench.progress import Watcher
from bench.records import AnyLine, Calibrated, Ended, Failed, Reason, Round, Run, Settings
from bench.results import Results, Unreadable, check_readable

FOREIGN_MAX = 0.05  # share of a same-core run's time that others may have had
STEAL_MAX = 0.05  # share of a round's CPU time that the hypervisor may have taken
RETAKES = 2  # of a void run, within its round
GIVE_UP = 2  # failures in a row, after which a cell is left alone
PATIENCE = 10.0  # seconds for a run's set-up, beyond what its blocks should take
LONGEST_WHAT = 10_000  # characters of what happened
SLACK = 20  # times as long as calibrated that blocks may take


@dataclass(slots=True)
class Progress:
    """Where a sweep is: what a resumed one takes up again."""

    loops: dict[str, int] = field(default_factory=dict)
    done: dict[int, set[str]] = field(default_factory=dict)  # round -> cells that have a run
    finished: set[int] = field(default_factory=set)  # rounds that have ended
    void: set[int] = field(default_factory=set)  # finished, and void by steal
    failures: dict[str, int] = field(default_factory=dict)  # in a row

    @classmethod
    def of(cls, results: Results) -> Progress:
        """What the journal of a stopped sweep says; failed cells get another chance."""
        progress = cls()
        for identity, result in results.cells.items():
            if result.loops is not None:
                progress.loops[identity] = result.loops
            for run in result.runs:
                if not run.void or run.attempt > RETAKES:
                    progress.done.setdefault(run.round, set()).add(identity)
        progress.finished = {one.round for one in results.rounds}
        progress.void = {one.round for one in results.rounds if one.void}
        return progress


class Schedule:
    """One sweep over a plan. `write` takes the journal's lines as they come about."""

    def __init__(
        self,
        cells: Sequence[Planned],
        settings: Settings,
        seed: int,
        write: Callable[[AnyLine], None],
        watcher: Watcher,
        *,
        budget: float | None = None,
        clock: str,
        progress: Progress | None = None,
        started: Callable[[ForkParent], None] = lambda parent: None,
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
        self._began = self._playing = time.monotonic()
        self._round_times: list[float] = []
        self._runs = 0
        self.stopping = False

    def stop(self) -> None:
        """End after the running run; safe to call from a signal's handler."""
        self.stopping = True

    def run(self) -> Ended:
        """The whole sweep; its last line, which is written as well."""
        try:
            self._calibrate()
            reason = self._rounds()
        finally:
            self._renew(fresh=False)
        ended = Ended(reason=reason, wall=time.monotonic() - self._began)
        self._write(ended)
        return ended

    # Rounds

    def _rounds(self) -> Reason:
        self._playing = time.monotonic()
        while (number := self._next()) is not None:
            if self.stopping:
                return "interrupted"
            if self._full():
                return "full"
            if self._budget is not None and number > 1 and self._too_long(self._budget):
                return "budget"
            self._round(number)
        return "interrupted" if self.stopping else "complete"

    def _next(self) -> int | None:
        """The next round to play, or None: there are enough that count, or no cell works."""
        if not self._progress.loops:
            return None
        finished = self._progress.finished
        counting = len(finished) - len(self._progress.void)
        wanted = self._settings.rounds
        most = wanted + wanted // 2  # void rounds are taken again, but not for ever
        if self._budget is None and (counting >= wanted or len(finished) >= most):
            return None
        return max(finished, default=0) + 1

    def _too_long(self, budget: float) -> bool:
        spent = time.monotonic() - self._began
        expected = self._round_times[-1] if self._round_times else 0.0
        return spent + expected > budget

    def _round(self, number: int) -> None:
        began, before = time.monotonic(), host.ticks()
        self._renew()
        timed = 0.0
        done = self._progress.done.setdefault(number, set())
        pending = deque(
            (planned, 1)
            for planned in order(self._cells, self._seed, number)
            if planned.cell.id in self._progress.loops and planned.cell.id not in done
        )
        while pending and not self.stopping:
            planned, attempt = pending.popleft()
            self._tell(number, planned)
            run = self._one(planned, number, attempt)
            if run is None:
                continue
            timed += run.timed
            if run.void and attempt <= RETAKES:
                pending.append((planned, attempt + 1))
            else:
                done.add(planned.cell.id)
        if pending:  # stopped in the middle
            return
        wall = time.monotonic() - began
        steal = host.ticks().steal_since(before)
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
        self._round_times.append(wall)

    def _tell(self, number: int, planned: Planned) -> None:
        spent = time.monotonic() - self._began
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
        todo = [
            planned
            for planned in order(self._cells, self._seed, 0)
            if planned.cell.id not in self._progress.loops
        ]
        for number, planned in enumerate(todo):
            if self.stopping:
                return
            left = (len(todo) - number) * 4 * self._settings.block
            self._watcher.tell(0.0, left, f"calibrating {planned.cell.id}")
            reply = self._ask(planned, 0, 0)
            if reply.failure is not None:
                self._fail(planned, 0, reply)
                continue
            try:
                value = pyperf_file.calibrated(reply.suite)
            except pyperf_file.NoFigure as error:
                self._fail(planned, 0, _without_figure(error))
                continue
            units = PATTERNS[planned.cell.pattern].units(planned.cell.processes)
            loops = max(1, round(self._settings.block / (value * units)))
            self._progress.loops[planned.cell.id] = loops
            self._write(Calibrated(cell=planned.cell.id, loops=loops))

    def _one(self, planned: Planned, number: int, attempt: int) -> Run | None:
        """A run, written down; None where it failed."""
        identity = planned.cell.id
        loops = self._progress.loops[identity]
        reply = self._ask(planned, number, loops)
        self._runs += 1
        if reply.failure is not None:
            self._fail(planned, number, reply)
            return None
        try:
            run = _record(planned, number, attempt, loops, reply)
        except (pyperf_file.NoFigure, Unreadable) as error:
            self._fail(planned, number, _without_figure(error))
            return None
        self._progress.failures.pop(identity, None)
        if self._noise_counts and run.foreign is not None and run.foreign > FOREIGN_MAX:
            run.void = f"others had {run.foreign:.0%} of the core's time"
        self._write(run)
        return run

    def _fail(self, planned: Planned, number: int, reply: Reply) -> None:
        broken = reply.failure
        assert broken is not None
        identity = planned.cell.id
        self._write(
            Failed(
                cell=identity,
                round=number,
                who=broken.who,
                where=broken.where,
                what=broken.what[:LONGEST_WHAT],
            )
        )
        what = " ".join(broken.what.split())
        self._watcher.note(f"failed: {identity}: {broken.who}, {broken.where}: {what}")
        count = self._progress.failures[identity] = self._progress.failures.get(identity, 0) + 1
        if count >= GIVE_UP:
            self._progress.loops.pop(identity, None)
            self._watcher.note(f"given up after {count} failures in a row: {identity}")

    def _ask(self, planned: Planned, number: int, loops: int) -> Reply:
        settings = self._settings
        blocks = settings.block * (settings.values + settings.warmups) + settings.tail
        job = Job(
            cell=planned.cell,
            round=number,
            loops=loops,
            settings=settings,
            cpus=planned.cpus,
            polled=planned.cell.placement == POLLED,
            clock=self._clock,
            deadline=PATIENCE + SLACK * blocks,
        )
        try:
            if self._parent is None:
                self._renew()
            assert self._parent is not None
            return self._parent.run(job)
        except Lost as error:
            self._renew(fresh=False)
            return Reply(failure=Broken("the fork parent", "", str(error)))

    def _renew(self, *, fresh: bool = True) -> None:
        """End the fork parent, and start another one if it is to be `fresh`."""
        if self._parent is not None:
            self._parent.close()
            self._parent = None
        if fresh:
            self._parent = ForkParent()
            self._started(self._parent)


def _without_figure(error: ValueError) -> Reply:
    return Reply(failure=Broken("the worker", "its result", str(error)))


def _record(planned: Planned, number: int, attempt: int, loops: int, reply: Reply) -> Run:
    """Raises: bench.pyperf_file.NoFigure, bench.results.Unreadable."""
    assert reply.outcome is not None
    measured, outcome = pyperf_file.measured(reply.suite), reply.outcome
    run = Run(
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
    check_readable(run)
    return run
