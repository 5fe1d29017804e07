"""multiprocessing.Pipe: Python's own connections, of bytes or of pickled objects.

A link is one duplex connection (a pair of Unix sockets). Several senders to
one receiver, and the clients of a hub, have a connection each, among which
multiprocessing.connection.wait chooses, as its documentation shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import BufferTooShort, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeAlias

from ipcbench.transports.base import (
    Gathered,
    PlainChannel,
    PlainEndpoint,
    Receive,
    Send,
    check_message,
    check_spec,
    fitted,
    held_by,
    refused,
    send_if_room,
    serve,
    translate,
    waiting_get,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    Framing,
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
    WouldBlock,
)

TRAITS = Traits(
    family=Family.MULTIPROCESSING,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.HUB}),
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.INHERIT,
    pollable=True,
    # Behind its header (up to 16 KiB), into the kernel, into the bytes of os.read,
    # into a BytesIO, into the buffer.
    copies=5,
)

# Into the pickler's frame (up to 64 KiB), into a BytesIO, then the first four of the
# plain connection, out of the pickle, into the buffer.
PICKLED_COPIES = 8
HEAD = 4  # bytes before those of a message: their number (Connection._send_bytes)

Link: TypeAlias = "Connection[Any, Any]"

context = get_context("fork")  # objects are inherited, whatever Python's default is


class MpPipeEndpoint(PlainEndpoint):
    """An end of one connection, or of several."""

    def __init__(self, ticket: Ticket, *, pickled: bool) -> None:
        spec = ticket.spec
        self._pickled = pickled
        self._spec = spec
        self._connections: list[Link] = list(ticket.take_inherited())
        senders = [_sender(one, pickled, spec) for one in self._connections if one.writable]
        receivers = [_receiver(one, pickled) for one in self._connections if one.readable]
        if ticket.serves_hub:
            serve(self, _gathering(self._connections, receivers, spec), senders)
            return
        for send in senders:
            self.send = send
        if ticket.role is Role.RECEIVER:
            self.recv_into = _gathering(self._connections, receivers, spec).recv_into
        elif receivers:
            self.recv_into = _single(self._connections[0], receivers[0], spec)
            if pickled:
                self.recv_object = _object_receiver(self._connections[0], spec)

    @property
    def in_flight(self) -> int | None:
        size = self._spec.size
        sent = pickled_size(size) if self._pickled else size
        return payload_held_by(self._connections[0].fileno(), HEAD + sent, size)

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._spec)
        return bytes(data) if self._pickled else data  # a memoryview cannot be pickled

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()


def pickled_size(size: int, *beside: object) -> int:
    """Return the bytes of a pickled message of a size, in a tuple with the objects beside it."""
    short = min(size, 1 << 17)  # a longer one has no larger head
    message = bytes(short)
    return size - short + len(ForkingPickler.dumps((*beside, message) if beside else message))


def payload_held_by(fd: int, sent: int, size: int) -> int | None:
    """Return the bytes of messages that a connection holds.

    Args:
        fd: its descriptor.
        sent: the bytes that it sends for a message, with their head.
        size: the bytes of a message among them.
    """
    held = held_by(fd, sent)
    return None if held is None else held * size // sent


def _sender(connection: Link, pickled: bool, spec: Spec) -> Send:
    put = connection.send if pickled else connection.send_bytes

    def send(data: Any, /) -> None:
        try:
            put(data)
        except OSError as error:
            raise _translate(error, "send") from error

    return send_if_room(connection.fileno(), send) if spec.nowait else send


def _receiver(connection: Link, pickled: bool) -> Receive:
    take = connection.recv
    take_into = connection.recv_bytes_into

    def recv_into(buffer: memoryview, /) -> int:
        try:
            return take_into(buffer)
        except (OSError, EOFError, BufferTooShort) as error:
            raise _translate(error, "receive") from error

    def recv_pickled_into(buffer: memoryview, /) -> int:
        try:
            data = take()
        except (OSError, EOFError) as error:
            raise _translate(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_pickled_into if pickled else recv_into


def _object_receiver(connection: Link, spec: Spec) -> Callable[[], Any]:
    """Make a `recv_object` from one connection, which waits as the spec says."""
    take, poll = connection.recv, connection.poll

    def recv_object() -> Any:
        try:
            return take()
        except (OSError, EOFError) as error:
            raise _translate(error, "receive") from error

    def recv_object_at_once() -> Any:
        if not poll():
            raise WouldBlock("receive: there is no message")
        return recv_object()

    return recv_object_at_once if spec.nowait else waiting_get(recv_object, poll, spec)


def _single(connection: Link, receive: Receive, spec: Spec) -> Receive:
    """Make a receive from one connection wait as the spec says."""
    poll = connection.poll

    def recv_into_at_once(buffer: memoryview, /) -> int:
        if not poll():
            raise WouldBlock("receive: there is no message")
        return receive(buffer)

    return recv_into_at_once if spec.nowait else waiting_receive(receive, poll, spec)


def _gathering(connections: Sequence[Link], receivers: Sequence[Receive], spec: Spec) -> Gathered:
    """Receive from several: each ready one is served once before any is asked again."""
    seats = {one: (index, receivers[index]) for index, one in enumerate(connections)}
    timeout = 0 if spec.nowait else None
    ready: list[Any] = []

    def look() -> None:
        nonlocal ready
        ready = wait(seats, timeout)  # any iterable will do
        if spec.nowait and not ready:
            raise WouldBlock("receive: there is no message")

    def drop(connection: Link) -> None:
        """Forget a peer that is gone; the last one's end is reported at every call."""
        if len(seats) == 1:
            raise PeerGone("receive: all peers are gone")
        del seats[connection]

    def recv_into(buffer: memoryview, /) -> int:
        while True:
            while not ready:
                look()
            connection = ready.pop()
            try:
                return seats[connection][1](buffer)
            except PeerGone:
                drop(connection)

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
                drop(connection)

    return Gathered(recv_into, recv_from)


