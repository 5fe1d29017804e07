"""Shared memory as a transport: a segment kind times a waiter kind, and the ring over both."""

from __future__ import annotations

import contextlib
import platform
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from transports.checks import check_seat, check_spec
from transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
)
from transports.defaults import PlainEndpoint, closed, forbidden
from transports.shm.ring import (
    DEFAULT_DEPTHS,
    Lane,
    collector,
    consumer,
    default_depth,
    lane_size,
    producer,
)
from transports.shm.segments import OwnedSegment, PosixSegments, SegmentKind
from transports.shm.waiters import PosixSemaphores, Waiter, WaiterKind

SEGMENTS: dict[str, SegmentKind] = {kind.name: kind for kind in (PosixSegments(),)}
WAITERS: dict[str, WaiterKind] = {kind.name: kind for kind in (PosixSemaphores(),)}

# A consumer of several lanes may see a count before its own item signal: on x86
# stores stay in order, so the slot's bytes are there with it; elsewhere Python has
# no fence to make it so.
ORDERED_STORES = platform.machine() in ("x86_64", "i686")


def _lanes(spec: Spec) -> int:
    """LINK: forth and back. FAN_IN: one for each sender."""
    return 2 if spec.topology is Topology.LINK else spec.parties - 1


class ShmEndpoint(PlainEndpoint):
    def __init__(self, transport: Shm, ticket: Ticket) -> None:
        self.depth = ticket.data["depth"]
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        self._waiters: list[Waiter] = []
        self._views: list[Lane] = []
        self._segment = transport.segment.open(ticket.data["segment"])
        try:
            self._wire(transport, ticket)
        except BaseException:
            self.close()
            raise

    def _wire(self, transport: Shm, ticket: Ticket) -> None:
        data, spec = ticket.data, ticket.spec
        count = _lanes(spec)
        lanes = self._views = [
            Lane.cut(self._segment.memory, number, spec.size, data["depth"])
            for number in range(count)
        ]
        rooms = [self._open(transport, address) for address in data["rooms"]]
        items = [self._open(transport, address) for address in data["items"]]
        take = attrgetter("try_wait" if spec.nowait else "wait")
        if ticket.role in (Role.CLIENT, Role.SERVER):
            out = 0 if ticket.role is Role.CLIENT else 1
            into = 1 - out
            self.send = producer(lanes[out], take(rooms[out]), items[out].notify, counted=False)
            self.recv_into = consumer(lanes[into], take(items[into]), rooms[into].notify)
        elif ticket.role is Role.SENDER:
            mine = ticket.index
            self.send = producer(lanes[mine], take(rooms[mine]), items[0].notify, counted=count > 1)
        elif count > 1:
            self.recv_into = collector(lanes, take(items[0]), [room.notify for room in rooms])
        else:
            self.recv_into = consumer(lanes[0], take(items[0]), rooms[0].notify)

    def _open(self, transport: Shm, address: Any) -> Waiter:
        waiter = transport.waiter.open(address)
        self._waiters.append(waiter)
        return waiter

    def close(self) -> None:
        self.send = self.recv_into = closed
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.close()
        views, self._views = self._views, []
        for lane in views:
            lane.release()
        self._segment.close()


class ShmChannel:
    def __init__(self, transport: Shm, spec: Spec) -> None:
        self._spec = spec
        self._closed = False
        self._depth = spec.depth or default_depth(spec.size)
        lanes = _lanes(spec)
        self._segment: OwnedSegment | None = None
        self._rooms: list[Waiter] = []
        self._items: list[Waiter] = []
        try:
            self._segment = transport.segment.create(
                lanes * lane_size(spec.size, self._depth), spec.name
            )
            for number in range(lanes):
                self._rooms.append(
                    transport.waiter.create(self._depth, _fixed(spec, f"room{number}"))
                )
            for number in range(lanes if spec.topology is Topology.LINK else 1):
                self._items.append(transport.waiter.create(0, _fixed(spec, f"items{number}")))
        except BaseException:
            self.close()
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed or self._segment is None:
            raise Closed("the channel is closed")
        return Ticket(
            role,
            index,
            self._spec,
            data={
                "segment": self._segment.address,
                "depth": self._depth,
                "rooms": [waiter.address for waiter in self._rooms],
                "items": [waiter.address for waiter in self._items],
            },
        )

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            for waiter in (*self._rooms, *self._items):
                waiter.close()
            if self._segment is not None:
                self._segment.close()

    def unlink(self) -> None:
        for waiter in (*self._rooms, *self._items):
            waiter.unlink()
        if self._segment is not None:
            self._segment.unlink()


def _fixed(spec: Spec, part: str) -> str | None:
    return None if spec.name is None else f"{spec.name}-{part}"


@dataclass(frozen=True)
class Shm:
    segment: SegmentKind
    waiter: WaiterKind

    @property
    def name(self) -> str:
        return f"shm:{self.segment.name}+{self.waiter.name}"

    @property
    def traits(self) -> Traits:
        topologies = {Topology.LINK, Topology.FAN_IN} if ORDERED_STORES else {Topology.LINK}
        return Traits(
            family=Family.SHARED_MEMORY,
            framing=Framing.MESSAGE,
            topologies=frozenset(topologies),
            fan_out=FanOut.NONE,
            peer_death=PeerDeath.SILENT,
            sharing=Sharing.NAME,
            lifetime=Lifetime.KERNEL,
            waiting=self.waiter.waiting,
            zero_length=True,
            pollable=False,
            copies=2,  # into the slot, and out of it
            unlink_early=True,
            depth=True,
        )

    def probe(self) -> Limits | Unavailable:
        return self.waiter.probe() or self._limits()

    def _limits(self) -> Limits | Unavailable:
        room = self.segment.room()
        if isinstance(room, Unavailable):
            return room
        slots = 2 * DEFAULT_DEPTHS[0]  # both directions, at the smallest default depth
        return Limits(
            message=Limit(
                "message",
                None if room.value is None else max(0, room.value // slots - 4096),
                room.source,
                room.remedy,
            ),
            others=(room,),
        )

    def create(self, spec: Spec) -> ShmChannel:
        limits = self._limits()
        if isinstance(limits, Unavailable):
            raise limits
        check_spec(self, spec, limits.message.value)
        return ShmChannel(self, spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return ShmEndpoint(self, ticket)


def shm(parameters: str) -> Shm:
    """`posix+posix-sem` -> the transport of that segment and waiter.

    Raises: ValueError for a kind that there is not.
    """
    segment, _, waiter = parameters.partition("+")
    with contextlib.suppress(KeyError):
        return Shm(SEGMENTS[segment], WAITERS[waiter])
    raise ValueError(
        f"no shared memory {parameters!r}: segments are {', '.join(SEGMENTS)}, "
        f"waiters are {', '.join(WAITERS)}; write shm:SEGMENT+WAITER"
    )
