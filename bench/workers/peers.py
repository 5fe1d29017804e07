"""The processes of a run beside the worker: forked, pinned, led through attach, check, blocks."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Never

from ipcbench.bench.loops.buffers import room
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.patterns import verify
from ipcbench.bench.patterns.python_loops import END_MARK, Span
from ipcbench.bench.patterns.table import Part, Seat
from ipcbench.bench.results.records import Usage
from ipcbench.bench.workers.control import (
    Block,
    Broken,
    Check,
    Connect,
    Done,
    Go,
    Hello,
    Line,
    Measure,
    Ready,
    Stop,
    Used,
    broken,
)
from ipcbench.bench.workers.process import die_with, fork, how_it_ended, usage
from ipcbench.transports.base.forking import FAILED
from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import Endpoint, PeerGone, Ticket, TransportError
from ipcbench.transports.native import native_of

LAST_WORDS = 0.5  # seconds for the news of a peer's end to arrive
ATTACH_TIME = 10.0  # seconds for all to attach and connect
# What messages are full of. Memory that nobody has written is the kernel's one page of
# zeros, which is always cached: sending from there is a third too quick at 1 MiB.
WRITTEN = b"\x01"


class Player:
    """One process's side of a run, the worker's as well: its endpoint, message and buffer.

    `variable`: the counter that all processes of a run share, eight bytes. `native`:
    the loops are compiled ones, over the endpoint's native operations.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        seat: Seat,
        size: int,
        clock: Clock,
        variable: memoryview,
        *,
        native: bool,
    ) -> None:
        self.endpoint: Any = endpoint
        self.seat = seat
        self.size = size
        self.clock = clock
        self._native = native
        self.loop = seat.part.native if native else seat.part.loop
        self.stamped = seat.part.native_stamped if native else seat.part.stamped
        self.buffer = room(size)
        self.message: Any = room(size)
        self.message[:] = WRITTEN * size
        if not native:
            self.message = endpoint.prepare(self.message)
        self._end_mark: Any = None
        if seat.part is Part.COUNT:
            self.buffer = variable
        if seat.part is Part.DEAL:
            self._end_mark = endpoint.prepare(memoryview(bytes([END_MARK]) * size))

    def connect(self, hellos: Sequence[object], deadline: float) -> None:
        """Finish attaching; from here on a native run goes through the native operations alone."""
        self.endpoint.connect(hellos, deadline)
        if self._native:
            self.endpoint = native_of(self.endpoint)

    def check(self) -> list[int]:
        """Play this side of the check; the numbers that a competing receiver got."""
        return verify.check(self.endpoint, self.seat, self.size)

    def prepare(self, count: int) -> Callable[[], Span]:
        """Make ready for a block of `count` loops; what comes back plays it."""
        seat = self.seat
        times = count * seat.share
        self.clock.begin(times or count)

        def play() -> Span:
            span = self.loop(self.endpoint, self.message, self.buffer, times, self.clock)
            if seat.part is Part.DEAL:
                for _ in range(seat.share):  # as many as there are receivers
                    self.endpoint.send(self._end_mark)
            return span

        return play


def settle(cpus: Sequence[int]) -> None:
    """Pin this process, and keep the collector of garbage out of timed loops.

    Raises: Unavailable where we may not, or not any more: sched_setaffinity(2).
    """
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        named = ", ".join(map(str, cpus))
        gone = "the CPUs of this process have changed: measure anew"
        raise refused(f"sched_setaffinity(2) to CPU {named}", error, gone) from error
    gc.disable()


class Peer:
    """The worker's handle on one other process."""

    def __init__(self, number: int, seat: Seat, cpus: Sequence[int]) -> None:
        self.number = number
        self.seat = seat
        self.cpus = cpus
        self.who = f"peer {number} ({seat.role.value})"
        self.pid = 0
        self.line, self._far = Line.pair("the worker", self.who)

    def fork(self, play: Callable[[Line], None], strangers: Callable[[], None]) -> None:
        """Start the process: it drops what is not its own (`strangers`), then plays.

        Raises: Unavailable.
        """
        parent = os.getpid()
        self.pid = fork(lambda: _live(self, parent, play, strangers))
        self._far.close()

    def far(self) -> Line:
        return self._far


def _live(
    peer: Peer, parent: int, play: Callable[[Line], None], strangers: Callable[[], None]
) -> int:
    """The whole life of a peer's process: its exit code."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with(parent)
        strangers()
        play(peer.far())
        return 0
    except PeerGone as error:
        if str(error) != "the worker is gone":
            _complain(peer, error)
    except BaseException as error:
        _complain(peer, error)
    return FAILED


def _complain(peer: Peer, error: BaseException) -> None:
    last = broken(peer.who, error)
    try:
        peer.far().say(last)
    except TransportError:
        print(f"{peer.who}: {last.what}", file=sys.stderr)


def play(line: Line, attach: Callable[[], Player]) -> None:
    """A peer's part, from attaching until it is told to stop."""
    player = attach()
    line.say(Hello(player.endpoint.hello(), player.endpoint.depth))
    while True:
        message = line.next()
        if isinstance(message, Connect):
            player.connect(message.hellos, time.monotonic() + ATTACH_TIME)
            line.say(Ready())
        elif isinstance(message, Check):
            line.say(Ready(player.check()))
        elif isinstance(message, Block):
            _block(line, player, message.count)
        elif isinstance(message, Measure):
            line.say(Used(usage()))
        elif isinstance(message, Stop):
            player.endpoint.close()
            return


