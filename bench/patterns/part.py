"""Part, seat and pattern: the types that a file of this folder fills in.

A pattern is one file: the loops of its parts in Python, their sides of the check of a
channel, its seats, and the `Pattern` itself, which `table.py` lists. A loop's twin in C has
the same name (`bench/loops/_loops.h`); a pattern without twins runs from Python alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from ipcbench.bench.loops.both_ends import attach_one
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.loop import Loop, Span, Stamped
from ipcbench.bench.loops.open_loop.timetable import Timetable
from ipcbench.bench.patterns.newest.board import Row
from ipcbench.transports.contract import (
    Channel,
    Role,
    Ticket,
    Topology,
    Traits,
    Transport,
)


class Board(Enum):
    """The use that a loop makes of the board (bench/patterns/newest/board.py)."""

    NONE = "none"
    WRITES = "writes"  # its message is its row
    READS = "reads"  # its buffer is all rows


# The loop of a part in a rehearsal: runs so many loops from the first message on, and returns the
# number of messages that it has handled. Raises: Corrupt, and what the endpoint raises.
Run: TypeAlias = Callable[[int], int]

# One side of a step of a rehearsal: the endpoint, the seat, the size, and the loop. Returns what
# `Pattern.rehearsed` compares. Raises: as `Part.check`.
Rehearse: TypeAlias = Callable[[Any, "Seat", int, Run], list[int]]


@dataclass(frozen=True, slots=True)
class Part:
    """The work of one process in a timed block, and in the check before it.

    Attributes:
        loop: the timed loop in Python.
        check: runs this side of the check; returns the numbers that a competing receiver
            got. Raises Corrupt, and what the endpoint raises.
        starts: the process waits for the barrier; the others wait at their endpoint by then.
        ends: the block lasts until this process has finished.
        stamped: the loop with single times, where a process of this part can tell them.
        buffer: returns the buffer to receive into, from the size of a message and the
            variable that all processes share.
        finish: prepares the call that follows the loop in each block.
        arguments: further arguments of the loop, and of its twin in C.
        pool: the loop takes a pool of buffers instead of a message (bench/loops/payloads/pool.py).
        arrays: the loop takes NumPy arrays instead of a message (bench/loops/payloads/arrays.py).
        numbers: the loop writes messages anew, or accesses a file; the number of the first one
            is its further argument.
        marks: the last messages of a block, one for each receiver, carry the end mark. Their
            number is the loop's last further argument, and its buffer is the memory of the
            message that it sends again and again.
        reads: the loop reads every byte; it has handled those messages that it has read to
            their end, and what arrived last is compared behind each block.
        rehearse: the steps of a rehearsal. Each exchanges messages that are written anew with
            the other side, through the loop that is timed, at this side or at the other one. All
            processes end a step before one begins the next.
        times: returns the times of this part's messages, from the timetable and their number:
            the loop's further argument; None: the loop has no schedule.
        observe: returns what the last block has shown beside its time: the journal's
            observations of a run, by the worker's part.
        in_place: this part over a transport whose messages are read in place; None: the same.
        board: the use that the loop makes of the board.
        proof: as `check`, with the words of the board.
    """

    loop: Loop
    check: Callable[[Any, Seat, int], list[int]]
    starts: bool = False
    ends: bool = False
    stamped: Stamped | None = None
    buffer: Callable[[int, memoryview], memoryview] = lambda size, variable: aligned_buffer(size)
    finish: Callable[[Any, Seat, int], Callable[[], None]] = lambda *_: _nothing
    arguments: tuple[int, ...] = ()
    pool: bool = False
    arrays: bool = False
    numbers: bool = False
    marks: bool = False
    reads: bool = False
    rehearse: tuple[Rehearse, ...] = ()
    times: Callable[[Timetable, int], memoryview] | None = None
    observe: Callable[[Any], Mapping[str, float]] = lambda *_: {}
    in_place: Part | None = None
    board: Board = Board.NONE
    proof: Callable[[Any, Seat, int, memoryview], None] = lambda *_: None

    @property
    def name(self) -> str:
        """Return the name of its loop, by which errors call the part."""
        return self.loop.__name__

    def over(self, traits: Traits) -> Part:
        """Return the part over a transport: where messages are read in place, it may differ."""
        return self.in_place if self.in_place and traits.in_place else self


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of one process: its channel, its role there, and its part.

    `share`: the part's count is the loop's count times this.
    """

    channel: int
    role: Role
    index: int
    part: Part
    share: int = 1


# Observation -> (how many, of how many), for one block.
Observed: TypeAlias = Mapping[str, tuple[int, int]]

MESSAGES, WAKE_UPS, ACCESSES, VALUES = "messages", "wake-ups", "accesses", "newest values"
_KINDS = {
    Topology.SIGNAL: WAKE_UPS,
    Topology.GUARD: WAKE_UPS,
    Topology.FILE: ACCESSES,
    Topology.NEWEST: VALUES,
}


