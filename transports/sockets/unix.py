"""unix(7) sockets that are bound to a path, listened on and connected to, both ways.

`unix-stream` carries bytes, `unix-seqpacket` messages; `unix-stream:1M` has send buffers of that
size.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ipcbench.transports.base import (
    check_spec,
    path_in,
    refused,
    set_kernel,
    sysctl_limit,
)
from ipcbench.transports.base.sizes import parse_size
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    Framing,
    Lifetime,
    Limit,
    Limits,
    Need,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
)
from ipcbench.transports.kernel_objects import fresh_folder, remove_folder
from ipcbench.transports.sockets import buffers
from ipcbench.transports.sockets.calls import largest_message
from ipcbench.transports.sockets.connections import (
    LONG_QUEUE,
    Acceptor,
    BoundChannel,
    ConnectedEndpoint,
    bind,
    connect_to,
)

STREAM = Traits(
    family=Family.SOCKET,
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.HUB}),
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    zero_length=False,
    pollable=True,
    spins=True,
    copies=2,  # into the kernel's buffers, and out of them
    native=True,
    batch=True,
    batch_in_kernel=True,
    unlink_early=True,
)
# An empty message could be sent, but looks like the end of file: zero_length is False.
SEQPACKET = replace(STREAM, framing=Framing.MESSAGE)

PATH_MAX = 107  # sockaddr_un holds 108 bytes, the last one zero: unix(7)

# Beyond it sock_alloc_send_pskb() returns ENOBUFS: KMALLOC_MAX_SIZE, and a few fragments more.
ONE_PIECE = 1024 * os.sysconf("SC_PAGE_SIZE")
_OVERHEAD = 32  # bytes of SO_SNDBUF that no message may use

UNBOUNDED = Limit("message", None, "a stream has no bound")


class SocketPath:
    """Path of a channel's socket: fixed by the caller, or in a private folder."""

    def __init__(self, spec: Spec) -> None:
        self._folder = fresh_folder() if spec.name is None else None
        self.path = Path(spec.name) if spec.name is not None else Path(f"{self._folder}/socket")
        self._bound: list[Path] = []

    def bound(self, kind: socket.SocketKind, backlog: int = 0) -> socket.socket:
        """Create a socket that is bound to the path, for our user alone.

        Args:
            kind: the socket's kind.
            backlog: the length of the listener's queue; 0: do not listen.

        Raises:
            FileExistsError: the path is taken.
            Unavailable: there is no such socket, or bind(2) fails.
        """
        made = new_socket(kind)
        try:
            bind_private(made, self.path, backlog)
        except BaseException:
            made.close()
            raise
        self._bound.append(self.path)
        return made

    def add(self, paths: Iterable[Path]) -> None:
        """Let `remove` remove further paths, to which peers will bind sockets."""
        self._bound += paths

    def remove(self) -> None:
        """Remove the names, the first time: they may be another program's afterwards."""
        bound, self._bound = self._bound, []
        for path in bound:
            path.unlink(missing_ok=True)
        folder, self._folder = self._folder, None
        if folder is not None:
            remove_folder(folder)


def bind_private(made: socket.socket, path: Path, backlog: int = 0) -> None:
    """Bind to a path that our user alone may reach, and listen.

    Args:
        made: the socket.
        path: its path.
        backlog: the length of the listener's queue; 0: do not listen.

    Raises:
        FileExistsError: the path is taken.
        Unavailable: bind(2) or listen(2) fails.
    """
    check_length(path)
    try:
        # bind(2) gives the file the socket's own mode, less the umask (unix_bind_bsd() in
        # Linux's net/unix/af_unix.c); the umask itself belongs to all threads, and is left alone.
        os.fchmod(made.fileno(), 0o600)
        bind(made, str(path), backlog)
    except FileExistsError:
        raise
    except OSError as error:
        raise refused(f"bind(2) to {path}", error) from error


def check_length(path: Path) -> None:
    """Check that a socket can have this path. Raises: Unavailable."""
    length = len(os.fsencode(path))
    if length > PATH_MAX:
        raise Unavailable(
            f"the socket's path has {length} bytes, unix(7) takes {PATH_MAX}",
            "set XDG_RUNTIME_DIR or TMPDIR to a shorter one",
        )


def new_socket(kind: socket.SocketKind) -> socket.socket:
    """Create a unix(7) socket. Raises: Unavailable."""
    try:
        return socket.socket(socket.AF_UNIX, kind)
    except OSError as error:
        raise unavailable(error) from error


