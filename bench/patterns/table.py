"""Patterns: what the processes of a run do, as seats at channels and parts in loops.

To add one, write its loops (loops.py, _loops.c) and its entry in `PATTERNS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from ipcbench.bench.loops import native_loops
from ipcbench.bench.patterns import python_loops
from ipcbench.bench.patterns.python_loops import Loop, Span, Stamped
from ipcbench.transports.contract import Role, Topology


class Part(Enum):
    """What one process does in a timed block, and who sets it off.

    A part that `starts` waits for the barrier; the others are waiting at their
    endpoint by then. One that `ends` says when the block is over. `stamped` is
    its loop with a time stamp a round trip, where it has round trips. `native`
    and `native_stamped` are those loops' twins in C.
    """

    PING = ("ping", python_loops.ping, True, True, python_loops.stamped_ping)
    PONG = ("pong", python_loops.pong, False, False)
    POUR = ("pour", python_loops.pour, True, True)
    DRAIN = ("drain", python_loops.drain, False, False)
    EMIT = ("emit", python_loops.emit, True, False)
    ABSORB = ("absorb", python_loops.absorb, False, True)
    DEAL = ("deal", python_loops.emit, True, False)
    COMPETE = ("compete", python_loops.compete, False, True)
    SERVE = ("serve", python_loops.serve, False, False)
    NUDGE = ("nudge", python_loops.nudge, True, True, python_loops.stamped_nudge)
    ANSWER = ("answer", python_loops.answer, False, False)
    COUNT = ("count", python_loops.count_up, True, True)

    def __init__(
        self, title: str, loop: Loop, starts: bool, ends: bool, stamped: Stamped | None = None
    ) -> None:
        self.title = title
        self.loop = loop
        self.starts = starts
        self.ends = ends
        self.stamped = stamped
        self.native: Loop = getattr(native_loops, loop.__name__)
        self.native_stamped: Stamped | None = (
            None if stamped is None else getattr(native_loops, stamped.__name__)
        )


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one process sits: which channel, in which role, and its part.

    `share`: how many times a loop's count this process has to do its part.
    """

    channel: int
    role: Role
    index: int
    part: Part
    share: int = 1


CARRY_NOTHING = frozenset({Topology.SIGNAL, Topology.GUARD})


@dataclass(frozen=True, slots=True)
class Pattern:
    """`seats(processes)` is in the order of the processes; the worker is the first.

    `per`: what a value is the time of. `units(processes)`: how many of them a
    loop of the block makes, over all processes.
    """

    name: str
    topology: Topology
    per: str
    seats: Callable[[int], list[Seat]]
    units: Callable[[int], int]
    refuses: Callable[[int], str]  # why not this number of processes, or ""

    @property
    def carries(self) -> bool:
        """Whether messages go over the channel; signals and guards carry none."""
        return self.topology not in CARRY_NOTHING

    def channels(self, processes: int) -> int:
        return 1 + max(seat.channel for seat in self.seats(processes))

    def parties(self, processes: int) -> int:
        """Processes on one channel."""
        return processes // self.channels(processes)


def elapsed(seats: Sequence[Seat], spans: Sequence[Span]) -> float:
    """Seconds from the first start to the last end, of those whose parts count for it."""
    together = list(zip(seats, spans, strict=True))
    start = min(span.start for seat, span in together if seat.part.starts)
    end = max(span.end for seat, span in together if seat.part.ends)
    return end - start


def _links(near: Part, far: Part) -> Callable[[int], list[Seat]]:
    """Pairs of processes, each over a link of its own."""

    def seats(processes: int) -> list[Seat]:
        return [
            Seat(number // 2, *((Role.SERVER, 0, far) if number % 2 else (Role.CLIENT, 0, near)))
            for number in range(processes)
        ]

    return seats


def _fan_in(processes: int) -> list[Seat]:
    """Process 0 receives what all others send."""
    senders = processes - 1
    return [
        Seat(0, Role.RECEIVER, 0, Part.ABSORB, share=senders),
        *(Seat(0, Role.SENDER, index, Part.EMIT) for index in range(senders)),
    ]


def _fan_out(processes: int) -> list[Seat]:
    """Process 0 sends what all others compete for; its loop's count is all their messages."""
    receivers = processes - 1
    return [
        Seat(0, Role.SENDER, 0, Part.DEAL, share=receivers),
        *(Seat(0, Role.RECEIVER, index, Part.COMPETE, share=0) for index in range(receivers)),
    ]


def _echo(processes: int) -> list[Seat]:
    """Process 0 serves all others."""
    clients = processes - 1
    return [
        Seat(0, Role.SERVER, 0, Part.SERVE, share=clients),
        *(Seat(0, Role.CLIENT, index, Part.PING) for index in range(clients)),
    ]


def _signal(processes: int) -> list[Seat]:
    return [Seat(0, Role.CLIENT, 0, Part.NUDGE), Seat(0, Role.SERVER, 0, Part.ANSWER)]


def _counter(processes: int) -> list[Seat]:
    return [Seat(0, Role.MEMBER, index, Part.COUNT) for index in range(processes)]


def _two(processes: int) -> str:
    return "" if processes == 2 else "two processes take part, no more and no fewer"


def _even(processes: int) -> str:
    return "" if processes % 2 == 0 else "pairs need an even number of processes"


def _any(processes: int) -> str:
    return ""


PATTERNS = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            "latency", Topology.LINK, "round trip", _links(Part.PING, Part.PONG), lambda n: 1, _two
        ),
        Pattern(
            "stream", Topology.LINK, "message", _links(Part.POUR, Part.DRAIN), lambda n: 1, _two
        ),
        Pattern(
            "pairs",
            Topology.LINK,
            "message",
            _links(Part.POUR, Part.DRAIN),
            lambda n: n // 2,
            _even,
        ),
        Pattern(
            "pairs-latency",
            Topology.LINK,
            "round trip",
            _links(Part.PING, Part.PONG),
            lambda n: n // 2,
            _even,
        ),
        Pattern("fan-in", Topology.FAN_IN, "message", _fan_in, lambda n: n - 1, _any),
        Pattern("fan-out", Topology.FAN_OUT, "message", _fan_out, lambda n: n - 1, _any),
        Pattern("echo", Topology.HUB, "round trip", _echo, lambda n: n - 1, _any),
        Pattern("signal", Topology.SIGNAL, "round trip", _signal, lambda n: 1, _two),
        Pattern("counter", Topology.GUARD, "update", _counter, lambda n: n, _any),
    )
}