def kind_of(topology: Topology) -> str:
    """Return what a channel of a topology is used for; most carry messages."""
    return _KINDS.get(topology, MESSAGES)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The work of all processes of a run, as seats at channels.

    Attributes:
        per: the unit that a value is the time of.
        seats: the seats in the order of the processes; the worker has the first one.
        units: how many units a loop of the block makes, over all processes.
        refuses: the numbers of processes that are possible ("has 2 processes"), for one that
            is not; else "".
        complete: compares the numbers that competing receivers got in the check with those
            sent to so many processes, at a size. Raises Corrupt.
        rehearsed: as `complete`, for what competing receivers got in a step of the rehearsal,
            counted from 0. Raises Corrupt.
        account: compares the work done in a block with the work due: the spans of all
            processes, the shared variable's value, the transport's traits. Raises Corrupt.
        observe: reads the board behind each block. Raises Corrupt.
        busy: no process ever sleeps, so no CPU becomes idle.
        gap: seconds of each loop that are not timed: the processes sleep, and leave their CPU
            to others.
        least: the least number of loops of a block.
        least_size: the least bytes of a message: its loops write numbers into it.
        single: the unit that one time of the tail pass is of, "" where there is no such pass.
        steady: the tail pass begins with a block of the warm-up, without stamps, since its times
            depend on how full the channel is; else with one loop.
        alone: its one process uses no channel: the transport is `null`.
        both_ends: its one process holds both ends of a link (bench/loops/both_ends.py).
        open_loop: messages are sent by a schedule (bench/loops/open_loop/timetable.py), whose rate
            is the cell's pace. A value is the median latency from the times at which they were due.
        weight: about so many small messages take the time of a unit, by a made-up clock.
        attach: makes what the worker's loop takes as its endpoint, from its ticket.
    """

    name: str
    topology: Topology
    per: str
    seats: Callable[[int], list[Seat]]
    units: Callable[[int], int]
    refuses: Callable[[int], str]
    complete: Callable[[list[int], int, int], None] = lambda *_: None
    rehearsed: Callable[[int, list[int], int, int], None] = lambda *_: None
    account: Callable[[Sequence[Span], int, Traits], Observed] = lambda *_: {}
    observe: Callable[[Sequence[Row]], Observed] = lambda rows: {}
    busy: bool = False
    gap: float = 0.0
    least: int = 1
    least_size: int = 0
    single: str = ""
    steady: bool = False
    alone: bool = False
    both_ends: bool = False
    open_loop: bool = False
    weight: float = 1.0
    attach: Callable[[Transport, Channel, Ticket, float], Any] = attach_one

    @property
    def carries(self) -> bool:
        """Say if messages go over the channel; signals, guards and files carry none."""
        return self.kind == MESSAGES

    @property
    def kind(self) -> str:
        """Return what its channels are used for: as of `kind_of`."""
        return kind_of(self.topology)

    @property
    def sized(self) -> bool:
        """Say if its cells have a size, of a message or of an access to a file."""
        return self.kind != WAKE_UPS

    def channels(self, processes: int) -> int:
        """Return the number of channels."""
        return 1 + max(seat.channel for seat in self.seats(processes))

    def parties(self, processes: int) -> int:
        """Return the number of processes on one channel, which joins two at least."""
        return max(2, processes // self.channels(processes))


def elapsed(seats: Sequence[Seat], spans: Sequence[Span]) -> float:
    """Return the seconds from the first start to the last end, of the parts that set them."""
    together = list(zip(seats, spans, strict=True))
    start = min(span.start for seat, span in together if seat.part.starts)
    end = max(span.end for seat, span in together if seat.part.ends)
    return end - start


def unevenness(seats: Sequence[Seat], spans: Sequence[Span]) -> float | None:
    """Return the slowest process's time divided by the fastest one's; None for a single one.

    They are those that start a block together, each with the same number of loops: clients,
    senders, members. Each time counts from the start of the block, so it includes the wait of
    a process that does not get its turn.
    """
    together = [span for seat, span in zip(seats, spans, strict=True) if seat.part.starts]
    start = min(span.start for span in together)
    ends = [span.end - start for span in together]
    return max(ends) / min(ends) if len(ends) > 1 and min(ends) > 0 else None


def links(client: Part, server: Part) -> Callable[[int], list[Seat]]:
    """Return the seats of pairs of processes, each pair over a link of its own."""

    def seats(processes: int) -> list[Seat]:
        return [
            Seat(number // 2, Role.SERVER, 0, server)
            if number % 2
            else Seat(number // 2, Role.CLIENT, 0, client)
            for number in range(processes)
        ]

    return seats


def only_two(processes: int) -> str:
    """Refuse any number of processes but two."""
    return "" if processes == 2 else "has 2 processes"


def only_even(processes: int) -> str:
    """Refuse an odd number of processes."""
    return "" if processes % 2 == 0 else "has an even number of processes"


def any_number(processes: int) -> str:
    """Refuse one process alone."""
    return "" if processes > 1 else "has 2 processes or more"
