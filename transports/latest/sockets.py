"""Transports `latest:unix-stream` and `latest:unix-dgram`: a pair of sockets for each receiver.

Both receivers read all that is there, and keep the last value. The sender never waits. A stream
that is full gets the rest of a value later; the queue of a datagram socket takes a value whole, or
not at all. A receiver misses what finds its queue full, and reads older values first: a datagram in
a queue cannot be replaced by its sender.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import duplicate_all
from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    MessageTooLarge,
    Role,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.latest.ends import (
    NewestEndpoint,
    Publish,
    ReadNewest,
    StreamEndpoint,
    never_torn,
    pass_cpu,
    traits_of,
)
from ipcbench.transports.sockets.socketpair import DATAGRAM, PairChannel, SocketPair
from ipcbench.transports.sockets.socketpair import TRAITS as STREAM

MOST = 1024  # datagrams of one read: more than a queue holds, and fewer than a sender never ends
_GONE = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE)


class DatagramEndpoint(NewestEndpoint):
    """The sender's end over the sockets of all receivers, or a receiver's over its own."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self._sockets = [socket.socket(fileno=fd) for fd in ticket.take_fds()]
        for one in self._sockets:
            one.setblocking(False)
        if ticket.role is Role.SENDER:
            self.publish = publisher(self._sockets, ticket.spec.size)
        else:
            self.read_into = reader(self._sockets[0], ticket.spec)
            self.torn = never_torn

    def _close(self) -> None:
        for one in self._sockets:
            one.close()


def publisher(sockets: Sequence[socket.socket], size: int) -> Publish:
    """Make the `publish` over datagram sockets, which do not block.

    Args:
        sockets: one for each receiver.
        size: the largest value, in bytes.
    """
    there = {one: one.send for one in sockets}

    def publish(data: Any, /) -> None:
        if not 0 < len(data) <= size:
            raise MessageTooLarge(f"publish: {len(data)} bytes, of 1 to {size}")
        for one, send in [*there.items()]:
            try:
                send(data)
            except BlockingIOError:
                continue  # its queue is full: it misses this value
            except OSError as error:
                if error.errno not in _GONE:
                    raise translate(error, "publish") from error
                del there[one]

    return publish


def reader(own: socket.socket, spec: Spec) -> ReadNewest:
    """Make the `read_into` over a datagram socket: it reads what is there, and keeps the last.

    Args:
        own: the socket, which does not block.
        spec: the seat's spec.
    """
    take, pass_time = own.recv_into, pass_cpu(spec)

    def read_into(buffer: memoryview, /) -> int:
        length = 0
        try:
            for _ in range(MOST):
                length = take(buffer, 0, socket.MSG_TRUNC)  # the datagram's own length: recv(2)
        except BlockingIOError:
            pass
        except OSError as error:
            raise translate(error, "read") from error
        if length > len(buffer):
            raise MessageTooLarge(f"read: {length} bytes for {len(buffer)}")
        if not length:
            pass_time()
        return length

    return read_into


class NewestPairChannel(PairChannel):
    """A pair of sockets (the sender's, the receiver's) for each receiver."""

    def _ticket(self, role: Role, index: int) -> Ticket:
        if role is Role.SENDER:
            ends = [sending for sending, _ in self._pairs]
        else:
            ends = [self._pairs[index][1]]
        return Ticket(role, index, self._spec, fds=duplicate_all(end.fileno() for end in ends))


@dataclass(frozen=True, slots=True)
class NewestPairs:
    """A newest value through pairs of sockets of one kind."""

    name: str
    traits: Traits
    kind: socket.SocketKind
    end: Callable[[Ticket], Endpoint]

    def probe(self) -> Limits | Unavailable:
        return self._pairs().probe()

    def create(self, spec: Spec) -> NewestPairChannel:
        self._pairs().check(spec)
        return NewestPairChannel(spec, self.kind)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return self.end(ticket)

    def _pairs(self) -> SocketPair:
        return SocketPair(self.name, self.traits, self.kind)


def unix_stream() -> NewestPairs:
    # Into the kernel's buffers, out of them, and the last value out of those that came.
    traits = traits_of(STREAM, copies=3)
    return NewestPairs("latest:unix-stream", traits, socket.SOCK_STREAM, StreamEndpoint)


def unix_dgram() -> NewestPairs:
    traits = traits_of(DATAGRAM, copies=2)  # into the kernel's buffers, and out of them
    return NewestPairs("latest:unix-dgram", traits, socket.SOCK_DGRAM, DatagramEndpoint)
