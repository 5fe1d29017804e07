"""tcp(7) over the loopback device: the network stack, inside one machine.

The kernel chooses the port, and any process on this machine can connect to it:
so a connection is admitted only with a secret that the tickets alone hold.
"""

from __future__ import annotations

import errno
import secrets
import socket
from dataclasses import dataclass, replace
from typing import Any

from ipcbench.transports.base import check_spec, refused, set_kernel, sysctl_text
from ipcbench.transports.base.remedies import either_of
from ipcbench.transports.base.sizes import parse_size
from ipcbench.transports.contract import (
    Endpoint,
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
from ipcbench.transports.sockets import buffers
from ipcbench.transports.sockets.connections import (
    LONG_QUEUE,
    SECRET_BYTES,
    Acceptor,
    BoundChannel,
    ConnectedEndpoint,
    bind,
    connect_to,
)
from ipcbench.transports.sockets.unix import STREAM, UNBOUNDED

_LOOPBACK = "ip link set lo up, and for ::1 sysctl -w net.ipv6.conf.lo.disable_ipv6=0"

_PORTS = "net.ipv4.ip_local_port_range"  # of both domains: ip(7)
_DEFAULT_PORTS = (32768, 60999)
_RELEASE = (
    "end programs that hold ports (ss -tan), and wait a minute: a closed connection keeps its "
    "port that long (TIME_WAIT)"
)

TRAITS = replace(STREAM, lifetime=Lifetime.PROCESS, unlink_early=False)


@dataclass(frozen=True, slots=True)
class Tcp:
    """The transports `tcp` and `tcp6`, which differ in domain and host; `tcp:SIZE`, `tcp6:SIZE`.

    A fixed size ends the tuning of a buffer by the kernel: SO_SNDBUF and SO_RCVBUF, tcp(7).
    """

    name: str
    domain: socket.AddressFamily
    host: str
    buffer: int | None = None  # bytes; None: the kernel tunes the buffers
    traits: Traits = TRAITS

    def _listen(self) -> socket.socket:
        """Listen at a free port. Raises: Unavailable."""
        listener = None
        try:
            listener = socket.socket(self.domain, socket.SOCK_STREAM)
            # The window's scale is agreed when a connection is made, so its buffers must have
            # their size before; accepted sockets have the listener's: tcp(7).
            buffers.fix([listener], self.buffer)
            bind(listener, (self.host, 0), LONG_QUEUE)
        except OSError as error:
            if listener is not None:
                listener.close()
            if isinstance(error, FileExistsError):  # the kernel was to choose the port
                raise no_port(self.host) from error
            raise refused(f"listening at {self.host}", error, _LOOPBACK) from error
        return listener

    def probe(self) -> Limits | Unavailable:
        try:
            with self._listen() as listener, self._socket() as one:
                # The queue has room, so this neither waits nor needs to be accepted.
                one.settimeout(1)
                one.connect(listener.getsockname())
                others = self._buffers(one)
        except Unavailable as reason:
            return reason
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return no_port(self.host)
            return refused(f"connect(2) to {self.host}", error, _LOOPBACK)
        return Limits(message=UNBOUNDED, others=others)

    def _buffers(self, one: socket.socket) -> tuple[Limit, ...]:
        if self.buffer is not None:
            return buffers.limits(one, self.name)
        room = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        return (
            Limit(
                "send buffer",
                room,
                "net.ipv4.tcp_wmem",  # for both, tcp(7): it grows as far as the third number
                f'sysctl -w net.ipv4.tcp_wmem="4096 {2 * room} {max(4 * 1024**2, 2 * room)}"',
            ),
        )

    def _socket(self) -> socket.socket:
        made = socket.socket(self.domain, socket.SOCK_STREAM)
        buffers.fix([made], self.buffer)
        _without_delay(made)
        return made

    def create(self, spec: Spec) -> BoundChannel:
        check_spec(self, spec, None)
        if spec.name is not None:
            raise ValueError(f"{self.name} takes no fixed name: its port is the kernel's choice")
        listener = self._listen()
        secret = secrets.token_hex(SECRET_BYTES)
        address = listener.getsockname()[:2]
        return BoundChannel(spec, listener, {"address": list(address), "secret": secret})

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        secret = bytes.fromhex(ticket.data["secret"])
        if ticket.role in (Role.CLIENT, Role.SENDER):
            address = tuple(ticket.data["address"])
            try:
                connection = connect_to(self._socket(), address, ticket.index, deadline, secret)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                raise no_port(self.host) from error
            if _is_connected_to_itself(connection):
                connection.close()
                raise PeerGone(f"there is no listener at {address}")
            return ConnectedEndpoint([connection], ticket, self.traits)
        (fd,) = ticket.take_fds()
        with socket.socket(fileno=fd) as listener:
            connections = Acceptor(listener, ticket.spec.parties - 1, secret).admit_all(deadline)
        buffers.fix(connections, self.buffer)  # they have it; this reads it back
        for connection in connections:
            _without_delay(connection)
        return ConnectedEndpoint(connections, ticket, self.traits)


def no_port(host: str) -> Unavailable:
    """Make the error for EADDRINUSE of bind(2) to any port, and EADDRNOTAVAIL of connect(2)."""
    try:
        first, last = map(int, sysctl_text(_PORTS).split())
    except (OSError, ValueError):
        return Unavailable(f"no port of {host} is free", _RELEASE)
    narrow = last - first < _DEFAULT_PORTS[1] - _DEFAULT_PORTS[0]
    wider = set_kernel({_PORTS: "{} {}".format(*_DEFAULT_PORTS)}) if narrow else ""
    return Unavailable(
        f"no port of {host} is free: all from {first} to {last} ({_PORTS}) are in use",
        either_of(wider, _RELEASE),
    )


def _without_delay(connection: socket.socket) -> None:
    """Send each message at once, without waiting for the acknowledgement of the last: tcp(7)."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _is_connected_to_itself(connection: socket.socket) -> bool:
    """Tell whether a connection has one socket at both ends.

    Connecting to a port without a listener may choose that very port for our own end.
    """
    name: Any = connection.getsockname()
    return bool(name == connection.getpeername())


_HOSTS = {"tcp": (socket.AF_INET, "127.0.0.1"), "tcp6": (socket.AF_INET6, "::1")}


def tcp() -> Tcp:
    """Make the transport over IPv4."""
    return Tcp("tcp", *_HOSTS["tcp"])


def tcp6() -> Tcp:
    """Make the transport over IPv6."""
    return Tcp("tcp6", *_HOSTS["tcp6"])


def tcp_of(parameters: str) -> Tcp:
    """Make the transport over IPv4 with buffers of a fixed size.

    Args:
        parameters: the size: `1M`, `256K`, `4096`.

    Raises:
        ValueError: it is no size.
    """
    return _fixed("tcp", parameters)


def tcp6_of(parameters: str) -> Tcp:
    """Make the transport over IPv6 with buffers of a fixed size; see `tcp_of`."""
    return _fixed("tcp6", parameters)


def _fixed(family: str, parameters: str) -> Tcp:
    size = parse_size(parameters, family, "buffer")
    return Tcp(f"{family}:{parameters}", *_HOSTS[family], buffer=size)
