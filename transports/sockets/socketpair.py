"""socketpair(2): two connected unix(7) sockets without a name, one pair for each client.

`socketpair` carries bytes. `socketpair:dgram` and `socketpair:seqpacket` carry messages: as two
sockets that are connected to each other, datagram sockets do not heed net.unix.max_dgram_qlen
(unix_dgram_sendmsg() of Linux's net/unix/af_unix.c), so SO_SNDBUF alone bounds their queue.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace

from ipcbench.transports.base import PlainChannel, check_spec, duplicate_all
from ipcbench.transports.contract import (
    Endpoint,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.sockets.connections import ConnectedEndpoint
from ipcbench.transports.sockets.unix import (
    STREAM,
    UNBOUNDED,
    message_limit,
    send_buffer,
    unavailable,
)

TRAITS = replace(STREAM, sharing=Sharing.DESCRIPTORS, lifetime=Lifetime.PROCESS, unlink_early=False)
# An empty message could be sent, but looks like the end of file: zero_length is False.
SEQPACKET = replace(TRAITS, framing=Framing.MESSAGE)
# A closed end neither wakes the other's recv(2) nor poll(2): unix_release_sock() of af_unix.c.
DATAGRAM = replace(SEQPACKET, peer_death=PeerDeath.SILENT, zero_length=True)


class PairChannel(PlainChannel):
    """A pair (the client's end, the server's) for each client."""

    def __init__(self, spec: Spec, kind: socket.SocketKind) -> None:
        super().__init__(spec)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        try:
            for _ in range(spec.parties - 1):
                self._pairs.append(socket.socketpair(socket.AF_UNIX, kind))
        except OSError as error:
            self.close()
            raise unavailable(error) from error

    def _ticket(self, role: Role, index: int) -> Ticket:
        near = role in (Role.CLIENT, Role.SENDER)
        ends = [self._pairs[index][0]] if near else [server for _, server in self._pairs]
        return Ticket(role, index, self._spec, fds=duplicate_all(end.fileno() for end in ends))

    def _close(self) -> None:
        for client, server in self._pairs:
            client.close()
            server.close()


@dataclass(frozen=True, slots=True)
class SocketPair:
    """The transports `socketpair`, `socketpair:dgram` and `socketpair:seqpacket`."""

    name: str = "socketpair"
    traits: Traits = TRAITS
    kind: socket.SocketKind = socket.SOCK_STREAM

    def probe(self) -> Limits | Unavailable:
        try:
            PairChannel(Spec(size=1), self.kind).close()
            return Limits(message=self._message(), others=(send_buffer(),))
        except OSError as error:
            return unavailable(error)
        except Unavailable as reason:
            return reason

    def _message(self) -> Limit:
        stream = self.traits.framing is Framing.STREAM
        return UNBOUNDED if stream else message_limit(self.kind)

    def check(self, spec: Spec) -> None:
        """Raise what `Transport.create` raises for a spec that it cannot have."""
        try:
            check_spec(self, spec, self._message().value)
        except OSError as error:
            raise unavailable(error) from error

    def create(self, spec: Spec) -> PairChannel:
        self.check(spec)
        return PairChannel(spec, self.kind)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        connections = [socket.socket(fileno=fd) for fd in ticket.take_fds()]
        return ConnectedEndpoint(connections, ticket, self.traits)


def pair_of(parameters: str) -> SocketPair:
    """Make the transport over another kind of socket.

    Args:
        parameters: `dgram` or `seqpacket`.

    Raises:
        ValueError: any other kind.
    """
    if parameters == "dgram":
        return SocketPair("socketpair:dgram", DATAGRAM, socket.SOCK_DGRAM)
    if parameters == "seqpacket":
        return SocketPair("socketpair:seqpacket", SEQPACKET, socket.SOCK_SEQPACKET)
    raise ValueError(
        f"no socket pair {parameters!r}: there are socketpair, socketpair:dgram and "
        "socketpair:seqpacket"
    )