def unavailable(error: OSError) -> Unavailable:
    return refused("socket(AF_UNIX)", error)


class UnixChannel(BoundChannel):
    """A listener at a path."""

    def __init__(self, spec: Spec, kind: socket.SocketKind) -> None:
        self._path = SocketPath(spec)
        try:
            listener = self._path.bound(kind, LONG_QUEUE)
        except BaseException:
            self.unlink()
            raise
        super().__init__(spec, listener, {"path": str(self._path.path)})

    def unlink(self) -> None:
        self._path.remove()


def message_limit(kind: socket.SocketKind) -> Limit:
    """Find the longest message of a kind of socket. Raises: OSError."""
    most = largest_message(kind)
    return Limit(
        "message",
        most,
        "SO_SNDBUF, by net.core.wmem_default",
        _larger(Need(2 * most)),
        _larger,
    )


def _larger(need: Need) -> str:
    """Return the setting for messages of this size: unix_dgram_sendmsg() of net/unix/af_unix.c."""
    if need.size > ONE_PIECE:
        return (
            f"no setting suffices: the kernel allocates a message of this socket in one piece, of "
            f"{ONE_PIECE} bytes at most"
        )
    return set_kernel({"net.core.wmem_default": need.size + _OVERHEAD})


def send_buffer() -> Limit:
    """Find the size of a stream socket's send buffer. Raises: OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
        size = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return sysctl_limit("send buffer", "net.core.wmem_default", size)


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """The transports `unix-stream`, `unix-stream:SIZE` and `unix-seqpacket`.

    Of both buffers, SO_SNDBUF of the sending end alone bounds what a direction holds; SO_RCVBUF
    has no effect (unix(7)), so it is left alone.
    """

    name: str
    traits: Traits
    kind: socket.SocketKind
    buffer: int | None = None  # bytes; None: the kernel's default

    def probe(self) -> Limits | Unavailable:
        try:
            channel = UnixChannel(Spec(size=1), self.kind)
            channel.close()
            channel.unlink()
            return Limits(message=self._message(), others=self._buffers())
        except OSError as error:
            return unavailable(error)
        except Unavailable as reason:
            return reason

    def _message(self) -> Limit:
        if self.traits.framing is Framing.STREAM:
            return UNBOUNDED
        return message_limit(self.kind)

    def _buffers(self) -> tuple[Limit, ...]:
        if self.buffer is None:
            return (send_buffer(),)
        with self._socket() as one:
            return buffers.limits(one, self.name, (buffers.SEND,))

    def _socket(self) -> socket.socket:
        """Create a socket whose buffer has the size. Raises: Unavailable."""
        made = new_socket(self.kind)
        buffers.fix([made], self.buffer, (buffers.SEND,))
        return made

    def create(self, spec: Spec) -> UnixChannel:
        try:
            check_spec(self, spec, self._message().value)
        except OSError as error:
            raise unavailable(error) from error
        self._socket().close()  # say now that there are no such buffers, and not in a peer
        return UnixChannel(spec, self.kind)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if ticket.role in (Role.CLIENT, Role.SENDER):
            connection = connect_to(self._socket(), path_in(ticket), ticket.index, deadline)
            return ConnectedEndpoint([connection], ticket, self.traits)
        (fd,) = ticket.take_fds()
        with socket.socket(fileno=fd) as listener:
            connections = Acceptor(listener, ticket.spec.parties - 1).admit_all(deadline)
        # An accepted socket has the default, whatever its listener has: unix_stream_connect().
        buffers.fix(connections, self.buffer, (buffers.SEND,))
        return ConnectedEndpoint(connections, ticket, self.traits)


def unix_stream() -> UnixSocket:
    """Make the transport over SOCK_STREAM."""
    return UnixSocket("unix-stream", STREAM, socket.SOCK_STREAM)


def unix_stream_of(parameters: str) -> UnixSocket:
    """Make the transport over SOCK_STREAM whose send buffers have a fixed size.

    Args:
        parameters: the size: `1M`, `256K`, `4096`.

    Raises:
        ValueError: it is no size.
    """
    size = parse_size(parameters, "unix-stream", "buffer")
    return UnixSocket(f"unix-stream:{parameters}", STREAM, socket.SOCK_STREAM, size)


def unix_seqpacket() -> UnixSocket:
    """Make the transport over SOCK_SEQPACKET."""
    return UnixSocket("unix-seqpacket", SEQPACKET, socket.SOCK_SEQPACKET)
