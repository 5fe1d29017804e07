"""What lies where in a channel's segment, and which lane and waiter is whose."""

from __future__ import annotations

from dataclasses import dataclass

from transports.contract import Spec, Topology
from transports.shm.ring import default_depth, lane_size
from transports.waiters import WORD_BYTES, WaiterKind


@dataclass(frozen=True, slots=True)
class Layout:
    """Words of waiters in memory come first, then the lanes.

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
        )

    @property
    def lanes(self) -> int:
        return self.forth + self.back

    @property
    def initials(self) -> list[int]:
        """What each waiter holds to begin with: the lanes' rooms, then their items."""
        items = self.lanes - self.forth + 1 if self.together else self.lanes
        return [self.depth] * self.lanes + [0] * items

    @property
    def base(self) -> int:
        """Where the lanes begin, in bytes."""
        return WORD_BYTES * len(self.initials) if self.words else 0

    @property
    def size(self) -> int:
        return self.base + self.lanes * lane_size(self.spec.size, self.depth)

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
