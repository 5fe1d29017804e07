"""One process's end of rings in shared memory, bound into `send` and `recv_into`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ipcbench.transports.base import MappingEndpoint, check_message, closed, serve
from ipcbench.transports.base.defaults import lending
from ipcbench.transports.contract import Ticket, Wait
from ipcbench.transports.native import WaitPolicy, bind, built, operations, unbind
from ipcbench.transports.segments.protocol import SegmentKind
from ipcbench.transports.shm.handles import Handles
from ipcbench.transports.shm.in_place import in_place
from ipcbench.transports.shm.layout import RingLayout, Seats
from ipcbench.transports.shm.ring import Lane, Side, collector, consumer, nothing, producer
from ipcbench.transports.shm.state import RingState
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.doorbell import (
    Pause,
    PauseForAny,
    notify_of,
    pause_for_any,
    pause_of,
    sleeping,
)
from ipcbench.transports.sync.waiter import NATIVE_SPINS, WaiterKind


class RingEndpoint(MappingEndpoint):
    """A seat at rings. Its native operations are over the same memory.

    Its own loops are in Python on x86-64, whose loads and stores stay in order. Elsewhere they
    are the native operations. On x86-64 these take less time as well: a measurement of Python is
    to show what Python can do by itself.
    """

    def __init__(
        self, segments: SegmentKind, kind: WaiterKind, ticket: Ticket, *, lends: bool
    ) -> None:
        self._kind, self._in_place = kind, lends
        self._ticket, self._spec = ticket, ticket.spec
        self._layout = RingLayout(Seats.of(ticket.spec, ticket.data["depth"]))
        self.depth: int | None = self._layout.seats.depth
        self._process = self._layout.process(ticket.role, ticket.index)
        self._incoming, self._outgoing = self._layout.seats.lanes_of(ticket.role, ticket.index)
        self._lanes: dict[int, Lane] = {}
        self._words: dict[int, memoryview] = {}
        self._native: object | None = None  # only one, since it knows which slot is next
        # Of the counters: it looks at the ring's words before it sleeps.
        policy = self._policy(interruptible=not futex.ORDERED)._replace(looks=0)
        self._handles = Handles(segments, kind, ticket, lambda number: policy, self._layout.counter)
        try:
            self._cut()
            self._bind()
        except BaseException:
            self.close()
            raise

    @property
    def _sleeps(self) -> bool:
        return self._spec.wait is not Wait.SPIN

    def _policy(self, *, interruptible: bool) -> WaitPolicy:
        """Return how a native end waits."""
        return WaitPolicy.of(self._spec, NATIVE_SPINS)._replace(interruptible=interruptible)

    def _cut(self) -> None:
        """Make the views of this seat's lanes and doorbells."""
        memory, layout, seats = self._handles.segment.memory, self._layout, self._layout.seats
        for lane in (*self._incoming, *self._outgoing):
            self._lanes[lane] = Lane.cut(memory, layout.start(lane), seats.spec.size, seats.depth)
        for process in layout.opened(self._ticket.role, self._ticket.index):
            start = layout.doorbell(process)
            self._words[process] = memory[start : start + 4].cast("I")

    def _bind(self) -> None:
        """Set `send` and `recv_into`, or a hub's `recv_from` and `send_to`."""
        if not futex.ORDERED:
            bind(self, self._operations(interruptible=True), interruptible=True)
            return
        how = self._sleep(), self._spec
        pause = pause_of(*how)
        receivers = [self._side(lane, pause) for lane in self._incoming]
        ring_owed = self._bind_receivers(receivers, pause_for_any(*how))
        senders = [self._producer(self._side(lane, pause), ring_owed) for lane in self._outgoing]
        if self._ticket.serves_hub:
            serve(self, self, senders)
            return
        for send in senders:
            self.send = send

    def _bind_receivers(
        self, receivers: Sequence[Side], several: PauseForAny
    ) -> Callable[[], None]:
        """Set the calls that receive. Return `ring_owed`: see ring.consumer."""
        ring_owed = nothing
        if len(receivers) > 1 or self._ticket.serves_hub:
            self.recv_into, recv_from, ring_owed = collector(receivers, several)
            if self._ticket.serves_hub:
                self.recv_from = recv_from
        elif receivers and self._in_place:
            self.recv_into, self.peek, self.release, ring_owed = in_place(receivers[0])
        elif receivers:
            self.recv_into, ring_owed = consumer(receivers[0])
        return ring_owed

    def _sleep(self) -> Pause | None:
        """Make the sleep of this process; None where it never sleeps."""
        if not self._sleeps:
            return None
        own = self._process
        return sleeping(self._words[own], self._handles.waiters.get(own), self._kind, self._spec)

    def _side(self, lane: int, pause: Pause) -> Side:
        other = self._layout.other(self._process, lane)
        waiter = self._handles.waiters.get(other)
        notify = None
        if self._sleeps:
            notify = notify_of(self._words[other], waiter, self._kind)
        return Side(self._lanes[lane], pause, notify)

    def _producer(self, side: Side, ring_owed: Callable[[], None]) -> Any:
        send, loan, commit = producer(side, ring_owed)
        if self._in_place:
            self.loan, self.commit = lending(self._spec.size, loan, commit)
        return send

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._spec)
        return data

    def native(self) -> object | None:
        if self._native is None and built() is None and not self._closed:
            self._native = self._operations(interruptible=False)
        return None if self._native is None else operations.with_owner(self, self._native)

    def _operations(self, *, interruptible: bool) -> object:
        layout = self._layout
        incoming, outgoing = (
            tuple(
                (layout.start(lane), self._bell(layout.other(self._process, lane)))
                for lane in lanes
            )
            for lanes in (self._incoming, self._outgoing)
        )
        return operations.ring(
            None, self._handles.segment.memory, self._spec.size, layout.seats.depth,
            incoming, outgoing, self._ticket.serves_hub, self._in_place,
            self._bell(self._process), self._policy(interruptible=interruptible),
        )  # fmt: skip

    def _bell(self, process: int) -> tuple[int, object]:
        """Describe a doorbell for native/ring.c."""
        return self._layout.doorbell(process), self._handles.natives.get(process)

    def observed(self) -> tuple[int, Callable[..., list[str]]]:
        """Return the segment's address and the call that describes it: testing/hangs."""
        addresses = {number: one.address for number, one in self._handles.waiters.items()}
        state = RingState(self._layout, self._kind, addresses)
        return futex.address_of(self._handles.segment.memory), state.describe

    def close(self) -> None:
        if not futex.ORDERED:
            unbind(self)  # the calls keep the segment mapped
        super().close()
        if self._in_place:
            self.loan = self.commit = self.peek = self.release = closed

    def _close(self) -> None:
        self._native = None
        for lane in self._lanes.values():
            lane.release()
        for word in self._words.values():
            word.release()
        self._handles.close()