def _translate(error: Exception, what: str) -> Exception:
    if isinstance(error, BufferTooShort):
        return MessageTooLarge(f"{what}: a message of {len(error.args[0])} bytes")
    if isinstance(error, OSError) and error.errno is not None:
        return translate(error, what)
    return PeerGone(f"{what}: end of file")  # EOFError, or OSError in the middle of a message


class MpPipeChannel(PlainChannel):
    """A link (the near end, the server's or receiver's end) for each client or sender."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._links: list[tuple[Link, Link]] = []
        try:
            for _ in range(spec.parties - 1):
                one, other = context.Pipe(duplex=not spec.one_way)
                self._links.append((other, one) if spec.one_way else (one, other))
        except OSError as error:
            self.close()
            raise refused("multiprocessing.Pipe", error) from error

    def _ticket(self, role: Role, index: int) -> Ticket:
        near = role in (Role.CLIENT, Role.SENDER)
        ends = [self._links[index][0]] if near else [far for _, far in self._links]
        # Copies that are the ticket's own close themselves when it releases them.
        return Ticket(role, index, self._spec, inherited=tuple(map(_copy, ends)))

    def _close(self) -> None:
        for link in self._links:
            for connection in link:
                connection.close()


def _copy(connection: Link) -> Link:
    fd = os.dup(connection.fileno())
    return Connection(fd, readable=connection.readable, writable=connection.writable)


@dataclass(frozen=True, slots=True)
class MpPipe:
    """The transports `mp-pipe` and `mp-pipe-pickle`.

    `pickled`: objects are transferred, by `send` and `recv`; else bytes.
    """

    name: str
    traits: Traits
    pickled: bool

    def probe(self) -> Limits | Unavailable:
        try:
            MpPipeChannel(Spec(size=1)).close()
        except Unavailable as reason:
            return reason
        return Limits(message=Limit("message", None, "it has no bound: it is made of a stream"))

    def create(self, spec: Spec) -> MpPipeChannel:
        check_spec(self, spec, None)
        return MpPipeChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return MpPipeEndpoint(ticket, pickled=self.pickled)


def mp_pipe() -> MpPipe:
    """Make the transport of `send_bytes` and `recv_bytes_into`."""
    return MpPipe("mp-pipe", TRAITS, pickled=False)


def mp_pipe_pickle() -> MpPipe:
    """Make the transport of `send` and `recv`, the ordinary way."""
    traits = replace(TRAITS, copies=PICKLED_COPIES, objects=True)
    return MpPipe("mp-pipe-pickle", traits, pickled=True)
