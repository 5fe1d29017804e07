"""socketpair(2): two connected unix(7) stream sockets without a name, one pair for each client."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace

from ipcbench.transports.base.defaults import PlainChannel, check_seat, check_spec
from ipcbench.transports.base.descriptors import duplicate_all
from ipcbench.transports.contract import (
    Closed,
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
    """`_pairs` holds (the client's, the server's) for each client."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        try:
            for _ in range(spec.parties - 1):
                self._pairs.append(socket.socketpair())
        except OSError as error:
            self.close()
            raise unavailable(error) from error

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if not self._pairs:
            raise Closed("the channel is closed")
        if role in (Role.CLIENT, Role.SENDER):
            mine = [self._pairs[index][0]]
        else:
            mine = [server for _, server in self._pairs]
        return Ticket(role, index, self._spec, fds=duplicate_all(one.fileno() for one in mine))

    def close(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                one.close()


@dataclass(frozen=True, slots=True)
class SocketPair:
    name: str = "socketpair"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            one, other = socket.socketpair()
            with one, other:
                return Limits(message=UNBOUNDED, others=(send_buffer(),))
        except OSError as error:
            return unavailable(error)

    def create(self, spec: Spec) -> PairChannel:
        check_spec(self, spec, None)
        return PairChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        connections = [socket.socket(fileno=fd) for fd in ticket.take_fds()]
        return ConnectedEndpoint(connections, ticket, self.traits.framing)
