"""Layout of a channel's segment: the places of lanes and waiters, and the seats they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.transports.contract import Role, Spec, Topology
from ipcbench.transports.native import operations
from ipcbench.transports.shm.counted_ring import LINE_PAIR, default_depth, lane_size
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.waiter import WORD_BYTES, WaiterKind


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all parts: first the waiters that are in memory, then the lanes.

    Where lanes are *atomic* (native/word_ring.h), there are no waiters: each receiving
    seat has a doorbell in their place, and the lanes contain all other words.

    `to_server` lanes lead to the one server or receiver, one from each other process.
    `to_client` lanes lead to the clients, in the same order. A waiter that several
    processes may notify counts the used slots of all `to_server` lanes.
    """

    spec: Spec
    depth: int
    to_server: int
    to_client: int
    together: bool  # one waiter for the used slots of all lanes to the server
    words: bool  # the waiters are in the segment
    atomic: bool = False  # the lanes are word rings: native/word_ring.h

    @classmethod
    def of(cls, spec: Spec, kind: WaiterKind, depth: int | None = None) -> Layout:
        to_server = spec.parties - 1
        return cls(
            spec,
            depth or spec.depth or default_depth(spec.size),
            to_server,
            0 if spec.topology is Topology.FAN_IN else to_server,
            kind.many and (to_server > 1 or spec.topology is Topology.HUB),
            kind.in_memory,
            kind.in_memory and (spec.native or not futex.ORDERED),
        )

    @property
    def lanes(self) -> int:
        return self.to_server + self.to_client

    @property
    def initials(self) -> list[int]:
        """The initial count of each waiter: those of free slots, then those of used slots."""
        if self.atomic:
            return []
        used = self.lanes - self.to_server + 1 if self.together else self.lanes
        return [self.depth] * self.lanes + [0] * used

    @property
    def base(self) -> int:
        """The offset of the first lane."""
        if self.atomic:
            return LINE_PAIR * (1 + self.to_client)
        return WORD_BYTES * len(self.initials) if self.words else 0

    @property
    def size(self) -> int:
        return self.start(self.lanes)

    def start(self, lane: int) -> int:
        """Return the offset of a lane."""
        size = operations.word_lane_bytes if self.atomic else lane_size
        return self.base + lane * int(size(self.spec.size, self.depth))

    def doorbell(self, lane: int) -> int:
        """Return the offset of the doorbell of an atomic lane's receiver."""
        return 0 if lane < self.to_server else LINE_PAIR * (lane - self.to_server + 1)

    def seat(self, role: Role, index: int) -> tuple[Sequence[int], Sequence[int]]:
        """Return the incoming and the outgoing lanes of a seat."""
        if role in (Role.SERVER, Role.RECEIVER):
            return range(self.to_server), range(self.to_server, self.lanes)
        return [self.to_server + index] if self.to_client else [], [index]

    def free_slots(self, lane: int) -> int:
        """Return the number of the waiter that counts a lane's free slots."""
        return lane

    def used_slots(self, lane: int) -> int:
        """Return the number of the waiter that counts a lane's used slots."""
        if not self.together:
            return self.lanes + lane
        return self.lanes + (0 if lane < self.to_server else lane - self.to_server + 1)

    def word(self, memory: memoryview, number: int) -> memoryview | None:
        """Return the memory of a waiter, if it is in memory."""
        return memory[number * WORD_BYTES : (number + 1) * WORD_BYTES] if self.words else None
