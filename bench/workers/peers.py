"""The peers of a run: processes that the worker forks, pins, and leads block by block."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Never

from ipcbench.bench.loops.loop import Span
from ipcbench.bench.machine.cpu_time import process_time
from ipcbench.bench.patterns.part import Seat
from ipcbench.bench.results.histogram import Counts
from ipcbench.bench.workers.barrier import Barrier, spins_of
from ipcbench.bench.workers.block_runner import BlockRunner, pin_and_disable_gc
from ipcbench.bench.workers.control import (
    Block,
    Check,
    Collect,
    Connect,
    ControlSocket,
    Done,
    Go,
    Hello,
    ProcessFailure,
    Ready,
    RunFailed,
    Stop,
    Tail,
    failure_of,
)
from ipcbench.bench.workers.deadlines import attach_time
from ipcbench.bench.workers.process import Timed, die_with, fork, how_it_ended
from ipcbench.transports.base.forking import FAILED
from ipcbench.transports.contract import PeerGone, Ticket, TransportError
from ipcbench.transports.sync import futex

WAITING = 0.01  # seconds of watching what receivers take while they wait
LAST_WORDS = 0.5  # seconds between a peer's end of file and its SIGCHLD, at most


class Peer:
    """The worker's handle on one other process.

    `near` is the worker's end of the control socket, `far` the peer's.
    """

    def __init__(self, number: int, seat: Seat, cpus: Sequence[int]) -> None:
        self.number = number
        self.seat = seat
        self.cpus = cpus
        self.who = f"peer {number} ({seat.role.value})"
        self.pid = 0
        self.near, self.far = ControlSocket.pair("the worker", self.who)

    def fork(self, run: Callable[[ControlSocket], None], drop: Callable[[], None]) -> None:
        """Start the process: it closes inherited descriptors (`drop`), then runs.

        Raises: Unavailable.
        """
        parent = os.getpid()
        self.pid = fork(lambda: _be_peer(self, parent, run, drop))
        self.far.close()


def _be_peer(
    peer: Peer, parent: int, run: Callable[[ControlSocket], None], drop: Callable[[], None]
) -> int:
    """Run a peer's process from fork to end; return its exit code."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with(parent)
        drop()
        run(peer.far)
        return 0
    except PeerGone as error:
        if str(error) != "the worker is gone":
            _report(peer, error)
    except BaseException as error:
        _report(peer, error)
    return FAILED


def _report(peer: Peer, error: BaseException) -> None:
    last = failure_of(peer.who, error)
    try:
        peer.far.say(last)
    except TransportError:
        print(f"{peer.who}: {last.what}", file=sys.stderr)


def run_peer(
    control: ControlSocket, attach: Callable[[], BlockRunner], barrier: Barrier, spins: int
) -> None:
    """Serve the worker's requests, from attaching until it says stop.

    Raises: PeerGone, and what the endpoint raises.
    """
    runner = attach()
    control.say(Hello(runner.endpoint.hello()))
    while True:
        message = control.next()
        if isinstance(message, Connect):
            deadline = time.monotonic() + attach_time(runner.size, message.processes)
            runner.connect(message.hellos, deadline)
            control.say(Ready())
        elif isinstance(message, Check):
            control.say(Ready(runner.check(message.step)))
        elif isinstance(message, Block):
            _block(control, runner, message, lambda number: barrier.wait(number, spins))
        elif isinstance(message, Collect):
            control.say(Tail(runner.tail()))
        elif isinstance(message, Stop):
            runner.endpoint.close()
            control.say(Ready())
            return


def _block(
    control: ControlSocket, runner: BlockRunner, block: Block, wait: Callable[[int], None]
) -> None:
    timed = runner.prepare(block.count, block.stamps, turns=block.turns)
    control.say(Ready())
    if runner.seat.part.starts:
        if block.number:
            wait(block.number)  # PR_SET_PDEATHSIG ends the wait if the worker dies: prctl(2)
        else:
            control.listen(Go)
    own = timed()
    control.say(Done(*own.span, own.before, own.after))


