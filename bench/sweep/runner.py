"""Runner: has single runs done by a fork server, which is renewed for each round."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from msgspec import structs

from ipcbench.bench.errors import LEAVE_OUT
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.loops.payloads.pool import buffers_of
from ipcbench.bench.machine.settling import settle
from ipcbench.bench.patterns.table import asked_of, pattern_of
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import Timing
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.deadlines import setup_time
from ipcbench.bench.workers.fork_parent import (
    HERE,
    ForkServer,
    ForkServerLost,
    Program,
    start_ahead,
)
from ipcbench.bench.workers.job import Job, Reply

STARTS = 3  # attempts to start a fork server
LEARNING = 12  # pairs of blocks, at least, by which a delay is chosen
SLACK = 20  # factor by which blocks may exceed their calibrated time


class Runner:
    """Runs, each with the timing of its cell.

    `watch` is called with the pid of each fork server, before it forks. `program`: what the
    servers are started with.
    """

    def __init__(
        self,
        timings: Mapping[str, Timing],
        clock: str,
        watch: Callable[[int], None],
        program: Program = HERE,
    ) -> None:
        self._timings = timings
        self._clock = clock
        self._watch = watch
        self._program = program
        self._server: ForkServer | None = None
        self._old: ForkServer | None = None  # it is to be ended

    def run(
        self,
        planned: PlannedCell,
        number: int,
        attempt: int,
        loops: int,
        stamps: int = 0,
        turns: int = 0,
        rate: float = 0.0,
    ) -> Reply:
        """Have a run done; `loops` 0: a calibration. Raises: ForkServerLost if none starts."""
        return self._ask(self._job(planned, number, attempt, loops, stamps, turns, rate))

    def trial(
        self,
        planned: PlannedCell,
        loops: int,
        turns: int,
        pairs: int,
        slow_by: float,
        rate: float = 0.0,
    ) -> Reply:
        """Have a run measure the share that a delay adds, by so many pairs of blocks.

        Args:
            planned: the cell.
            loops: those of a block.
            turns: those of the delay; 0: they are chosen for the share `slow_by`.
            pairs: of blocks.
            slow_by: the share.
            rate: messages a second of an open loop.

        Raises: ForkServerLost if no fork server starts.
        """
        job = self._job(planned, 1, 1, loops, 0, turns, rate)
        blocks = 2 * (2 * pairs + LEARNING) * self._timings[planned.cell.id].block
        deadline = job.deadline + SLACK * blocks
        return self._ask(structs.replace(job, trials=pairs, slow_by=slow_by, deadline=deadline))

    def _ask(self, job: Job) -> Reply:
        if self._server is None:
            self.renew()
        assert self._server is not None
        try:
            reply = self._server.run(job)
        except ForkServerLost as error:
            self.end()
            return Reply(failure=ProcessFailure("the fork server", "", str(error), error.remedy))
        if self._program != HERE:
            reply.failure = translated(reply.failure, job.cell)
        return reply

    def _job(
        self,
        planned: PlannedCell,
        number: int,
        attempt: int,
        loops: int,
        stamps: int,
        turns: int,
        rate: float,
    ) -> Job:
        cell, timing = planned.cell, self._timings[planned.cell.id]
        blocks = timing.longest if loops else timing.longest + timing.calibration
        if rate:  # a block of few messages may be longer than was asked for
            blocks *= max(1.0, loops / rate / timing.block)
        if stamps:
            pattern = pattern_of(cell)
            first = timing.block * pattern.steady
            each = 1 / rate if rate else max(timing.block / loops, pattern.gap)
            blocks += first + stamps * each
        buffers = buffers_of(cell.payload, cell.size, 0)  # at most
        few = pattern_of(cell).least * (timing.settings.values + timing.settings.warmups)
        return Job(
            cell=cell,
            round=number,
            attempt=attempt,
            loops=loops,
            stamps=stamps,
            turns=turns,
            rate=rate,
            settings=timing.settings,
            warm_up=timing.warm_up,
            cpus=planned.cpus,
            awake=cell.placement == CROSS_CORE_AWAKE,
            clock=self._clock,
            deadline=setup_time(cell.size, cell.processes, buffers, few) + SLACK * blocks,
        )

    def renew(self) -> None:
        """End the fork server, and take another one. Raises: ForkServerLost."""
        self.start()
        self.meet()

    def start(self) -> None:
        """Start another fork server; `meet` waits for it, and ends the one before."""
        self._end_old()
        self._old, self._server = self._server, None
        with contextlib.suppress(ForkServerLost):
            self._server = ForkServer(self._program, wait=False)

    def start_ahead(self) -> None:
        """Start one for the next round, if servers are started in pairs and this one is new."""
        start_ahead(self._program)

    def meet(self) -> None:
        """Wait until it is ready. Raises: ForkServerLost."""
        self._end_old()  # while the other one starts
        self._server = self._ready(self._server)
        self._watch(self._server.pid)

    def settle(self) -> None:
        """Wait until the fork server rests: another one has its turn."""
        if self._server is not None and self._clock == REAL:
            settle(self._server.pid)

    def end(self) -> None:
        """End the fork server; it may have ended already."""
        self._end_old()
        if self._server is not None:
            self._server.close()
            self._server = None

    def _end_old(self) -> None:
        if self._old is not None:
            self._old.close()
            self._old = None

    def _ready(self, first: ForkServer | None) -> ForkServer:
        """Wait until it is ready; start another one if it is killed. Raises: ForkServerLost."""
        if first is not None:
            with contextlib.suppress(ForkServerLost):
                first.meet()
                return first
        for _ in range(STARTS - 2):
            with contextlib.suppress(ForkServerLost):
                return ForkServer(self._program)
        return ForkServer(self._program)


def translated(failure: ProcessFailure | None, cell: Cell) -> ProcessFailure | None:
    """Return an arm's failure; of an older one that lacks what a cell asks for, in words.

    Such an ipcbench answers with the KeyError of a table of patterns, before it attaches.
    """
    if failure is None or failure.where != "start" or not failure.what.startswith("KeyError: "):
        return failure
    what = f"its ipcbench has no {asked_of(cell)}"
    return ProcessFailure(failure.who, failure.where, what, LEAVE_OUT)
