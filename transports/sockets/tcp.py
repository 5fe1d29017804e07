"""tcp(7) over the loopback device: the network's stack, inside one machine.

The port is the kernel's choice, and whoever is on this machine may connect to
it: so a secret that only the tickets hold is what lets a connection in.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, replace
from typing import Any

from ipcbench.transports.base.defaults import PlainChannel, check_seat, check_spec
from ipcbench.transports.base.descriptors import duplicate_all
from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerGone,
    Role,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.sockets.connections import (
    LONG_QUEUE,
    SECRET_BYTES,
    ConnectedEndpoint,
    Door,
    bind,
    connect_to,
)
from ipcbench.transports.sockets.unix import STREAM, UNBOUNDED

_LOOPBACK = "ip link set lo up, and for ::1 sysctl -w net.ipv6.conf.lo.disable_ipv6=0"

TRAITS = replace(STREAM, lifetime=Lifetime.PROCESS, unlink_early=False)


class TcpChannel(PlainChannel):
    def __init__(self, spec: Spec, listener: socket.socket) -> None:
        self._spec = spec
        self._listener: socket.socket | None = listener
        self._secret = secrets.token_bytes(SECRET_BYTES)
        self._address = list(listener.getsockname()[:2])

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._listener is None:
            raise Closed("the channel is closed")
        listening = role in (Role.SERVER, Role.RECEIVER)
        fds = duplicate_all([self._listener.fileno()] if listening else [])
        data = {"address": self._address, "secret": self._secret.hex()}
        return Ticket(role, index, self._spec, data=data, fds=fds)

    def close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()


@dataclass(frozen=True, slots=True)
class Tcp:
    name: str
    domain: socket.AddressFamily
    host: str
    traits: Traits = TRAITS

    def _listen(self) -> socket.socket:
        """Raises: Unavailable."""
        listener = None
        try:
            listener = socket.socket(self.domain, socket.SOCK_STREAM)
            bind(listener, (self.host, 0), LONG_QUEUE)
        except OSError as error:
            if listener is not None:
                listener.close()
            raise refused(f"listening at {self.host}", error, _LOOPBACK) from error
        return listener

    def probe(self) -> Limits | Unavailable:
        try:
            with self._listen() as listener, self._socket() as one:
                # To a queue with room: it neither waits nor needs to be accepted.
                one.settimeout(1)
                one.connect(listener.getsockname())
                room = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        except Unavailable as reason:
            return reason
        except OSError as error:
            return refused(f"connect(2) to {self.host}", error, _LOOPBACK)
        return Limits(
            message=UNBOUNDED,
            others=(
                Limit(
                    "send buffer",
                    room,
                    "net.ipv4.tcp_wmem",  # for both, tcp(7): it grows as far as the third number
                    f'sysctl -w net.ipv4.tcp_wmem="4096 {2 * room} {max(4 * 1024**2, 2 * room)}"',
                ),
            ),
        )

    def _socket(self) -> socket.socket:
        made = socket.socket(self.domain, socket.SOCK_STREAM)
        _without_delay(made)
        return made

    def create(self, spec: Spec) -> TcpChannel:
        check_spec(self, spec, None)
        if spec.name is not None:
            raise ValueError(f"{self.name} takes no fixed name: its port is the kernel's choice")
        return TcpChannel(spec, self._listen())

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        secret = bytes.fromhex(ticket.data["secret"])
        if ticket.role in (Role.CLIENT, Role.SENDER):
            address = tuple(ticket.data["address"])
            connection = connect_to(self._socket(), address, ticket.index, deadline, secret)
            if _met_itself(connection):
                connection.close()
                raise PeerGone(f"nobody listens at {address}")
            return ConnectedEndpoint([connection], ticket, Framing.STREAM)
        (fd,) = ticket.take_fds()
        with socket.socket(fileno=fd) as listener:
            connections = Door(listener, ticket.spec.parties - 1, secret).admit_all(deadline)
        for connection in connections:
            _without_delay(connection)
        return ConnectedEndpoint(connections, ticket, Framing.STREAM)


def _without_delay(connection: socket.socket) -> None:
    """Each message goes at once, and never waits for the answer to the last one: tcp(7)."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _met_itself(connection: socket.socket) -> bool:
    """Connecting to a port that nobody holds may choose that very port for our own end."""
    name: Any = connection.getsockname()
    return bool(name == connection.getpeername())


def tcp() -> Tcp:
    return Tcp("tcp", socket.AF_INET, "127.0.0.1")


def tcp6() -> Tcp:
    return Tcp("tcp6", socket.AF_INET6, "::1")
