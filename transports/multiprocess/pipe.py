"""multiprocessing.Pipe: Python's own connections, of bytes or of pickled objects.

A link is one duplex connection (a pair of Unix sockets). Several senders to
one receiver, and the clients of a hub, have a connection each, among which
multiprocessing.connection.wait chooses, as its documentation does it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import BufferTooShort, get_context
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias

from ipcbench.transports.base.defaults import (
    PlainChannel,
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
    fitted,
    forbidden,
)
from ipcbench.transports.base.multiplexing import given_room
from ipcbench.transports.base.os_errors import refused, translate
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    MessageTooLarge,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Waiting,
    WouldBlock,
)

TRAITS = Traits(
    family=Family.MULTIPROCESSING,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.HUB}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.INHERIT,
    lifetime=Lifetime.PROCESS,
    waiting=Waiting.BLOCKING,
    zero_length=True,
    pollable=True,
    # Behind its header (up to 16 KiB), into the kernel, into the bytes of os.read,
    # into a BytesIO, into the buffer.
    copies=5,
)

# Into the pickler's frame (up to 64 KiB), into a BytesIO, then the first four of the
# plain connection, out of the pickle, into the buffer.
PICKLED_COPIES = 8

Link: TypeAlias = "Connection[Any, Any]"
Receive: TypeAlias = Callable[[memoryview], int]

context = get_context("fork")  # what passes is inherited, whatever Python's default has become


class MpPipeEndpoint(PlainEndpoint):
    def __init__(self, ticket: Ticket, *, pickled: bool) -> None:
        spec = ticket.spec
        self._pickled = pickled
        self._connections: list[Link] = list(ticket.take_inherited())
        self.send: Any = forbidden("this end sends nothing")
        self.recv_into: Any = forbidden("this end receives nothing")
        senders = [_sender(one, pickled, spec) for one in self._connections if one.writable]
        receivers = [_receiver(one, pickled) for one in self._connections if one.readable]
        if spec.topology is Topology.HUB and ticket.role is Role.SERVER:
            self.send = forbidden("a hub says to whom: send_to")
            self.send_to: Any = lambda index, data: senders[index](data)
        elif senders:
            (self.send,) = senders
        if ticket.role is Role.RECEIVER or hasattr(self, "send_to"):
            self.recv_into, self.recv_from = _gathering(self._connections, receivers, spec)
        elif receivers:
            self.recv_into = _single(self._connections[0], receivers[0], spec)

    def prepare(self, data: memoryview) -> Any:
        return bytes(data) if self._pickled else data  # a memoryview cannot be pickled

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()


def _sender(connection: Link, pickled: bool, spec: Spec) -> Any:
    put = connection.send if pickled else connection.send_bytes

    def send(data: Any, /) -> None:
        try:
            put(data)
        except OSError as error:
            raise _translated(error, "send") from error

    return given_room(connection.fileno(), send) if spec.nowait else send


def _receiver(connection: Link, pickled: bool) -> Receive:
    take = connection.recv
    take_into = connection.recv_bytes_into

    def recv_into(buffer: memoryview, /) -> int:
        try:
            return take_into(buffer)
        except (OSError, EOFError, BufferTooShort) as error:
            raise _translated(error, "receive") from error

    def recv_pickled_into(buffer: memoryview, /) -> int:
        try:
            data = take()
        except (OSError, EOFError) as error:
            raise _translated(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_pickled_into if pickled else recv_into


def _single(connection: Link, receive: Receive, spec: Spec) -> Receive:
    """`receive` as the spec wants it: at once or not at all, or after a poll."""
    poll = connection.poll

    def recv_into_now(buffer: memoryview, /) -> int:
        if not poll():
            raise WouldBlock("receive: nothing is there")
        return receive(buffer)

    def recv_into_polled(buffer: memoryview, /) -> int:
        poll(None)
        return receive(buffer)

    if spec.nowait:
        return recv_into_now
    return recv_into_polled if spec.poll else receive


def _gathering(
    connections: Sequence[Link], receivers: Sequence[Receive], spec: Spec
) -> tuple[Receive, Receive]:
    """(recv_into, recv_from) over several: who is ready is served once before others are asked."""
    seats = {one: (index, receivers[index]) for index, one in enumerate(connections)}
    timeout = 0 if spec.nowait else None
    ready: list[Any] = []

    def look() -> None:
        nonlocal ready
        ready = wait(seats, timeout)  # any iterable will do
        if spec.nowait and not ready:
            raise WouldBlock("receive: nothing is there")

    def leave(connection: Link) -> None:
        """One that has left is no end while others stay; the last one's is told each time."""
        if len(seats) == 1:
            raise PeerGone("receive: all the others have left")
        del seats[connection]

    def recv_into(buffer: memoryview, /) -> int:
        while True:
            while not ready:
                look()
            connection = ready.pop()
            try:
                return seats[connection][1](buffer)
            except PeerGone:
                leave(connection)

    def recv_from(buffer: memoryview, /) -> int:
        while True:
            while not ready:
                look()
            connection = ready.pop()
            index, receive = seats[connection]
            try:
                receive(buffer)
                return index
            except PeerGone:
                leave(connection)

    return recv_into, recv_from


