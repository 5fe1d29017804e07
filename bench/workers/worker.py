"""One run: a worker process, pyperf's Runner inside it, and its peers around it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Never

from ipcbench.bench.loops.clock import FAKE_TURNS, REAL
from ipcbench.bench.loops.clock import clock as clock_named
from ipcbench.bench.loops.payloads.pool import buffers_of
from ipcbench.bench.machine import topology
from ipcbench.bench.machine.idle_states import forbid_idle
from ipcbench.bench.patterns.part import Seat, elapsed
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.results.histogram import merge
from ipcbench.bench.results.records import Usage
from ipcbench.bench.workers import pyperf_runner
from ipcbench.bench.workers.account import TICKS_TELL, Account
from ipcbench.bench.workers.barrier import Shared
from ipcbench.bench.workers.block_runner import BlockRunner, pin_and_disable_gc
from ipcbench.bench.workers.blocks.delay import Delay
from ipcbench.bench.workers.blocks.observed import Observed
from ipcbench.bench.workers.blocks.open_loop import pace_of
from ipcbench.bench.workers.control import ProcessFailure, RunFailed, failure_of
from ipcbench.bench.workers.cpus.affinity import cpus_of, moved, spread
from ipcbench.bench.workers.cpus.distance import distance
from ipcbench.bench.workers.deadlines import attach_time
from ipcbench.bench.workers.job import Job, Outcome, Phase, write_report
from ipcbench.bench.workers.peers import Peer, Team
from ipcbench.bench.workers.process import Timed, added
from ipcbench.bench.workers.spec import grant_cpus, spec_of
from ipcbench.transports import registry
from ipcbench.transports.base import bytes_in_flight
from ipcbench.transports.contract import (
    Channel,
    Endpoint,
    PeerGone,
    Ticket,
)

SETTLING = 4  # the part of a block that runs uncounted behind the first readings, on one CPU
IDLE_SETTLING = 0.03  # seconds of it where idle states decide

last_cache = cache(topology.last_cache)
"""The size of the last cache, read once: the fork server calls this before it forks."""


class Worker:
    """Process 0 of a run: it owns the channels, leads the peers, and reads the clock."""

    def __init__(self, job: Job, began: float, report: int) -> None:
        self.job = job
        self._native = job.cell.runtime == NATIVE
        self._began = began
        self._report_fd = report
        self._pattern = pattern_of(job.cell)
        self._seats = self._pattern.seats(job.cell.processes)
        # A block begins and ends with the loop of these.
        self._leaders = [
            number for number, seat in enumerate(self._seats) if seat.part.starts or seat.part.ends
        ]
        self._channels: list[Channel] = []
        self._transport = registry.transport(job.cell.transport)
        self._buffers = buffers_of(job.cell.payload, job.cell.size, last_cache())
        cell, weight = job.cell.original, self._pattern.weight
        slowed = job.cell.slowed or 100 * job.turns / FAKE_TURNS
        self._clock = clock_named(job.clock, cell.id, job.round, cell.size, slowed, weight)
        self._pace = pace_of(job, self._clock)  # the peers inherit its timetable
        self._shared = Shared(self._seats)
        self._delay = Delay(job)
        self._observed = Observed(self._pattern, self._seats, self._transport.traits)
        self._blocks = 0
        self._warmups: list[float] = []  # seconds a loop of each block of the first warm-up
        self._first = 0.0
        self._timed = 0.0
        self._usage: list[Usage] = []
        self._waiting: dict[int, float] = {}

    def report(self, line: Phase | Outcome | ProcessFailure) -> None:
        """Write one line for the fork server."""
        write_report(self._report_fd, line)

    def run(self, runner: Any, suite_fd: int) -> Outcome:
        """Run the whole job; remove its kernel objects whatever happens.

        Raises: Corrupt, Unavailable, RunFailed, PeerGone, TimedOut, and what the transport
        raises.
        """
        idle = forbid_idle() if self.job.awake else None
        own = [self._report_fd, suite_fd] + ([] if idle is None else [idle])
        pin_and_disable_gc(self.job.cpus[0])
        self._team = Team(self._seats, self.job.cpus, self._end_with, self._shared.barrier)
        try:
            self._attach(own)
            if self._transport.traits.carries or not self._pattern.carries:  # else it is `null`
                self._check()
            pinned = self._cpus()
            self._account = self._new_account()
            self._delay.set(self._runner, self._plain_block)
            self._bench(runner, suite_fd)
            tail = self._tail()
            self._distance = self._measured_distance()
            self._in_flight = bytes_in_flight(self._runner.endpoint, self.job.cell.size)
            self._used = self._cpus()
            self._moved = moved(pinned, self._used)
            self._team.stop()
            self._runner.endpoint.close()
            return self._outcome(tail)
        except PeerGone:
            self._team.await_news()
            raise
        finally:
            self._team.kill()
            for channel in self._channels:
                channel.close()
                channel.unlink()

    def _cpus(self) -> list[list[int]]:
        return cpus_of([0, *(peer.pid for peer in self._team.peers)])

    def _end_with(self, failure: ProcessFailure) -> Never:
        """Report a peer's end and exit: the fork server kills the other peers and cleans up."""
        self.report(failure)
        os._exit(1)

    def _attach(self, own: list[int]) -> None:
        self.report(Phase("attach"))
        cell, spec = self.job.cell, spec_of(self.job, self._transport.traits, self._buffers)
        for _ in range(spec.channels):
            self._channels.append(self._transport.create(spec))
        tickets = [
            self._channels[seat.channel].ticket(seat.role, seat.index) for seat in self._seats
        ]
        grant_cpus(tickets, self.job.cpus)
        deadline = time.monotonic() + attach_time(cell.size, cell.processes, self._buffers)

        def drop_the_workers_own() -> None:
            for fd in own:
                os.close(fd)
            for channel in self._channels:
                channel.close()

        def attach(peer: Peer, ticket: Ticket) -> BlockRunner:
            endpoint = self._transport.attach(ticket, deadline)
            return self._runner_at(endpoint, peer.seat)

        with spread(self.job.cpus[0], self.job.cpus):
            self._team.fork(tickets, attach, drop_the_workers_own)
        for ticket in tickets[1:]:
            ticket.close()
        endpoint = self._pattern.attach(self._transport, self._channels[0], tickets[0], deadline)
        for channel in self._channels:
            channel.close()
        self._runner = self._runner_at(endpoint, self._seats[0])
        hellos = self._team.connect(endpoint.hello(), deadline)
        self._runner.connect(hellos, deadline)
        self._team.ready(deadline)
        if self._transport.traits.unlink_early:
            for channel in self._channels:
                channel.unlink()

    def _runner_at(self, endpoint: Endpoint, seat: Seat) -> BlockRunner:
        size, clock = self.job.cell.size, self._clock
        return BlockRunner(
            endpoint,
            seat,
            size,
            clock,
            self._shared.variable,
            native=self._native,
            part=seat.part.over(self._transport.traits),
            buffers=self._buffers,
            timetable=self._pace.timetable,
            board=self._shared.board,
        )

    def _check(self) -> None:
        self.report(Phase("check"))
        cell = self.job.cell
        self._pattern.complete(self._check_step(0), cell.processes, cell.size)
        for step in range(len(self._runner.part.rehearse)):
            seen = self._check_step(1 + step)
            self._pattern.rehearsed(step, seen, cell.processes, cell.size)

    def _check_step(self, step: int) -> list[int]:
        """Run a step of the check in all processes; return what competing receivers got."""
        self._team.ask_check(step)
        self._runner.check(step)
        return self._team.ready()

    # Measuring

    def _plain_block(self, loops: int) -> float:
        """Run one block that pyperf does not hear of; return its seconds."""
        return self._pace.figure(loops, self._run_block(loops, self._prepared(loops))[0])

    def _bench(self, runner: Any, suite_fd: int) -> None:
        units = self._pattern.units(self.job.cell.processes)
        pyperf_runner.measure(runner, self.job, self._block, units, suite_fd)

    def _block(self, loops: int) -> float:
        """Run one block, for pyperf: a warm-up or a value. Returns the seconds for all loops."""
        settings = self.job.settings
        number, self._blocks = self._blocks, self._blocks + 1
        self.report(Phase(f"block {number + 1}"))
        if not self.job.loops:
            return self._trial(loops)
        first, last = settings.warmups, settings.warmups + settings.values - 1
        if number == 0 and settings.warmups:
            return self._warm_up(loops)
        if number < first:
            return self._plain_block(loops)
        if number == first:
            self._account.begin()
            self._settle(loops)
        each = self._pace.draws  # what lies between two blocks is no part of them
        enters = each or (number == first and not self._account.settled)
        seconds, used = self._run_block(
            loops, self._prepared(loops), enters=enters, leaves=each or number == last
        )
        self._timed += seconds
        self._observed.count()
        self._usage = list(map(added, self._usage, used)) if self._usage else used
        if number == last:
            self._account.end()
        return self._pace.figure(loops, seconds, counts=True)

    def _settle(self, loops: int) -> None:
        """Run a block that does not count behind the first readings, which take a millisecond.

        On one CPU, a process that has just used it alone is preempted more often for a while
        (EEVDF's lag: kernel/sched/fair.c). On several, a CPU that has been idle for so long
        wakes otherwise for some 15 ms (kernel/sched/idle.c, drivers/cpuidle/governors).
        """
        if self._account.one_cpu:
            count = max(1, loops // SETTLING)
            self._run_block(count, self._prepared(count))
        elif self.job.warm_up.least:
            count = max(1, round(loops * IDLE_SETTLING / self.job.settings.block))
            block = self._run_block(
                count, self._prepared(count), enters=True, leaves=self._pace.draws
            )
            self._account.settled = block[0]

    def _warm_up(self, loops: int) -> float:
        """Run the blocks of the first warm-up; return the last one's seconds for so many loops."""
        warm_up, blocks, figures = self.job.warm_up, list[float](), list[float]()
        count, calibrates = warm_up.loops(loops), not self.job.loops
        while not warm_up.enough(blocks, count * self._pattern.gap):
            block = self._run_block(
                count, self._prepared(count), enters=calibrates, leaves=calibrates
            )
            blocks.append(block[0])
            figures.append(self._pace.figure(count, block[0]))
        self._warmups = [seconds / count for seconds in figures]
        return figures[-1] / count * loops

    def _trial(self, loops: int) -> float:
        """Run a block of the calibration; return its duration, of which the gaps are a part.

        The first block that is long enough is followed by the warm-up of a run, whose last
        block counts: idle states are what they will be in a run.
        """
        if self._blocks == 1:
            self._run_block(1, self._prepared(1))  # `Team.waiting`, outside the account
            self._account.begin()
        pauses = loops * self._pattern.gap
        seconds = self._run_block(loops, self._prepared(loops), enters=True, leaves=True)[0]
        long = seconds + pauses >= self.job.settings.block
        if long and self.job.warm_up.most and not self._warmups:
            seconds = self._warm_up(loops)
        # Counters of ticks, by which a second calibration is judged, need some time.
        while long and self.job.attempt > 1 and self._account.wall < TICKS_TELL:
            self._run_block(loops, self._prepared(loops), enters=True, leaves=True)
        self._account.end()
        return seconds + pauses

    def _new_account(self) -> Account:
        pids = [os.getpid(), *(peer.pid for peer in self._team.peers)]
        return Account(pids, self.job.cpus, idles=self._pattern.gap > 0)

    def _prepared(self, loops: int) -> Callable[[], Timed]:
        """Make ready for a block of the worker's loop."""
        self._pace.draw(loops)
        turns = self._delay.turns
        if self._leaders == [0]:
            return self._runner.prepare(loops, cpu_times=self._team.cpu_times, turns=turns)
        return self._runner.prepare(loops, turns=turns)

    def _run_block(
        self,
        loops: int,
        own: Callable[[], Timed],
        stamps: int = 0,
        *,
        enters: bool = False,
        leaves: bool = False,
    ) -> tuple[float, list[Usage]]:
        """Run one block; return its seconds, and what each process used in it.

        `enters`, `leaves`: the run's account begins before it, and ends behind it.
        """
        # Before the messages, which order it: no process may see the release first.
        self._shared.clear()
        if enters:
            self._account.enter()
        self._team.announce(loops, stamps, self._delay.turns)
        if not self._first:
            self._first = time.monotonic()
            if not self.job.loops:
                self._waiting = self._team.waiting()
        at_start = self._team.cpu_times()
        self._team.release()
        block = own()
        blocks = [block, *self._team.blocks()]
        if leaves:
            self._account.leave()
        spans = [one.span for one in blocks]
        self._observed.check(spans, self._shared.variable[0], self._shared.rows())
        starts = [None, *(block.at_start or at_start)]
        ends = [None, *(block.at_end or [None] * len(at_start))]
        return elapsed(self._seats, spans), list(map(Timed.used, blocks, starts, ends))

    def _tail(self) -> dict[int, int]:
        """Run a pass with single times, of all processes whose part can tell them."""
        stamps = self.job.stamps
        for count in self._pace.parts(stamps):
            self.report(Phase("watch"))
            self._run_block(count, self._prepared(count))
            self._pace.watch()
        if not (stamps and any(seat.part.stamped for seat in self._seats)):
            return dict(self._pace.histogram())
        self.report(Phase("tail"))
        # The first loop has no stamp: it includes the barrier and the start of the others.
        first = self.job.warm_up.loops(self.job.loops) if self._pattern.steady else 1
        count = first + stamps
        own = self._runner.prepare(count, stamps, turns=self._delay.turns)
        self._timed += self._run_block(count, own, stamps)[0]
        return dict(merge([self._runner.tail(), *self._team.tails()]))

    def _measured_distance(self) -> float | None:
        """Measure how far the CPUs are apart, while the other processes wait for a message."""
        return distance(self.job.cpus) if self.job.clock == REAL else None

    def _outcome(self, tail: dict[int, int]) -> Outcome:
        foreign, disturbance = self._account.outcome()
        return Outcome(
            depth=self._runner.endpoint.depth,
            in_flight=self._in_flight,
            warmups=self._warmups,
            usage=self._usage,
            foreign=foreign,
            disturbance=disturbance,
            distance=self._distance,
            waiting=self._waiting,
            tail=tail,
            cpus=self._used,
            moved=self._moved,
            lagged=self._pace.why_void(),
            turns=self._delay.chosen,
            slow_down=self._delay.share,
            observations=self._observations(),
            start_up=self._first - self._began,
            timed=self._timed,
        )

    def _observations(self) -> dict[str, float]:
        own = self._runner.part.observe(self._runner.endpoint)
        return {**self._observed.all(), **self._pace.observations(), **own}


def rehearse(job: Job) -> None:
    """Take the first steps of a run, and drop them: they are quicker the next time.

    After a fork, the kernel copies each page when it is first written: fork(2).
    """
    with suppress(Exception):  # the job itself reports it
        worker = Worker(job, 0.0, -1)
        spec_of(job, worker._transport.traits, worker._buffers)
        Team(worker._seats, job.cpus, worker._end_with, worker._shared.barrier).drop()


def work(job: Job, runner: Any, began: float, suite_fd: int, report_fd: int) -> None:
    """Run a job in a worker's process; report its outcome, or any error, and raise none.

    It has removed its kernel objects when it reports an outcome.
    """
    try:
        report: Outcome | ProcessFailure = Worker(job, began, report_fd).run(runner, suite_fd)
    except RunFailed as failure:
        report = failure.failure
    except BaseException as error:
        report = failure_of("the worker", error)
    write_report(report_fd, report)
    os.close(report_fd)
