"""One process's end of shared memory: its lanes and waiters, bound into `send` and `recv_into`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipcbench.transports.base import (
    Gathered,
    MappingEndpoint,
    close_all,
    closed,
    forbidden,
    serve,
    waiting_call,
)
from ipcbench.transports.contract import Json, Sharing, Ticket
from ipcbench.transports.native import WaitPolicy, build, built
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm import counted_ring, word_ring
from ipcbench.transports.shm.counted_ring import Lane
from ipcbench.transports.shm.in_place import in_place, lending
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.futex import (
    FutexWord,
    FutexWords,
    MultiWait,
    is_exclusive,
    usable_cpus,
    would_block,
)
from ipcbench.transports.sync.waiter import Waiter, WaiterKind, uninterrupted

LANES = "Python receives from several lanes on x86-64 only, whose stores stay in order"


class ShmEndpoint(MappingEndpoint):
    """A seat at rings whose loops are in Python."""

    _exclusive_cpu = False
    _in_place = False

    def __init__(self, segments: SegmentKind, kind: WaiterKind, ticket: Ticket) -> None:
        self._kind = kind
        self._ticket, self._spec = ticket, ticket.spec
        self._layout = Layout.of(ticket.spec, kind, ticket.data["depth"])
        self.depth: int | None = self._layout.depth
        self._incoming, self._outgoing = self._layout.seat(ticket.role, ticket.index)
        self._segment: OwnedSegment | None = None
        self._waiters: dict[int, Waiter] = {}
        self._lanes: dict[int, Lane] = {}
        self._natives: dict[int, object] = {}
        self._native: object | None = None  # only one, since it knows which slot is next
        fds = list(ticket.take_fds())
        try:
            self._open(segments, fds)
            self._bind()
        except BaseException:
            close_all(fds)
            self.close()
            raise

    def _open(self, segments: SegmentKind, fds: list[int]) -> None:
        """Map the segment, and open the waiters of this seat's lanes."""
        data, layout = self._ticket.data, self._layout
        by_fd = segments.sharing is Sharing.DESCRIPTORS
        self._segment = segments.open(data["segment"], fds.pop(0) if by_fd else None)
        memory = self._segment.memory
        lanes = (*self._incoming, *self._outgoing)
        used = {number(lane) for lane in lanes for number in (layout.free_slots, layout.used_slots)}
        for number, address in enumerate(data["waiters"]):
            fd = fds.pop(0) if self._kind.sharing is Sharing.DESCRIPTORS else None
            if number in used:
                self._open_waiter(number, address, fd, layout.word(memory, number))
            elif fd is not None:
                close_all([fd])
        for lane in lanes:
            self._lanes[lane] = Lane.cut(memory, lane, self._spec.size, layout.depth, layout.base)

    def _open_waiter(
        self, number: int, address: Json, fd: int | None, memory: memoryview | None
    ) -> None:
        waiter = self._waiters[number] = self._kind.open(address, fd, memory)
        if self._spec.native and built() is None:  # while it has a name
            policy = WaitPolicy.of(self._spec)
            receives = number >= self._layout.lanes  # only a receiver, for used slots, polls
            self._natives[number] = waiter.native(
                policy if receives else policy._replace(poll=False)
            )

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
                self._receive(lane)

    def _receive(self, lane: int) -> None:
        free, used = self._free_slots(lane), self._used_slots(lane)
        if isinstance(free, FutexWord) and isinstance(used, FutexWord):
            self.recv_into = word_ring.consumer(self._lanes[lane], used, free, self._pause(used))
        else:
            wait = waiting_call(used, self._spec)
            self.recv_into = counted_ring.consumer(self._lanes[lane], wait, free.notify, self._kind)

    def _producer(self, lane: int) -> Any:
        send, _, _ = self._calls_of_producer(lane)
        return send

    def _calls_of_producer(self, lane: int) -> tuple[Any, Any, Any]:
        """Make (`send`, `loan`, `commit`) of a lane."""
        free, used = self._free_slots(lane), self._used_slots(lane)
        if isinstance(free, FutexWord) and isinstance(used, FutexWord):
            return word_ring.producer(self._lanes[lane], free, used, self._pause(free))
        wait = free.try_wait if self._spec.nowait else free.wait
        return counted_ring.producer(
            self._lanes[lane], wait, used.notify, self._kind, counted=self._counted(lane)
        )

    def _collector(self) -> Gathered:
        """Make the calls that receive from several lanes."""
        lanes = [self._lanes[lane] for lane in self._incoming]
        free: Any = [self._free_slots(lane) for lane in self._incoming]
        used: Any = [self._used_slots(lane) for lane in self._incoming]
        if isinstance(self._kind, FutexWords):
            waits = MultiWait(self._kind, used, exclusive_cpu=self._exclusive_cpu)
            pause = would_block if self._spec.nowait else waits.pause
            return Gathered(*word_ring.collector(lanes, used, free, waits.taken, pause))
        notify = [waiter.notify for waiter in free]
        wait = waiting_call(used[0], self._spec)
        return Gathered(*counted_ring.collector(lanes, wait, notify, self._kind))

    def _free_slots(self, lane: int) -> Waiter:
        return self._waiters[self._layout.free_slots(lane)]

    def _used_slots(self, lane: int) -> Waiter:
        return self._waiters[self._layout.used_slots(lane)]

    def _counted(self, lane: int) -> bool:
        """Return True if the lane's messages are counted, for a consumer of several lanes."""
        return self._layout.together and lane < self._layout.to_server

    def _pause(self, word: FutexWord) -> Any:
        return would_block if self._spec.nowait else word.pause

    def native(self) -> object | None:
        if self._native is None and self._natives and self._segment is not None:
            self._native = build(
                "counted_ring", None, self._segment.memory, self._spec.size, self._layout.depth,
                tuple(map(self._described, self._incoming)),
                tuple(map(self._described, self._outgoing)),
                self._ticket.serves_hub, self._in_place,
            )  # fmt: skip
        return None if self._native is None else build("with_owner", self, self._native)

    def _described(self, lane: int) -> tuple[int, object, object, bool]:
        """Describe a lane: native/counted_ring.c."""
        layout = self._layout
        free, used = layout.free_slots(lane), layout.used_slots(lane)
        return layout.start(lane), self._natives[free], self._natives[used], self._counted(lane)

    def hello(self) -> Json:
        return usable_cpus() if self._kind.in_memory else None

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Stop yielding the CPU between looks, if no other process uses it."""
        if self._kind.in_memory and is_exclusive(usable_cpus(), hellos):
            self._exclusive_cpu = True
            for waiter in self._waiters.values():
                assert isinstance(waiter, FutexWord)
                waiter.set_exclusive_cpu(True)
            self._bind()

    def _close(self) -> None:
        self._natives, self._native = {}, None
        for waiter in self._waiters.values():
            waiter.close()
        for lane in self._lanes.values():
            lane.release()
        if self._segment is not None:
            self._segment.close()


class InPlaceEndpoint(ShmEndpoint):
    """A seat whose messages are read and written in their slots: see contract.InPlace."""

    _in_place = True

    def _producer(self, lane: int) -> Any:
        send, loan, commit = self._calls_of_producer(lane)
        self.loan, self.commit = lending(self._spec.size, loan, commit)
        return send

    def _receive(self, lane: int) -> None:
        free, kind = self._free_slots(lane), self._kind
        wait = uninterrupted(waiting_call(self._used_slots(lane), self._spec), kind)
        release = free.notify if kind.unlink_early else uninterrupted(free.notify, kind)
        self.recv_into, self.peek, self.release = in_place(self._lanes[lane], wait, release)

    def close(self) -> None:
        super().close()
        self.loan = self.commit = self.peek = self.release = closed
