"""unix(7) stream sockets: bound to a path, listened on, connected to, both ways."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transports.checks import check_seat, check_spec
from transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Traits,
    Unavailable,
    Waiting,
)
from transports.defaults import PlainEndpoint, closed, forbidden, translated
from transports.descriptors import duplicate_all, read_rest, write_rest
from transports.naming import fresh_folder, remove_folder

TRAITS = Traits(
    family=Family.SOCKET,
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    waiting=Waiting.BLOCKING,
    zero_length=False,
    pollable=True,
    copies=2,  # into the kernel's buffers, and out of them
    unlink_early=True,
)

PATH_MAX = 107  # sockaddr_un holds 108 bytes, the last one zero: unix(7)
_INDEX = struct.Struct("=I")
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


def _left(deadline: float, who: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut(f"{who} did not come in time")
    return left


def _connect(path: str, index: int, deadline: float) -> socket.socket:
    """Connect, and name our index first."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _reach(connection, path, deadline)
        connection.sendall(_INDEX.pack(index))
    except TimeoutError as error:
        connection.close()
        raise TimedOut("the listener did not come in time") from error
    except (ConnectionRefusedError, FileNotFoundError) as error:
        connection.close()
        raise PeerGone(f"nobody listens at {path}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _reach(connection: socket.socket, path: str, deadline: float) -> None:
    while True:
        connection.settimeout(_left(deadline, "room in the listener's queue"))
        try:
            return connection.connect(path)
        except BlockingIOError:  # the queue is full; unix(7) sockets say so instead of waiting
            time.sleep(0.001)


def _accept(listener: socket.socket, deadline: float) -> tuple[int, socket.socket]:
    """Take one connection of our own user; (the index that it named, the connection)."""
    while True:
        listener.settimeout(_left(deadline, "a connecting process"))
        try:
            connection, _ = listener.accept()
        except TimeoutError as error:
            raise TimedOut("a connecting process did not come in time") from error
        credentials = connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        if _CREDENTIALS.unpack(credentials)[1] == os.getuid():
            break
        connection.close()
    try:
        connection.settimeout(_left(deadline, "the index of a connection"))
        first = connection.recv(_INDEX.size, socket.MSG_WAITALL)
    except TimeoutError as error:
        connection.close()
        raise TimedOut("the index of a connection did not come in time") from error
    if len(first) != _INDEX.size:
        connection.close()
        raise PeerGone("a connecting process left before it named itself")
    return _INDEX.unpack(first)[0], connection


def _accept_all(listener: socket.socket, count: int, deadline: float) -> list[socket.socket]:
    """The connections of so many, by their indices; all of them or none."""
    connections: dict[int, socket.socket] = {}
    try:
        while len(connections) < count:
            index, connection = _accept(listener, deadline)
            connections[index] = connection
    except BaseException:
        for connection in connections.values():
            connection.close()
        raise
    return [connections[index] for index in sorted(connections)]


class UnixStreamEndpoint(PlainEndpoint):
    """One connection, or, for the receiver of a fan-in, one for each sender."""

    def __init__(self, connections: list[socket.socket], ticket: Ticket) -> None:
        self._connections = connections
        self._epoll: select.epoll | None = None
        size = ticket.spec.size
        for connection in connections:
            connection.setblocking(not ticket.spec.nowait)
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        if ticket.role is not Role.RECEIVER:
            self.send = _sender(connections[0], size)
        if ticket.role in (Role.CLIENT, Role.SERVER):
            self.recv_into = _receiver(connections[0], size)
        if ticket.role is Role.RECEIVER:
            self._epoll = select.epoll()
            for connection in connections:
                self._epoll.register(connection, select.EPOLLIN)
            self.recv_into = _collector(self._epoll, connections, ticket.spec)

    def close(self) -> None:
        self.send = self.recv_into = closed
        if self._epoll is not None:
            self._epoll.close()
        for connection in self._connections:
            connection.close()


def _sender(connection: socket.socket, size: int) -> Any:
    transmit = connection.send
    fd = connection.fileno()

    def send(data: Any, /) -> None:
        try:
            sent = transmit(data)
        except OSError as error:
            raise translated(error, "send") from error
        if sent != size:
            write_rest(fd, memoryview(data), sent)

    return send


def _receiver(connection: socket.socket, size: int) -> Any:
    receive = connection.recv_into
    fd = connection.fileno()

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = receive(buffer)
        except OSError as error:
            raise translated(error, "receive") from error
        if received != size:
            if received == 0:
                raise PeerGone("receive: end of file")
            return read_rest(fd, buffer, received)
        return received

    return recv_into


def _collector(epoll: select.epoll, connections: list[socket.socket], spec: Spec) -> Any:
    """Receive from whichever sender has something, each in its turn."""
    receivers = {one.fileno(): _receiver(one, spec.size) for one in connections}
    wait = epoll.poll
    timeout = 0 if spec.nowait else -1
    ready: list[tuple[int, int]] = []

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal ready
        while True:
            while not ready:
                ready = wait(timeout)
                if spec.nowait and not ready:
                    raise translated(BlockingIOError(11, "nothing is there"), "receive")
            fd, _ = ready.pop()
            try:
                return receivers[fd](buffer)  # type: ignore[no-any-return]
            except PeerGone:
                # One sender that has finished is no end while others may still send;
                # the last one stays, so that whoever asks again is told again.
                if len(receivers) == 1:
                    raise
                epoll.unregister(fd)
                del receivers[fd]

    return recv_into


class UnixStreamChannel:
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._folder: Path | None = None
        if spec.name is None:
            self._folder = fresh_folder()
            self._path = self._folder / "socket"
        else:
            self._path = Path(spec.name)
        try:
            self._listener: socket.socket | None = _listen(self._path, spec)
        except BaseException:
            self._remove_folder()
            raise
        self._named = True

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._listener is None:
            raise Closed("the channel is closed")
        listening = role in (Role.SERVER, Role.RECEIVER)
        fds = duplicate_all([self._listener.fileno()] if listening else [])
        return Ticket(role, index, self._spec, data={"path": str(self._path)}, fds=fds)

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def unlink(self) -> None:
        if self._named:  # once only: the name may be somebody else's by then
            self._named = False
            self._path.unlink(missing_ok=True)
            self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            remove_folder(self._folder)


def _listen(path: Path, spec: Spec) -> socket.socket:
    """Bind and listen.

    Raises: FileExistsError where the path is taken, Unavailable where it is too long.
    """
    if len(os.fsencode(path)) > PATH_MAX:
        raise Unavailable(
            f"the socket's path has {len(os.fsencode(path))} bytes, unix(7) takes {PATH_MAX}",
            "set XDG_RUNTIME_DIR or TMPDIR to a shorter one",
        )
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise _unavailable(error) from error
    try:
        mask = os.umask(0o177)  # bind(2) makes the file with 0777 less the mask
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen(spec.parties)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise FileExistsError(f"{path} is taken") from error
        raise Unavailable(f"{path} cannot be bound: {error.strerror}") from error
    return listener


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"socket(AF_UNIX) fails: {error.strerror}")


@dataclass(frozen=True, slots=True)
class UnixStream:
    name: str = "unix-stream"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            one, two = socket.socketpair()
        except OSError as error:
            return _unavailable(error)
        with one, two:
            buffered = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        return Limits(
            message=Limit("message", None, "a stream has no bound"),
            others=(
                Limit(
                    "send buffer",
                    buffered,
                    "net.core.wmem_default",
                    "sysctl -w net.core.wmem_default=425984",
                ),
            ),
        )

    def create(self, spec: Spec) -> UnixStreamChannel:
        check_spec(self, spec, None)
        return UnixStreamChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if not ticket.fds:
            return UnixStreamEndpoint(
                [_connect(ticket.data["path"], ticket.index, deadline)], ticket
            )
        (fd,) = ticket.take_fds()
        with socket.socket(fileno=fd) as listener:
            return UnixStreamEndpoint(
                _accept_all(listener, ticket.spec.parties - 1, deadline), ticket
            )