def _block(line: Line, player: Player, count: int) -> None:
    timed = player.prepare(count)
    line.say(Ready())
    if player.seat.part.starts:
        line.listen(Go)
    line.say(Done(*timed()))


class Team:
    """All peers of a run, as the worker leads them."""

    def __init__(
        self,
        seats: Sequence[Seat],
        cpus: Sequence[Sequence[int]],
        give_up: Callable[[Broken], Never],
    ) -> None:
        """`give_up` says why the run has failed, and ends the process."""
        self.peers = [
            Peer(number, seat, cpus[number]) for number, seat in enumerate(seats) if number
        ]
        self._watching = True
        self._give_up = give_up
        signal.signal(signal.SIGCHLD, self._lost)

    def fork(
        self,
        tickets: Sequence[Ticket],
        attach: Callable[[Peer, Ticket], Player],
        strangers: Callable[[], None],
    ) -> None:
        """Start every peer; `tickets` are all processes' in order, the worker's first."""
        for peer in self.peers:

            def alone(mine: Peer = peer) -> None:
                strangers()
                for ticket in tickets:
                    if ticket is not tickets[mine.number]:
                        ticket.close()
                for other in self.peers:
                    other.line.close()
                    if other.number > mine.number:
                        other.far().close()
                settle(mine.cpus)

            def life(line: Line, mine: Peer = peer) -> None:
                play(line, lambda: attach(mine, tickets[mine.number]))

            peer.fork(life, alone)

    def _lost(self, number: int, frame: FrameType | None) -> None:
        """SIGCHLD: a peer has ended before it was told to, so nobody will answer us any more.

        The run ends here, in the middle of whatever the worker waits for: where the facility
        is silent about a peer's death, nothing else would end that wait. Nothing is raised,
        for a binding may put an error of its own in its place, and the wait then goes on.
        What waits natively is left for this (transports/native/leaving.h).
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
                last = peer.line.last_words()
                self._give_up(last or Broken(peer.who, "", how_it_ended(status)))

    def connect(self, own_hello: object, deadline: float) -> list[object]:
        """Collect all hellos and hand them round; they come back for the worker itself."""
        greetings = [peer.line.listen(Hello, deadline) for peer in self.peers]
        hellos = [own_hello, *(greeting.hello for greeting in greetings)]
        for peer in self.peers:
            peer.line.say(Connect(hellos))
        return hellos

    def ready(self, deadline: float | None = None) -> list[int]:
        """Wait for all; the numbers that competing receivers got in a check."""
        answers = [peer.line.listen(Ready, deadline) for peer in self.peers]
        return [number for answer in answers for number in answer.seen]

    def ask_check(self) -> None:
        for peer in self.peers:
            peer.line.say(Check())

    def announce(self, count: int) -> None:
        """A block comes: returns once every peer is ready for it."""
        for peer in self.peers:
            peer.line.say(Block(count))
        self.ready()

    def release(self) -> None:
        """The barrier opens for those who start."""
        for peer in self.peers:
            if peer.seat.part.starts:
                peer.line.say(Go())

    def spans(self) -> list[Span]:
        """When each peer's block began and ended."""
        done = [peer.line.listen(Done) for peer in self.peers]
        return [Span(one.start, one.end, one.handled) for one in done]

    def usage(self) -> list[Usage]:
        """What each peer has used so far."""
        for peer in self.peers:
            peer.line.say(Measure())
        return [peer.line.listen(Used).usage for peer in self.peers]

    def stop(self) -> None:
        """Tell all to end, and wait for them; one that does not is killed."""
        self._watching = False
        for peer in self.peers:
            if peer.pid:
                try:
                    peer.line.say(Stop())
                except PeerGone:
                    continue
        for peer in self.peers:
            peer.line.close()  # a peer that waits for a word sees the end of file
            if peer.pid:
                os.waitpid(peer.pid, 0)
                peer.pid = 0

    def await_news(self) -> None:
        """An end of file came: a process closes what it has open before its parent hears of it."""
        time.sleep(LAST_WORDS)

    def kill(self) -> None:
        """End those at once who are still there."""
        self._watching = False
        for peer in self.peers:
            if peer.pid:
                os.kill(peer.pid, signal.SIGKILL)
                os.waitpid(peer.pid, 0)
                peer.pid = 0