def _translated(error: Exception, what: str) -> Exception:
    if isinstance(error, BufferTooShort):
        return MessageTooLarge(f"{what}: a message of {len(error.args[0])} bytes")
    if isinstance(error, OSError) and error.errno is not None:
        return translate(error, what)
    return PeerGone(f"{what}: end of file")  # EOFError, or OSError in the middle of a message


class MpPipeChannel(PlainChannel):
    """`_links`: (the near end, the server's or receiver's end) of each client or sender."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._closed = False
        self._links: list[tuple[Link, Link]] = []
        one_way = spec.topology is Topology.FAN_IN
        try:
            for _ in range(spec.parties - 1):
                one, other = context.Pipe(duplex=not one_way)
                self._links.append((other, one) if one_way else (one, other))
        except OSError as error:
            self.close()
            raise _unavailable(error) from error

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        if role in (Role.CLIENT, Role.SENDER):
            ends = [self._links[index][0]]
        else:
            ends = [far for _, far in self._links]
        # Copies that are the ticket's own close themselves when it lets go of them.
        return Ticket(role, index, self._spec, inherited=tuple(map(_copy, ends)))

    def close(self) -> None:
        self._closed = True
        links, self._links = self._links, []
        for link in links:
            for connection in link:
                connection.close()


def _copy(connection: Link) -> Link:
    fd = os.dup(connection.fileno())
    return Connection(fd, readable=connection.readable, writable=connection.writable)


def _unavailable(error: OSError) -> Unavailable:
    return refused("multiprocessing.Pipe", error)


@dataclass(frozen=True, slots=True)
class MpPipe:
    """`pickled`: objects go over it, by `send` and `recv`; else bytes."""

    name: str
    traits: Traits
    pickled: bool

    def probe(self) -> Limits | Unavailable:
        try:
            MpPipeChannel(Spec(size=1)).close()
        except Unavailable as reason:
            return reason
        return Limits(message=Limit("message", None, "it has no bound: a stream is under it"))

    def create(self, spec: Spec) -> MpPipeChannel:
        check_spec(self, spec, None)
        return MpPipeChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return MpPipeEndpoint(ticket, pickled=self.pickled)


def mp_pipe() -> MpPipe:
    """`send_bytes` and `recv_bytes_into`."""
    return MpPipe("mp-pipe", TRAITS, pickled=False)


def mp_pipe_pickle() -> MpPipe:
    """`send` and `recv` of bytes objects, the ordinary way."""
    return MpPipe("mp-pipe-pickle", replace(TRAITS, copies=PICKLED_COPIES), pickled=True)
