"""Transport `latest:unix-stream`: a newest value through a socket to each receiver."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace

from ipcbench.transports.base import check_spec, duplicate_all
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    Role,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
)
from ipcbench.transports.latest.ends import StreamEndpoint
from ipcbench.transports.sockets.socketpair import TRAITS as PAIR
from ipcbench.transports.sockets.socketpair import PairChannel, SocketPair

TRAITS = replace(
    PAIR,
    topologies=frozenset({Topology.NEWEST}),
    waiting=Wait.SPIN,
    pollable=False,
    spins=False,
    copies=3,  # into the kernel's buffers, out of them, and the last value out of those that came
    lossy=True,
    native=False,
    batch=False,
    batch_in_kernel=False,
)


class NewestPairChannel(PairChannel):
    """A pair of sockets (the sender's, the receiver's) for each receiver."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, socket.SOCK_STREAM)

    def _ticket(self, role: Role, index: int) -> Ticket:
        if role is Role.SENDER:
            ends = [sending for sending, _ in self._pairs]
        else:
            ends = [self._pairs[index][1]]
        return Ticket(role, index, self._spec, fds=duplicate_all(end.fileno() for end in ends))


@dataclass(frozen=True, slots=True)
class NewestUnixStream:
    """The transport `latest:unix-stream`."""

    name: str = "latest:unix-stream"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        return SocketPair().probe()

    def create(self, spec: Spec) -> NewestPairChannel:
        check_spec(self, spec, None)
        return NewestPairChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return StreamEndpoint(ticket)
