"""unix(7) sockets that are bound to a path, listened on and connected to, both ways.

`unix-stream` carries bytes, `unix-seqpacket` messages.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ipcbench.transports.base.defaults import check_seat, check_spec, path_in
from ipcbench.transports.base.descriptors import duplicate_all
from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Waiting,
)
from ipcbench.transports.kernel_objects.kernel_name import fresh_folder, remove_folder
from ipcbench.transports.sockets.calls import largest_message
from ipcbench.transports.sockets.connections import (
    LONG_QUEUE,
    ConnectedEndpoint,
    Door,
    bind,
    connect_to,
)

STREAM = Traits(
    family=Family.SOCKET,
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.HUB}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    waiting=Waiting.BLOCKING,
    zero_length=False,
    pollable=True,
    copies=2,  # into the kernel's buffers, and out of them
    native=True,
    unlink_early=True,
)
# An empty message could be sent, but looks like the end of file: zero_length is False.
SEQPACKET = replace(STREAM, framing=Framing.MESSAGE)

PATH_MAX = 107  # sockaddr_un holds 108 bytes, the last one zero: unix(7)

UNBOUNDED = Limit("message", None, "a stream has no bound")


class Place:
    """The path of a channel's socket: fixed by the caller, or private in a folder of its own."""

    def __init__(self, spec: Spec) -> None:
        self._folder = fresh_folder() if spec.name is None else None
        self.path = Path(spec.name) if spec.name is not None else Path(f"{self._folder}/socket")
        self._bound: list[Path] = []

    def bind(self, made: socket.socket, path: Path, backlog: int = 0) -> None:
        """Bind there, for our user alone, and listen where there is a backlog.

        Raises: FileExistsError where the path is taken, Unavailable.
        """
        bind_private(made, path, backlog)
        self._bound.append(path)

    def also(self, paths: Iterable[Path]) -> None:
        """Others will bind these: they go with ours."""
        self._bound += paths

    def remove(self) -> None:
        """Remove the names, once only: they may be somebody else's by then."""
        bound, self._bound = self._bound, []
        for path in bound:
            path.unlink(missing_ok=True)
        folder, self._folder = self._folder, None
        if folder is not None:
            remove_folder(folder)


def bind_private(made: socket.socket, path: Path, backlog: int = 0) -> None:
    """Bind to a path that our user alone may reach, and listen where there is a backlog.

    Raises: FileExistsError where the path is taken, Unavailable.
    """
    check_length(path)
    try:
        # bind(2) gives the file the socket's own mode, less the umask (unix_bind_bsd() in
        # Linux's net/unix/af_unix.c); the umask itself is every thread's, and is left alone.
        os.fchmod(made.fileno(), 0o600)
        bind(made, str(path), backlog)
    except FileExistsError:
        raise
    except OSError as error:
        raise refused(f"bind(2) to {path}", error) from error


def check_length(path: Path) -> None:
    """Raises: Unavailable for a path that no socket can have."""
    length = len(os.fsencode(path))
    if length > PATH_MAX:
        raise Unavailable(
            f"the socket's path has {length} bytes, unix(7) takes {PATH_MAX}",
            "set XDG_RUNTIME_DIR or TMPDIR to a shorter one",
        )


def new_socket(kind: socket.SocketKind) -> socket.socket:
    """Raises: Unavailable."""
    try:
        return socket.socket(socket.AF_UNIX, kind)
    except OSError as error:
        raise unavailable(error) from error


def unavailable(error: OSError) -> Unavailable:
    return refused("socket(AF_UNIX)", error)


class UnixChannel:
    def __init__(self, spec: Spec, kind: socket.SocketKind) -> None:
        self._spec = spec
        self._listener: socket.socket | None = None
        self._place = Place(spec)
        try:
            self._listener = new_socket(kind)
            self._place.bind(self._listener, self._place.path, LONG_QUEUE)
        except BaseException:
            self.close()
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._listener is None:
            raise Closed("the channel is closed")
        listening = role in (Role.SERVER, Role.RECEIVER)
        fds = duplicate_all([self._listener.fileno()] if listening else [])
        return Ticket(role, index, self._spec, data={"path": str(self._place.path)}, fds=fds)

    def close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def unlink(self) -> None:
        self._place.remove()


def message_limit(kind: socket.SocketKind) -> Limit:
    """Raises: OSError."""
    most = largest_message(kind)
    return Limit(
        "message",
        most,
        "SO_SNDBUF, by net.core.wmem_default",
        f"sysctl -w net.core.wmem_default={2 * (most + 32)}",
    )


def send_buffer() -> Limit:
    """Raises: OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
        room = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return Limit(
        "send buffer", room, "net.core.wmem_default", f"sysctl -w net.core.wmem_default={2 * room}"
    )


@dataclass(frozen=True, slots=True)
class UnixSocket:
    name: str
    traits: Traits
    kind: socket.SocketKind

    def probe(self) -> Limits | Unavailable:
        try:
            channel = UnixChannel(Spec(size=1), self.kind)
            channel.close()
            channel.unlink()
            return Limits(message=self._message(), others=(send_buffer(),))
        except OSError as error:
            return unavailable(error)
        except Unavailable as reason:
            return reason

    def _message(self) -> Limit:
        if self.traits.framing is Framing.STREAM:
            return UNBOUNDED
        return message_limit(self.kind)

    def create(self, spec: Spec) -> UnixChannel:
        try:
            check_spec(self, spec, self._message().value)
        except OSError as error:
            raise unavailable(error) from error
        return UnixChannel(spec, self.kind)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        framing = self.traits.framing
        if ticket.role in (Role.CLIENT, Role.SENDER):
            connection = connect_to(new_socket(self.kind), path_in(ticket), ticket.index, deadline)
            return ConnectedEndpoint([connection], ticket, framing)
        (fd,) = ticket.take_fds()
        with socket.socket(fileno=fd) as listener:
            connections = Door(listener, ticket.spec.parties - 1).admit_all(deadline)
        return ConnectedEndpoint(connections, ticket, framing)


def unix_stream() -> UnixSocket:
    return UnixSocket("unix-stream", STREAM, socket.SOCK_STREAM)


def unix_seqpacket() -> UnixSocket:
    return UnixSocket("unix-seqpacket", SEQPACKET, socket.SOCK_SEQPACKET)
