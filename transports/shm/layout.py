"""What lies where in a channel's segment, and which lane and waiter is whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.transports.contract import Role, Spec, Topology
from ipcbench.transports.native import operations
from ipcbench.transports.shm.counted_ring import default_depth, lane_size
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.waiter import WORD_BYTES, WaiterKind

APART = 128  # bytes: IPCBENCH_APART of native/words.h


@dataclass(frozen=True, slots=True)
class Layout:
    """Words of waiters in memory come first, then the lanes.

    Where lanes are *atomic* (native/word_ring.h), each receiving seat has a bell in their
    place, and whatever else is waited for is in the lanes: there are no waiters then.

    `forth` lanes lead to the one server or receiver, one from each other
    process; `back` lanes lead to the clients, in the same order. A waiter that
    several may notify counts the items of all `forth` lanes.
    """

    spec: Spec
    depth: int
    forth: int
    back: int
    together: bool  # one items waiter for all lanes forth
    words: bool  # waiters live in the segment
    atomic: bool = False  # lanes of words, of atomic loads and stores: native/word_ring.h

    @classmethod
    def of(cls, spec: Spec, kind: WaiterKind, depth: int | None = None) -> Layout:
        forth = spec.parties - 1
        return cls(
            spec,
            depth or spec.depth or default_depth(spec.size),
            forth,
            0 if spec.topology is Topology.FAN_IN else forth,
            kind.many and (forth > 1 or spec.topology is Topology.HUB),
            kind.in_memory,
            kind.in_memory and (spec.native or not futex.ORDERED),
        )

    @property
    def lanes(self) -> int:
        return self.forth + self.back

    @property
    def initials(self) -> list[int]:
        """What each waiter holds to begin with: the lanes' rooms, then their items."""
        if self.atomic:
            return []
        items = self.lanes - self.forth + 1 if self.together else self.lanes
        return [self.depth] * self.lanes + [0] * items

    @property
    def base(self) -> int:
        """Where the lanes begin, in bytes."""
        if self.atomic:
            return APART * (1 + self.back)
        return WORD_BYTES * len(self.initials) if self.words else 0

    @property
    def size(self) -> int:
        return self.start(self.lanes)

    def start(self, lane: int) -> int:
        """Where a lane begins."""
        size = operations.word_lane_bytes if self.atomic else lane_size
        return self.base + lane * int(size(self.spec.size, self.depth))

    def bell(self, lane: int) -> int:
        """Where the bell is of who receives of an atomic lane."""
        return 0 if lane < self.forth else APART * (lane - self.forth + 1)

    def seat(self, role: Role, index: int) -> tuple[Sequence[int], Sequence[int]]:
        """The lanes that lead to a seat, and those that lead away from it."""
        if role in (Role.SERVER, Role.RECEIVER):
            return range(self.forth), range(self.forth, self.lanes)
        return [self.forth + index] if self.back else [], [index]

    def hub(self, role: Role) -> bool:
        """Whether this seat has to say whom it answers."""
        return role is Role.SERVER and self.spec.topology is Topology.HUB

    def room(self, lane: int) -> int:
        """The number of a lane's waiter for room."""
        return lane

    def item(self, lane: int) -> int:
        """The number of a lane's waiter for items."""
        if not self.together:
            return self.lanes + lane
        return self.lanes + (0 if lane < self.forth else lane - self.forth + 1)

    def word(self, memory: memoryview, number: int) -> memoryview | None:
        """A waiter's place, if it lives in memory."""
        return memory[number * WORD_BYTES : (number + 1) * WORD_BYTES] if self.words else None
