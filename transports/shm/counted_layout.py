"""Layout of a channel of counted rings, and the numbers of their waiters."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.transports.contract import Role, Topology
from ipcbench.transports.shm.counted_ring import lane_size
from ipcbench.transports.shm.layout import Seats


@dataclass(frozen=True, slots=True)
class CountedLayout:
    """The places of the lanes, and the waiters: those of free slots, then those of used slots.

    One waiter counts the used slots of all lanes to the server.
    """

    seats: Seats

    @property
    def together(self) -> bool:
        """Tell if several lanes lead to the server."""
        return self.seats.to_server > 1 or self.seats.spec.topology is Topology.HUB

    @property
    def counters(self) -> list[int]:
        """The initial count of each waiter."""
        seats = self.seats
        used = seats.lanes - seats.to_server + 1 if self.together else seats.lanes
        return [seats.depth] * seats.lanes + [0] * used

    @property
    def size(self) -> int:
        return self.start(self.seats.lanes)

    def start(self, lane: int) -> int:
        """Return the offset of a lane."""
        return lane * lane_size(self.seats.spec.size, self.seats.depth)

    def free_slots(self, lane: int) -> int:
        """Return the number of the waiter that counts a lane's free slots."""
        return lane

    def used_slots(self, lane: int) -> int:
        """Return the number of the waiter that counts a lane's used slots."""
        seats = self.seats
        if not self.together:
            return seats.lanes + lane
        return seats.lanes + (0 if lane < seats.to_server else lane - seats.to_server + 1)

    def opened(self, role: Role, index: int) -> list[int]:
        """Return the numbers of the waiters that a seat uses."""
        incoming, outgoing = self.seats.lanes_of(role, index)
        lanes = [*incoming, *outgoing]
        return sorted({n for lane in lanes for n in (self.free_slots(lane), self.used_slots(lane))})
