"""One run: a worker process, pyperf's Runner inside it, and its peers around it."""

from __future__ import annotations

import math
import mmap
import os
import time
from collections.abc import Callable
from typing import Any, Never

import msgspec

from ipcbench.bench.loops.clock import clock as clock_named
from ipcbench.bench.machine import host
from ipcbench.bench.patterns import verify
from ipcbench.bench.patterns.python_loops import Span
from ipcbench.bench.patterns.table import PATTERNS, Part, Seat, elapsed
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.results.histogram import count as counted
from ipcbench.bench.results.records import Usage
from ipcbench.bench.workers.control import Broken, RunFailed, broken
from ipcbench.bench.workers.job import Job, Outcome, Phase
from ipcbench.bench.workers.peers import ATTACH_TIME, Peer, Player, Team, settle
from ipcbench.bench.workers.process import usage, used_between
from ipcbench.transports.contract import (
    Channel,
    Endpoint,
    PeerGone,
    Spec,
    Ticket,
    Transport,
    Unavailable,
)
from ipcbench.transports.registry import get

MOST_STAMPS = 20_000  # of a tail pass: enough for p99.9 in a run, and little to sort into buckets

_encoder = msgspec.json.Encoder()


class Worker:
    """Process 0 of a run: it owns the channels, leads the peers, and holds the clock."""

    def __init__(self, job: Job, forked: float, report: int) -> None:
        self.job = job
        self._native = job.cell.runtime == NATIVE
        self._forked = forked
        self._report_fd = report
        self._pattern = PATTERNS[job.cell.pattern]
        self._seats = self._pattern.seats(job.cell.processes)
        self._channels: list[Channel] = []
        self._transport = _transport(job.cell.transport)
        self._clock = clock_named(job.clock, job.cell.original.id, job.round, job.cell.size)
        # Shared by all processes of the run, through fork: what they count up.
        self._variable = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")[:1]
        self._updates = self._lost = 0
        self._blocks = 0
        self._first = 0.0
        self._timed = 0.0
        self._wall = 0.0
        self._steal = 0.0
        self._before: list[Usage] = []
        self._usage: list[Usage] = []

    def report(self, line: Phase | Outcome | Broken) -> None:
        os.write(self._report_fd, _encoder.encode(line) + b"\n")

    def run(self, runner: Any, suite_fd: int) -> None:
        """The whole run. Raises whatever went wrong; kernel objects are gone either way."""
        idle = host.forbid_idle() if self.job.awake else None
        strangers = [self._report_fd, suite_fd] + ([] if idle is None else [idle])
        settle(self.job.cpus[0])
        self._team = Team(self._seats, self.job.cpus, self._end_with)
        try:
            self._attach(strangers)
            if self._transport.traits.carries or not self._pattern.carries:
                self._check()
            self._bench(runner, suite_fd)
            tail = self._tail()
            self._team.stop()
            self._player.endpoint.close()
            self.report(self._outcome(tail))
        except PeerGone:
            self._team.await_news()
            raise
        finally:
            self._team.kill()
            for channel in self._channels:
                channel.close()
                channel.unlink()

    def _end_with(self, broken: Broken) -> Never:
        """A peer is gone. Its fork parent removes what the ledger names, and ends the others."""
        _give_up(self._report_fd, broken)
        os._exit(1)

    # Setting up

    def _attach(self, strangers: list[int]) -> None:
        self.report(Phase("attach"))
        cell = self.job.cell
        spec = Spec(
            size=cell.size,
            topology=self._pattern.topology,
            parties=self._pattern.parties(cell.processes),
            depth=cell.depth,
            poll=cell.poll,
            native=self._native,
        )
        for _ in range(self._pattern.channels(cell.processes)):
            self._channels.append(self._transport.create(spec))
        tickets = [
            self._channels[seat.channel].ticket(seat.role, seat.index) for seat in self._seats
        ]
        deadline = time.monotonic() + ATTACH_TIME

        def drop_the_worker_s() -> None:
            for fd in strangers:
                os.close(fd)
            for channel in self._channels:
                channel.close()

        def attach(peer: Peer, ticket: Ticket) -> Player:
            endpoint = self._transport.attach(ticket, deadline)
            return self._player_at(endpoint, peer.seat)

        self._team.fork(tickets, attach, drop_the_worker_s)
        for ticket in tickets[1:]:
            ticket.close()
        endpoint = self._transport.attach(tickets[0], deadline)
        for channel in self._channels:
            channel.close()
        self._player = self._player_at(endpoint, self._seats[0])
        hellos = self._team.connect(endpoint.hello(), deadline)
        self._player.connect(hellos, deadline)
        self._team.ready(deadline)
        if self._transport.traits.unlink_early:
            for channel in self._channels:
                channel.unlink()

    def _player_at(self, endpoint: Endpoint, seat: Seat) -> Player:
        size, clock = self.job.cell.size, self._clock
        return Player(endpoint, seat, size, clock, self._variable, native=self._native)

    def _check(self) -> None:
        self.report(Phase("check"))
        self._team.ask_check()
        self._player.check()
        seen = self._team.ready()
        if self._seats[0].part is Part.DEAL:
            verify.complete(seen, len(self._seats) - 1, self.job.cell.size)

    # Measuring

    def _bench(self, runner: Any, suite_fd: int) -> None:
        settings = self.job.settings
        arguments = ["--worker", "--worker-task", "0", "--pipe", str(suite_fd)]
        if self.job.loops:
            arguments += ["--values", str(settings.values), "--warmups", str(settings.warmups)]
            arguments += ["--loops", str(self.job.loops)]
        else:
            arguments += ["--values", "1", "--warmups", "0", "--calibrate-loops"]
            arguments += ["--min-time", repr(settings.block)]
        runner.parse_args(arguments)
        runner.bench_time_func(
            self.job.cell.id,
            self._block,
            inner_loops=self._pattern.units(self.job.cell.processes),
        )

    def _block(self, loops: int) -> float:
        """What pyperf calls for each warm-up and value: seconds for all loops."""
        settings = self.job.settings
        number, self._blocks = self._blocks, self._blocks + 1
        self.report(Phase(f"block {number + 1}"))
        if number == settings.warmups:
            self._before = self._measure()
            self._ticks = host.ticks()
            self._wall = time.monotonic()
        seconds = self._play(loops, self._player.prepare(loops))
        if number >= settings.warmups:
            self._timed += seconds
        if number == settings.warmups + settings.values - 1:
            after = self._measure()
            self._wall = time.monotonic() - self._wall
            self._steal = host.ticks().steal_since(self._ticks)
            self._usage = list(map(used_between, self._before, after))
        self._last = seconds / loops
        return seconds

    def _play(self, loops: int, own: Callable[[], Span]) -> float:
        self._team.announce(loops)
        if not self._first:
            self._first = time.monotonic()
        self._variable[0] = 0
        self._team.release()
        spans = [own(), *self._team.spans()]
        self._account(spans)
        return elapsed(self._seats, spans)

    def _account(self, spans: list[Span]) -> None:
        """Was everything done that should have been? Raises: verify.Corrupt."""
        if self._seats[0].part is Part.DEAL:
            taken = sum(span.handled for span in spans[1:])
            if taken != spans[0].handled:
                raise verify.Corrupt(f"{spans[0].handled} messages were dealt out, {taken} taken")
        if self._seats[0].part is Part.COUNT:
            wanted = sum(span.handled for span in spans)
            lost = wanted - self._variable[0]
            if lost and self._transport.traits.excludes:
                raise verify.Corrupt(f"{lost} of {wanted} guarded updates were lost")
            self._updates += wanted
            self._lost += lost

    def _measure(self) -> list[Usage]:
        peers = self._team.usage()
        return [usage(), *peers]

    def _tail(self) -> dict[int, int]:
        """A pass with a stamp a round trip, for those who have round trips."""
        wanted = self.job.settings.tail
        loop = self._player.stamped
        if not (self.job.loops and wanted and loop):
            return {}
        self.report(Phase("tail"))
        count = min(MOST_STAMPS, max(1, math.ceil(wanted / self._last)))
        player = self._player
        durations: list[int] = []

        def stamped() -> Span:
            now = player.clock.now
            start = now()
            durations.extend(
                loop(player.endpoint, player.message, player.buffer, count, player.clock)
            )
            return Span(start, now(), count)

        player.clock.begin(count)
        self._timed += self._play(count, stamped)
        return dict(counted(durations))

    def _outcome(self, tail: dict[int, int]) -> Outcome:
        together = len({tuple(cpus) for cpus in self.job.cpus}) == 1 == len(self.job.cpus[0])
        foreign = None
        if together and self._usage:
            foreign = max(0.0, 1 - sum(one.cpu for one in self._usage) / self._wall)
        return Outcome(
            depth=self._player.endpoint.depth,
            usage=self._usage,
            foreign=foreign,
            steal=self._steal,
            tail=tail,
            observations={"lost updates": self._lost / self._updates} if self._updates else {},
            start_up=self._first - self._forked,
            timed=self._timed,
        )


def _transport(name: str) -> Transport:
    found = get(name)
    if not isinstance(found, Transport):
        raise Unavailable(found.reason.reason, found.reason.remedy)
    return found


def work(job: Job, runner: Any, forked: float, suite_fd: int, report_fd: int) -> None:
    """A worker's life: what goes wrong is reported and raised no further."""
    try:
        worker = Worker(job, forked, report_fd)
        worker.run(runner, suite_fd)
    except RunFailed as failure:
        _give_up(report_fd, failure.broken)
    except BaseException as error:
        _give_up(report_fd, broken("the worker", error))


def _give_up(report_fd: int, last: Broken) -> None:
    os.write(report_fd, _encoder.encode(last) + b"\n")
