"""One process's end of shared memory: its lanes and waiters, bound into `send` and `recv_into`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipcbench.transports.base import PlainEndpoint, close_all, closed, forbidden, waiting_call
from ipcbench.transports.contract import Json, Sharing, Spec, Ticket
from ipcbench.transports.native import WaitPolicy, built, operations
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm import counted_ring, word_ring
from ipcbench.transports.shm.counted_ring import Lane
from ipcbench.transports.shm.in_place import in_place, lending
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.futex import (
    Lookout,
    Word,
    Words,
    alone_on,
    cpus,
    would_block,
)
from ipcbench.transports.sync.waiter import Waiter, WaiterKind, patient

LANES = "Python takes turns at several lanes on x86-64 alone, whose stores stay in order"


class ShmEndpoint(PlainEndpoint):
    def __init__(self, segments: SegmentKind, kind: WaiterKind, ticket: Ticket) -> None:
        self._kind = kind
        self._ticket = ticket
        self._layout = Layout.of(ticket.spec, kind, ticket.data["depth"])
        self.depth: int | None = self._layout.depth
        self._segment: OwnedSegment | None = None
        self._waiters: dict[int, Waiter] = {}
        self._lanes: dict[int, Lane] = {}
        self._natives: dict[int, object] = {}
        self._native: object | None = None  # the only one: it knows which slot is next
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        fds = list(ticket.take_fds())
        try:
            self._open(segments, fds)
            self._bind()
        except BaseException:
            close_all(fds)
            self.close()
            raise

    def _open(self, segments: SegmentKind, fds: list[int]) -> None:
        """Map the segment, and open what belongs to this seat's lanes."""
        data, layout = self._ticket.data, self._layout
        into, out = layout.seat(self._ticket.role, self._ticket.index)
        mine = {layout.room(lane) for lane in (*into, *out)}
        mine |= {layout.item(lane) for lane in (*into, *out)}
        by_fd = segments.sharing is Sharing.DESCRIPTORS
        self._segment = segments.open(data["segment"], fds.pop(0) if by_fd else None)
        memory = self._segment.memory
        for number, address in enumerate(data["waiters"]):
            fd = fds.pop(0) if self._kind.sharing is Sharing.DESCRIPTORS else None
            if number in mine:
                word = layout.word(memory, number)
                self._waiters[number] = self._kind.open(address, fd, word)
                if self._spec.native and built() is None:  # while it has a name
                    self._natives[number] = self._waiters[number].native(self._policy(number))
            elif fd is not None:
                close_all([fd])
        for lane in (*into, *out):
            self._lanes[lane] = Lane.cut(
                memory, lane, self._ticket.spec.size, layout.depth, layout.base
            )

    def _bind(self) -> None:
        """Make `send` and `recv_into`, or a hub's `recv_from` and `send_to`."""
        into, out = self._layout.seat(self._ticket.role, self._ticket.index)
        senders = [self._producer(lane) for lane in out]
        if len(into) > 1 and not futex.ORDERED:  # it has native operations: compose.py
            self.recv_into = self.recv_from = forbidden(f"{LANES}: Endpoint.native")
            return
        if self._layout.hub(self._ticket.role):
            self.recv_into, recv_from = self._collector(into)
            self.recv_from = recv_from
            self.send_to = lambda index, data: senders[index](data)
            self.send = forbidden("a hub says to whom: send_to")
            return
        if len(into) > 1:
            self.recv_into, _ = self._collector(into)
            return
        if senders:
            (self.send,) = senders
        if into:
            self._receive(into[0])

    def _receive(self, lane: int) -> None:
        self.recv_into = self._consumer(lane)

    def _producer(self, lane: int) -> Any:
        send, _, _ = self._produced(lane)
        return send

    def _produced(self, lane: int) -> tuple[Any, Any, Any]:
        """(`send`, `loan`, `commit`) of a lane."""
        room, item = self._room(lane), self._item(lane)
        if isinstance(room, Word) and isinstance(item, Word):
            return word_ring.producer(self._lanes[lane], room, item, self._stall(room))
        wait = room.try_wait if self._spec.nowait else room.wait
        counted = self._layout.together and lane < self._layout.forth
        return counted_ring.producer(
            self._lanes[lane], wait, item.notify, self._kind, counted=counted
        )

    def _consumer(self, lane: int) -> Any:
        room, item = self._room(lane), self._item(lane)
        if isinstance(room, Word) and isinstance(item, Word):
            return word_ring.consumer(self._lanes[lane], item, room, self._stall(item))
        return counted_ring.consumer(self._lanes[lane], self._wait(item), room.notify, self._kind)

    def _collector(self, into: Sequence[int]) -> tuple[Any, Any]:
        lanes = [self._lanes[lane] for lane in into]
        rooms = [self._room(lane) for lane in into]
        if isinstance(self._kind, Words):
            items: Any = [self._item(lane) for lane in into]
            words: Any = rooms
            lookout = Lookout(self._kind, items, self._alone)
            stall = would_block if self._spec.nowait else lookout.stall
            return word_ring.collector(lanes, items, words, lookout.taken, stall)
        item = self._item(into[0])
        notify = [room.notify for room in rooms]
        return counted_ring.collector(lanes, self._wait(item), notify, self._kind)

    _alone = False
    _in_place = False

    @property
    def _spec(self) -> Spec:
        return self._ticket.spec

    def _room(self, lane: int) -> Waiter:
        return self._waiters[self._layout.room(lane)]

    def _item(self, lane: int) -> Waiter:
        return self._waiters[self._layout.item(lane)]

    def _stall(self, word: Word) -> Any:
        return would_block if self._spec.nowait else word.stall

    def _wait(self, item: Waiter) -> Any:
        """How the receiver waits, as the spec says."""
        return waiting_call(item, self._spec)

    def _policy(self, number: int) -> WaitPolicy:
        """Return the policy of a waiter: only the receiver, which waits for used slots, polls."""
        policy = WaitPolicy.of(self._spec)
        return policy if number >= self._layout.lanes else policy._replace(poll=False)

    def native(self) -> object | None:
        if self._native is None and self._natives:
            self._native = self._operations()
        return self._native

    def _operations(self) -> object:
        layout, spec, memory = self._layout, self._spec, self._segment
        assert memory is not None

        def description(lane: int) -> tuple[int, object, object, bool]:
            room, item = (self._natives[n] for n in (layout.room(lane), layout.item(lane)))
            return layout.start(lane), room, item, layout.together and lane < layout.forth

        into, out = layout.seat(self._ticket.role, self._ticket.index)
        return operations.counted_ring(
            self, memory.memory, spec.size, layout.depth,
            tuple(map(description, into)), tuple(map(description, out)),
            layout.hub(self._ticket.role), self._in_place,
        )  # fmt: skip

    def hello(self) -> Json:
        return cpus() if self._kind.in_memory else None

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Who has a CPU for itself need not yield it while it spins."""
        if self._kind.in_memory and alone_on(cpus(), hellos):
            self._alone = True
            for waiter in self._waiters.values():
                assert isinstance(waiter, Word)
                waiter.alone(True)
            self._bind()

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        self._natives, self._native = {}, None
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters.values():
            waiter.close()
        lanes, self._lanes = self._lanes, {}
        for lane in lanes.values():
            lane.release()
        if self._segment is not None:
            self._segment.close()


class InPlaceEndpoint(ShmEndpoint):
    """A receiver that reads where the sender wrote: see contract.InPlace."""

    _in_place = True

    def _producer(self, lane: int) -> Any:
        send, loan, commit = self._produced(lane)
        self.loan, self.commit = lending(self._spec.size, loan, commit)
        return send

    def _receive(self, lane: int) -> None:
        room, item = self._room(lane), self._item(lane)
        give = room.notify if self._kind.unlink_early else patient(room.notify, self._kind)
        self.recv_into, self.peek, self.release = in_place(
            self._lanes[lane], patient(self._wait(item), self._kind), give
        )

    def close(self) -> None:
        super().close()
        self.loan = self.commit = self.peek = self.release = closed
