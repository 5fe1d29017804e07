"""Layout of a channel's segment: its lanes, the seats that they belong to, and the doorbells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ipcbench.transports.contract import Role, Spec, Topology

LINE_PAIR = 128  # bytes that x86 fetches together: IPCBENCH_LINE_PAIR of native/futex.h
COUNTER_OFFSET = 24  # of a counter behind its doorbell: it takes 104 bytes at most
DEFAULT_CAPACITY = 64 * 1024  # bytes a direction, as in a pipe: pipe(7)
FEWEST, MOST = 4, 4096  # slots of a default depth
LARGE = 1024 * 1024  # bytes of a message, from which on two slots are enough
FEWEST_LARGE = 2


def default_depth(size: int) -> int:
    """Return the slots for `DEFAULT_CAPACITY` bytes a direction, within bounds."""
    if size >= LARGE:
        return FEWEST_LARGE
    return min(MOST, max(FEWEST, DEFAULT_CAPACITY // max(size, 1)))


def in_lines(size: int, line: int = 64) -> int:
    """Round bytes up to whole cache lines."""
    return -(-size // line) * line


@dataclass(frozen=True, slots=True)
class Seats:
    """The lanes of a channel, and the seats that they belong to.

    `to_server` lanes lead to the one server or receiver, one from each other process.
    `to_client` lanes lead to the clients, in the same order.
    """

    spec: Spec
    depth: int
    to_server: int
    to_client: int

    @classmethod
    def of(cls, spec: Spec, depth: int | None = None) -> Seats:
        to_server = spec.parties - 1
        return cls(
            spec,
            depth or spec.depth or default_depth(spec.size),
            to_server,
            0 if spec.topology is Topology.FAN_IN else to_server,
        )

    @property
    def lanes(self) -> int:
        return self.to_server + self.to_client

    def lanes_of(self, role: Role, index: int) -> tuple[Sequence[int], Sequence[int]]:
        """Return the incoming and the outgoing lanes of a seat."""
        if role in (Role.SERVER, Role.RECEIVER):
            return range(self.to_server), range(self.to_server, self.lanes)
        return [self.to_server + index] if self.to_client else [], [index]


class Slots(NamedTuple):
    """The layout of a lane's slots, in bytes; the same as ipcbench_slots of native/ring.h.

    Attributes:
        offset: of a message's bytes, from the start of its slot.
        stride: from slot to slot.
    """

    offset: int
    stride: int


def slots_of(size: int) -> Slots:
    """Return the layout of slots for messages of a size."""
    if size <= 56:
        return Slots(8, 64)
    if size <= 256:
        return Slots(8, (8 + size + 7) // 8 * 8)
    return Slots(64, 64 + in_lines(size))


@dataclass(frozen=True, slots=True)
class RingLayout:
    """The places of a ring's parts: a doorbell for each process, then the lanes.

    Process 0 is the server or receiver, process i + 1 client or sender i.
    """

    seats: Seats

    @property
    def counters(self) -> list[int]:
        """The initial count of each process's counter, if it sleeps by one."""
        return [0] * self.seats.spec.parties

    @property
    def size(self) -> int:
        return self.start(self.seats.lanes)

    def start(self, lane: int) -> int:
        """Return the offset of a lane."""
        seats = self.seats
        slots = slots_of(seats.spec.size).stride * seats.depth
        return LINE_PAIR * seats.spec.parties + lane * (LINE_PAIR + in_lines(slots, LINE_PAIR))

    def doorbell(self, process: int) -> int:
        """Return the offset of a process's doorbell, one word."""
        return LINE_PAIR * process

    def counter(self, process: int) -> slice:
        """Return the place of the counter by which a process sleeps, where it is in memory.

        It follows the doorbell: a process that wakes the other one writes both.
        """
        start = self.doorbell(process)
        return slice(start + COUNTER_OFFSET, start + LINE_PAIR)

    def process(self, role: Role, index: int) -> int:
        """Return the number of the process in a seat."""
        return 0 if role in (Role.SERVER, Role.RECEIVER) else index + 1

    def other(self, own: int, lane: int) -> int:
        """Return the number of the process at the other side of a lane."""
        return lane % self.seats.to_server + 1 if own == 0 else 0

    def opened(self, role: Role, index: int) -> list[int]:
        """Return the processes whose counters a seat uses, its own first."""
        own = self.process(role, index)
        others = range(1, self.seats.spec.parties) if own == 0 else [0]
        return [own, *others]
