"""Link of two directions, each a pair of unix(7) sockets that keep message boundaries.

The sender of a direction describes its messages in packets of its pair; the receiver answers each
in a packet of one byte. So answers never meet messages of the other direction.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ipcbench.transports.base import (
    MappingEndpoint,
    PassSome,
    PlainChannel,
    Receive,
    check_message,
    duplicate_all,
    pass_time_at,
    refused,
    spins,
    translate,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Family,
    Framing,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Traits,
)

TRAITS = Traits(
    family=Family.PASSING,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK}),
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.DESCRIPTORS,
    pollable=True,
    spins=True,
    copies=1,
    native=True,
)


def new_pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair of sockets. Raises: Unavailable."""
    try:
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    except OSError as error:
        raise refused("socketpair(2)", error) from error


class LinkChannel(PlainChannel):
    """A pair for each direction: (the sender's end, the receiver's end)."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        try:
            for _ in range(2):
                self._pairs.append(new_pair())
        except BaseException:
            self.close()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        to_server, to_client = self._pairs
        client = role is Role.CLIENT
        ends = (to_server[0], to_client[1]) if client else (to_client[0], to_server[1])
        return Ticket(role, index, self._spec, fds=duplicate_all(end.fileno() for end in ends))

    def _close(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.close()


class LinkEndpoint(MappingEndpoint):
    """One process's end: it sends on one pair, `_out`, and receives on the other, `_in`."""

    def __init__(self, ticket: Ticket) -> None:
        self._spec = ticket.spec
        self._client = ticket.role is Role.CLIENT
        self._out, self._in = (socket.socket(fileno=fd) for fd in ticket.take_fds())
        for end in (self._out, self._in):
            end.setblocking(not (ticket.spec.nowait or spins(ticket.spec)))

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._spec)
        return data

    def _described(self, receive: Receive) -> Receive:
        """Make the call that receives the description of a message wait as the spec says."""
        return waiting_receive(receive, self._in.fileno(), self._spec)

    def _close(self) -> None:
        self._out.close()
        self._in.close()


def between_looks(fd: int, spec: Spec) -> PassSome | None:
    """Make the call between two looks at a descriptor to read from; None: the end does not spin."""
    return pass_time_at(spec, fd, select.POLLIN) if spins(spec) else None


def packets_of(connection: socket.socket, what: str, spec: Spec | None = None) -> Receive:
    """Make the call that receives a packet, and returns its length, which may be cut.

    Args:
        connection: the socket.
        what: the action of the caller: "send", "receive".
        spec: the seat's spec, where the call may spin.
    """
    receive = connection.recv_into
    pass_some = None if spec is None else between_looks(connection.fileno(), spec)

    def packet(buffer: memoryview, /) -> int:
        looked = 0
        while True:
            try:
                length = receive(buffer)
            except BlockingIOError as error:
                if pass_some is None:
                    raise translate(error, what) from error
                looked = pass_some(looked)
                continue
            except ConnectionResetError:
                # Reported once where the other end was closed with answers unread
                # (unix_release_sock() of Linux's net/unix/af_unix.c): packets may follow.
                continue
            except OSError as error:
                raise translate(error, what) from error
            if not length:
                raise PeerGone(f"{what}: the other end is closed")
            return length

    return packet


_BYTES = [bytes([value]) for value in range(256)]


def answering(connection: socket.socket) -> Callable[[int], None]:
    """Make the call that answers a message with a byte.

    The sender may be gone: the message has arrived all the same.
    """
    transmit = connection.send

    def answer(value: int, /) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            transmit(_BYTES[value])

    return answer


def wait_for(connection: socket.socket, deadline: float, what: str, receive: Receive) -> int:
    """Receive one packet by a deadline.

    Args:
        connection: the socket.
        deadline: a point of `time.monotonic`.
        what: the packet, for the error.
        receive: receives it.

    Raises:
        TimedOut: none came in time.
        PeerGone: the other end is closed.
    """
    before = connection.gettimeout()
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        return receive(memoryview(bytearray(64)))
    except TimeoutError as error:
        raise TimedOut(f"{what} did not come in time") from error
    finally:
        connection.settimeout(before)
