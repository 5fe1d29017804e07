"""Participants: a channel whose seats are all taken, each by a process of its own."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from ipcbench.transports.base import bytes_in_flight
from ipcbench.transports.contract import (
    Channel,
    Endpoint,
    Json,
    MessageTooLarge,
    Role,
    Spec,
    Ticket,
    Topology,
    Transport,
    WouldBlock,
)
from ipcbench.transports.native import native_of
from ipcbench.transports.testing.actors import CALL_LIMIT, Actor, eventually
from ipcbench.transports.testing.hangs.evidence import Observed
from ipcbench.transports.testing.leaks import Thing, descriptors, mappings

PLENTY = 100_000  # messages: a channel that accepts more has no bound


@dataclass(slots=True)
class Seat:
    """State of an actor: a ticket, and the endpoint after `attach`."""

    transport: Transport
    ticket: Ticket
    endpoint: Endpoint = field(init=False)
    others: set[Thing] = field(init=False)  # open here, but not of this seat

    def __post_init__(self) -> None:
        fds = {str(fd) for fd in self.ticket.fds}
        held = descriptors() | mappings()
        self.others = {thing for thing in held if thing.name.split()[0] not in fds}

    @property
    def size(self) -> int:
        return self.ticket.spec.size

    @property
    def calls(self) -> Any:
        """The endpoint, for calls that only some have: of Hub, Signal, Guard, InPlace."""
        return self.endpoint


# The functions below run in the process of a seat.


def hello(seat: Seat) -> Json:
    return seat.endpoint.hello()


def connect(seat: Seat, hellos: Sequence[Json]) -> None:
    seat.endpoint.connect(hellos, time.monotonic() + CALL_LIMIT)


def send(seat: Seat, *messages: bytes) -> None:
    of_newest = seat.ticket.spec.topology is Topology.NEWEST
    call = seat.calls.publish if of_newest else seat.endpoint.send
    for message in messages:
        call(seat.endpoint.prepare(memoryview(message)))


def send_unprepared(seat: Seat, message: bytes) -> bool:
    """Send a message that `prepare` has not seen. Return False where `send` takes no bytes."""
    kind = type(seat.endpoint.prepare(memoryview(bytes(seat.size))))
    if kind not in (bytes, memoryview):
        return False
    seat.endpoint.send(kind(message))
    return True


def receive(seat: Seat, count: int = 1, size: int | None = None) -> list[bytes]:
    """Receive so many messages, each into a buffer of `size` bytes (default: the spec's).

    A hub's server gets the client's index instead of the length: it returns whole buffers.
    """
    buffer = memoryview(bytearray(seat.size if size is None else size))
    endpoint = seat.calls
    if seat.ticket.role is Role.SERVER and seat.ticket.spec.topology is Topology.HUB:
        return [bytes(buffer) for _ in range(count) if endpoint.recv_from(buffer) >= 0]
    if seat.ticket.spec.topology is Topology.NEWEST:
        return [bytes(buffer[: _awaited(endpoint, buffer)]) for _ in range(count)]
    if seat.transport.traits.in_place:
        return [_peeked(endpoint, len(buffer)) for _ in range(count)]
    return [bytes(buffer[: endpoint.recv_into(buffer)]) for _ in range(count)]


def _awaited(endpoint: Any, buffer: memoryview) -> int:
    """Read until there is a newer value; return its length."""
    while not (length := int(endpoint.read_into(buffer))):
        os.sched_yield()
    return length


def _peeked(endpoint: Any, size: int) -> bytes:
    """Receive a message in place, from the slot in which the sender wrote it."""
    with endpoint.peek() as message:
        found = bytes(message)
    endpoint.release()
    if len(found) > size:
        raise MessageTooLarge(f"{len(found)} bytes for {size}")
    return found


def fill(seat: Seat, put: Callable[[Seat, bytes], object] = send, first: int = 0) -> int:
    """Send messages, numbered from `first`, until one would have to wait; return how many."""
    for number in range(PLENTY):
        try:
            put(seat, numbered(first + number, seat.size))
        except WouldBlock:
            return number
    return PLENTY


def drain(seat: Seat) -> list[bytes]:
    """Receive until there is no message."""
    messages: list[bytes] = []
    while len(messages) < PLENTY:
        try:
            messages += receive(seat)
        except WouldBlock:
            break
    return messages


def drained(receiver: Actor, count: int) -> list[bytes]:
    """Have a receiver take all messages of a channel, of which there are so many.

    TCP passes on later what the sender's end still holds: on a busy machine it comes behind a
    moment in which there is no message.
    """
    messages: list[bytes] = receiver.do(drain)

    def complete() -> bool:
        if len(messages) < count:
            messages.extend(receiver.do(drain))
        return len(messages) >= count

    eventually(complete)
    return messages


def depth(seat: Seat) -> int | None:
    return seat.endpoint.depth


def in_flight(seat: Seat) -> int | None:
    return bytes_in_flight(seat.endpoint, seat.size)


def send_counted(seat: Seat, count: int, path: Path) -> None:
    """Send so many messages, and append a byte to a file for each of those sent."""
    message = seat.endpoint.prepare(memoryview(numbered(0, seat.size)))
    with path.open("ab", buffering=0) as file:
        for _ in range(count):
            seat.endpoint.send(message)
            file.write(b".")


def close(seat: Seat) -> None:
    seat.endpoint.close()


def readable(seat: Seat) -> set[int]:
    """Return the descriptors of this process that poll(2) reports as readable."""
    poller = select.poll()
    for thing in descriptors():
        poller.register(int(thing.name.split()[0]), select.POLLIN)
    return {fd for fd, event in poller.poll(0) if event & select.POLLIN}


def numbered(number: int, size: int) -> bytes:
    """Make a message; every byte depends on the message's number and on its own position."""
    return _numbered(number & 0xFF, size)


@lru_cache(256)
def _numbered(number: int, size: int) -> bytes:
    return bytes((number * 31 + place * 7 + (place >> 8)) & 0xFF for place in range(size))


class Participants:
    """One actor for each seat of a channel, all attached and connected.

    The owner has no seat, so it closes its handles then: the end of file arrives when
    the last actor ends. Where the spec says `native`, the actors call their native
    operations, unless `driven` is False.
    """

    def __init__(self, transport: Transport, spec: Spec, *, driven: bool = True) -> None:
        self.channel: Channel = transport.create(spec)
        self.actors: list[Actor] = []
        self._count = sum(role in (Role.CLIENT, Role.SENDER) for role, _ in seats(spec))
        tickets: list[Ticket] = []
        try:
            for role, index in seats(spec):
                tickets.append(self.channel.ticket(role, index))
            for ticket in tickets:
                self.actors.append(Actor(_start(transport, self.channel, tickets, ticket)))
            for ticket in tickets:
                ticket.close()
            for actor, observed in zip(self.actors, self._everyone(attach), strict=True):
                actor.observed = observed
            hellos = self._everyone(hello)
            self._everyone(connect, hellos)
            if spec.native and driven:
                self._everyone(go_native)
            self.channel.close()
        except BaseException:
            for ticket in tickets:
                ticket.close()
            self.end(Actor.kill)
            raise

    @property
    def senders(self) -> list[Actor]:
        """The clients, or the senders."""
        return self.actors[: self._count]

    @property
    def receivers(self) -> list[Actor]:
        """The server, or the receivers."""
        return self.actors[self._count :]

    @property
    def receiver(self) -> Actor:
        """The server, or the last of the receivers."""
        return self.actors[-1]

    def carry(self, *messages: bytes, back: bool = False) -> list[bytes]:
        """Send messages from the first sender (`back`: the server); return the received ones."""
        one, other = self.senders[0], self.receiver
        if back:
            one, other = other, one
        one.begin(send, *messages)
        received: list[bytes] = other.do(receive, len(messages))
        one.answer()
        return received

    def end(self, how: Callable[[Actor], None]) -> None:
        for actor in self.actors:
            how(actor)
        self.channel.close()
        self.channel.unlink()

    def __enter__(self) -> Participants:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Some seats wait for ever on purpose, so the actors are killed.
        self.end(Actor.kill)

    def _everyone(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        for actor in self.actors:
            actor.begin(function, *arguments)
        return [actor.answer() for actor in self.actors]


def seats(spec: Spec) -> list[tuple[Role, int]]:
    """Return the seats: senders (or clients) first, receivers (or the server) last."""
    others = range(spec.parties - 1)
    if spec.topology in (Topology.GUARD, Topology.FILE):
        return [(Role.MEMBER, index) for index in range(spec.parties)]
    if spec.topology in (Topology.LINK, Topology.HUB, Topology.SIGNAL):
        return [*((Role.CLIENT, index) for index in others), (Role.SERVER, 0)]
    if spec.topology in (Topology.FAN_OUT, Topology.NEWEST):
        return [(Role.SENDER, 0), *((Role.RECEIVER, index) for index in others)]
    return [*((Role.SENDER, index) for index in others), (Role.RECEIVER, 0)]


def attach(seat: Seat) -> Observed | None:
    """Take the seat. Return the memory that explains a call that hangs, where there is some."""
    seat.endpoint = seat.transport.attach(seat.ticket, time.monotonic() + CALL_LIMIT)
    observed = getattr(seat.endpoint, "observed", None)
    return None if observed is None else Observed(*observed())


def go_native(seat: Seat) -> None:
    seat.endpoint = native_of(seat.endpoint)


def _start(
    transport: Transport, channel: Channel, tickets: list[Ticket], mine: Ticket
) -> Callable[[], Seat]:
    def start() -> Seat:
        channel.close()
        for ticket in tickets:
            if ticket is not mine:
                ticket.close()
        return Seat(transport, mine)

    return start
