"""socketpair(2): two connected unix(7) stream sockets without a name, one pair for each client."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace

from ipcbench.transports.base import PlainChannel, check_spec, duplicate_all
from ipcbench.transports.contract import (
    Endpoint,
    Lifetime,
    Limits,
    Role,
    Sharing,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.sockets.connections import ConnectedEndpoint
from ipcbench.transports.sockets.unix import STREAM, UNBOUNDED, send_buffer, unavailable

TRAITS = replace(STREAM, sharing=Sharing.DESCRIPTORS, lifetime=Lifetime.PROCESS, unlink_early=False)


class PairChannel(PlainChannel):
    """A pair (the client's end, the server's) for each client."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        try:
            for _ in range(spec.parties - 1):
                self._pairs.append(socket.socketpair())
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
    """The transport `socketpair`."""

    name: str = "socketpair"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            PairChannel(Spec(size=1)).close()
            return Limits(message=UNBOUNDED, others=(send_buffer(),))
        except OSError as error:
            return unavailable(error)
        except Unavailable as reason:
            return reason

    def create(self, spec: Spec) -> PairChannel:
        check_spec(self, spec, None)
        return PairChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        connections = [socket.socket(fileno=fd) for fd in ticket.take_fds()]
        return ConnectedEndpoint(connections, ticket, self.traits.framing)
