"""One process's end of counted rings, bound into `send` and `recv_into`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ipcbench.transports.base import (
    Gathered,
    MappingEndpoint,
    check_message,
    forbidden,
    serve,
    waiting_call,
)
from ipcbench.transports.contract import Ticket, Wait
from ipcbench.transports.native import WaitPolicy, build, built
from ipcbench.transports.segments.protocol import SegmentKind
from ipcbench.transports.shm import counted_ring
from ipcbench.transports.shm.counted_layout import CountedLayout
from ipcbench.transports.shm.counted_ring import Lane
from ipcbench.transports.shm.handles import Handles
from ipcbench.transports.shm.layout import Seats
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.waiter import Waiter, WaiterKind

LANES = "Python receives from several lanes on x86-64 only, whose stores stay in order"


class CountedEndpoint(MappingEndpoint):
    """A seat at counted rings."""

    def __init__(self, segments: SegmentKind, kind: WaiterKind, ticket: Ticket) -> None:
        self._kind = kind
        self._ticket, self._spec = ticket, ticket.spec
        self._layout = CountedLayout(Seats.of(ticket.spec, ticket.data["depth"]))
        seats = self._layout.seats
        self.depth: int | None = seats.depth
        self._incoming, self._outgoing = seats.lanes_of(ticket.role, ticket.index)
        self._lanes: dict[int, Lane] = {}
        self._native: object | None = None  # only one, since it knows which slot is next
        self._handles = Handles(segments, kind, ticket, self._policy)
        try:
            memory = self._handles.segment.memory
            for lane in (*self._incoming, *self._outgoing):
                self._lanes[lane] = Lane.cut(memory, lane, seats.spec.size, seats.depth)
            self._bind()
        except BaseException:
            self.close()
            raise

    def _policy(self, number: int) -> WaitPolicy:
        """Return how a native end waits for a waiter; for a free slot it does not use poll(2)."""
        receives = number >= self._layout.seats.lanes  # the waiters of free slots come first
        policy = WaitPolicy.of(self._spec)
        return policy if receives else policy._replace(poll=False)

    def _bind(self) -> None:
        """Set `send` and `recv_into`, or a hub's `recv_from` and `send_to`."""
        senders = [self._producer(lane) for lane in self._outgoing]
        if len(self._incoming) > 1 and not futex.ORDERED:  # it has native operations: transport.py
            self.recv_into = self.recv_from = forbidden(f"{LANES}: Endpoint.native")
        elif self._ticket.serves_hub:
            serve(self, self._collector(), senders)
        elif len(self._incoming) > 1:
            self.recv_into = self._collector().recv_into
        else:
            for send in senders:
                self.send = send
            for lane in self._incoming:
                wait = waiting_call(self._used_slots(lane), self._spec)
                free = self._free_slots(lane).notify
                self.recv_into = counted_ring.consumer(self._lanes[lane], wait, free, self._kind)

    def _producer(self, lane: int) -> Any:
        free = self._free_slots(lane)
        polls = self._spec.wait is Wait.POLL  # of which only a receiver makes use
        spec = replace(self._spec, wait=Wait.BLOCK) if polls else self._spec
        wait = waiting_call(free, spec)
        return counted_ring.producer(
            self._lanes[lane], wait, self._used_slots(lane).notify, self._kind,
            counted=self._counted(lane),
        )  # fmt: skip

    def _collector(self) -> Gathered:
        """Make the calls that receive from several lanes."""
        lanes = [self._lanes[lane] for lane in self._incoming]
        notify = [self._free_slots(lane).notify for lane in self._incoming]
        wait = waiting_call(self._used_slots(self._incoming[0]), self._spec)
        return Gathered(*counted_ring.collector(lanes, wait, notify, self._kind))

    def _free_slots(self, lane: int) -> Waiter:
        return self._handles.waiters[self._layout.free_slots(lane)]

    def _used_slots(self, lane: int) -> Waiter:
        return self._handles.waiters[self._layout.used_slots(lane)]

    def _counted(self, lane: int) -> bool:
        """Return True if the lane's messages are counted, for a consumer of several lanes."""
        return self._layout.together and lane < self._layout.seats.to_server

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._spec)
        return data

    def native(self) -> object | None:
        if self._native is None and built() is None and not self._closed:
            self._native = build(
                "counted_ring", None, self._handles.segment.memory, self._spec.size,
                self._layout.seats.depth,
                tuple(map(self._described, self._incoming)),
                tuple(map(self._described, self._outgoing)),
                self._ticket.serves_hub, False,
            )  # fmt: skip
        return None if self._native is None else build("with_owner", self, self._native)

    def _described(self, lane: int) -> tuple[int, object, object, bool]:
        """Describe a lane: native/counted_ring.c."""
        layout, natives = self._layout, self._handles.natives
        free, used = layout.free_slots(lane), layout.used_slots(lane)
        return layout.start(lane), natives[free], natives[used], self._counted(lane)

    def _close(self) -> None:
        self._native = None
        for lane in self._lanes.values():
            lane.release()
        self._handles.close()