class Team:
    """All peers of a run, as the worker leads them."""

    def __init__(
        self,
        seats: Sequence[Seat],
        cpus: Sequence[Sequence[int]],
        give_up: Callable[[ProcessFailure], Never],
        barrier: Barrier,
    ) -> None:
        """Make a control socket a peer; `give_up` reports a failure and ends the process.

        Raises: Unavailable.
        """
        self.peers = [
            Peer(number, seat, cpus[number]) for number, seat in enumerate(seats) if number
        ]
        self._seats, self._cpus = seats, cpus
        self._barrier = barrier
        self._block = 0  # the number of the last one
        self._starters = [peer for peer in self.peers if peer.seat.part.starts]
        self._by_message = not futex.usable()
        self._watching = True
        self._give_up = give_up
        signal.signal(signal.SIGCHLD, self._on_child_exit)

    def fork(
        self,
        tickets: Sequence[Ticket],
        attach: Callable[[Peer, Ticket], BlockRunner],
        drop: Callable[[], None],
    ) -> None:
        """Start every peer. `tickets` are in the order of the processes, the worker's first.

        Raises: Unavailable.
        """
        for peer in self.peers:

            def drop_all_others(mine: Peer = peer) -> None:
                drop()
                for ticket in tickets:
                    if ticket is not tickets[mine.number]:
                        ticket.close()
                for other in self.peers:
                    other.near.close()
                    if other.number > mine.number:
                        other.far.close()
                pin_and_disable_gc(mine.cpus)

            def run(control: ControlSocket, mine: Peer = peer) -> None:
                spins = spins_of(mine.cpus, self._cpus)
                run_peer(control, lambda: attach(mine, tickets[mine.number]), self._barrier, spins)

            peer.fork(run, drop_all_others)

    def _on_child_exit(self, number: int, frame: FrameType | None) -> None:
        """End the run on SIGCHLD: a peer has ended too early.

        The worker may be waiting for that peer, and where the facility is silent about a
        peer's death, nothing else would end the wait. Nothing is raised here: a binding may
        replace the exception by an error of its own, and its wait would go on. A native wait
        returns early for this handler (transports/native/child_exit.h).
        """
        if not self._watching:
            return
        for peer in self.peers:
            if not peer.pid:
                continue
            pid, status = os.waitpid(peer.pid, os.WNOHANG)
            if pid:
                self._watching = False
                peer.pid = 0
                last = peer.near.last_words()
                self._give_up(last or ProcessFailure(peer.who, "", how_it_ended(status)))

    def connect(self, own_hello: object, deadline: float) -> list[object]:
        """Collect the hellos of all peers, send each those of its channel, and return the worker's.

        Raises: RunFailed, PeerGone, TimedOut.
        """
        greetings = [peer.near.listen(Hello, deadline) for peer in self.peers]
        hellos = [own_hello, *(greeting.hello for greeting in greetings)]
        of_channels: dict[int, list[object]] = {}
        for seat, hello in zip(self._seats, hellos, strict=True):
            of_channels.setdefault(seat.channel, []).append(hello)
        for peer in self.peers:
            peer.near.say(Connect(of_channels[peer.seat.channel], len(hellos)))
        return of_channels[self._seats[0].channel]

    def ready(self, deadline: float | None = None) -> list[int]:
        """Wait for all peers; return the numbers that competing receivers got in a check.

        Raises: RunFailed, PeerGone, TimedOut.
        """
        answers = [peer.near.listen(Ready, deadline) for peer in self.peers]
        return [number for answer in answers for number in answer.seen]

    def ask_check(self, step: int) -> None:
        """Have every peer run its side of a step of the check. Raises: PeerGone."""
        for peer in self.peers:
            peer.near.say(Check(step))

    def announce(self, count: int, stamps: int = 0, turns: int = 0) -> None:
        """Announce a block, and return once every peer is ready. Raises: RunFailed, PeerGone."""
        self._block += 1
        number = 0 if self._by_message else self._block
        for peer in self.peers:
            peer.near.say(Block(count, stamps, number, turns))
        self.ready()

    def release(self) -> None:
        """Open the barrier for the parts that start a block. Raises: PeerGone."""
        if self._by_message:
            for peer in self._starters:
                peer.near.say(Go())
        elif self._starters:
            self._barrier.release(self._block)

    def blocks(self) -> list[Timed]:
        """Wait for the end of each peer's block, and return it. Raises: RunFailed, PeerGone."""
        done = [peer.near.listen(Done) for peer in self.peers]
        return [Timed(Span(d.start, d.end, d.handled), d.before, d.after) for d in done]

    def cpu_times(self) -> list[float | None]:
        """Read the CPU time of each peer, without a message."""
        return [process_time(peer.pid) for peer in self.peers]

    def waiting(self) -> dict[int, float]:
        """Measure the share of a CPU that each receiver takes while nothing arrives, by process."""
        waiters = [peer.number for peer in self.peers if not peer.seat.part.starts]
        if not waiters:
            return {}
        began, before = time.monotonic(), self.cpu_times()
        time.sleep(WAITING)
        wall, after = time.monotonic() - began, self.cpu_times()
        found = {}
        for number in waiters:
            start, end = before[number - 1], after[number - 1]
            if start is not None and end is not None:
                found[number] = (end - start) / wall
        return found

    def tails(self) -> list[Counts]:
        """Return the single times that each peer took in the last block, as histograms.

        Asked for when all have ended: a process that counts takes no time from one that is
        still timed. Raises: RunFailed, PeerGone.
        """
        asked = [peer for peer in self.peers if peer.seat.part.stamped]
        for peer in asked:
            peer.near.say(Collect())
        return [peer.near.listen(Tail).counts for peer in asked]

    def stop(self) -> None:
        """Have all peers close their endpoints and end, and wait until they have closed them.

        The fork server waits for their ends: a process needs a millisecond to give back its
        memory.
        """
        self._watching = False
        for peer in self.peers:
            with suppress(PeerGone):
                peer.near.say(Stop())
        for peer in self.peers:
            with suppress(PeerGone, RunFailed):
                peer.near.next()
            peer.pid = 0

    def drop(self) -> None:
        """Close the control sockets of peers that were not started."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for peer in self.peers:
            peer.near.close()
            peer.far.close()

    def await_news(self) -> None:
        """Leave SIGCHLD time to arrive: a process's descriptors close before its parent hears."""
        time.sleep(LAST_WORDS)

    def kill(self) -> None:
        """Kill the peers that are left, and wait for them."""
        self._watching = False
        for peer in self.peers:
            if peer.pid:
                os.kill(peer.pid, signal.SIGKILL)
                os.waitpid(peer.pid, 0)
                peer.pid = 0
