"""Connected sockets of any domain: connecting, accepting, and the endpoint over them.

A listener serves several processes that connect: each sends its ticket's
secret, if there is one, and its index first, and its connection becomes that
seat's. A connection that sends anything else is closed, and delays no other.
"""

from __future__ import annotations

import errno
import hmac
import os
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from ipcbench.transports.base import (
    DescriptorEndpoint,
    Look,
    PlainChannel,
    Receive,
    Send,
    check_message,
    duplicate_all,
    held_by_socket,
    send_if_room,
    spins,
    stream_look,
)
from ipcbench.transports.contract import (
    Framing,
    Json,
    PeerGone,
    Role,
    Spec,
    Ticket,
    TimedOut,
    Traits,
)
from ipcbench.transports.kernel_objects import check_ours
from ipcbench.transports.native import build_over_descriptors
from ipcbench.transports.sockets.calls import (
    message_look,
    message_receiver,
    message_sender,
    stream_receiver,
    stream_sender,
)

SECRET_BYTES = 32
LONG_QUEUE = socket.SOMAXCONN  # of a listener: unauthenticated peers in it must not block ours
_INDEX = struct.Struct("=I")
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


def _left(deadline: float, awaited: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut(f"{awaited} did not come in time")
    return left


# Connecting


def connect_to(
    connection: socket.socket, address: Any, index: int, deadline: float, secret: bytes = b""
) -> socket.socket:
    """Connect, and send the secret and the index; where that fails, close the socket.

    Args:
        connection: a socket of the right domain and kind.
        address: the listener's address.
        index: the index of this process's seat.
        deadline: a point of `time.monotonic`.
        secret: the ticket's secret.

    Returns:
        The connection.

    Raises:
        PeerGone: there is no listener at the address.
        TimedOut: the listener's queue stayed full.
        PermissionError: the listener is another user's.
    """
    try:
        _reach(connection, address, deadline)
        _check_listener(connection, address)
        connection.sendall(secret + _INDEX.pack(index))
    except TimeoutError as error:
        connection.close()
        raise TimedOut("the listener did not come in time") from error
    except (ConnectionError, FileNotFoundError) as error:
        connection.close()
        raise PeerGone(f"there is no listener at {address}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _reach(connection: socket.socket, address: Any, deadline: float) -> None:
    while True:
        connection.settimeout(_left(deadline, "room in the listener's queue"))
        try:
            return connection.connect(address)
        except BlockingIOError:  # the queue is full; unix(7) sockets say so instead of waiting
            time.sleep(0.001)


# Accepting


@dataclass(slots=True)
class PendingConnection:
    """A connection that has not yet sent its secret and index, and what it has sent of them."""

    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)


class Acceptor:
    """Acceptor at a listener: it admits one connection for each index, and no other."""

    def __init__(self, listener: socket.socket, seats: int, secret: bytes = b"") -> None:
        """Hold the listener, which stays the caller's.

        Args:
            listener: a listening socket.
            seats: the number of indices.
            secret: the bytes that a connection has to send first.
        """
        self._listener = listener
        self._seats = seats
        self._secret = secret
        self._pending: dict[int, PendingConnection] = {}
        self._admitted: dict[int, socket.socket] = {}

    def admit_all(self, deadline: float) -> list[socket.socket]:
        """Wait for all connections.

        Args:
            deadline: a point of `time.monotonic`.

        Returns:
            The connections by their indices: all of them or none.

        Raises:
            TimedOut: a peer did not connect in time.
        """
        self._listener.setblocking(False)
        complete = False
        try:
            while len(self._admitted) < self._seats:
                left = _left(deadline, "a connecting process")
                for fd, _ in self._poller().poll(left * 1000):
                    if fd == self._listener.fileno():
                        self._accept()
                    elif self._is_complete(self._pending[fd]):
                        self._admit(self._pending.pop(fd))
            complete = True
        finally:
            pending = [one.connection for one in self._pending.values()]
            for connection in pending if complete else (*pending, *self._admitted.values()):
                connection.close()
        return [self._admitted[index] for index in sorted(self._admitted)]

    def _poller(self) -> select.poll:
        """Make a poller for the pending connections, and for the listener while there are seats.

        A connection that comes later stays in the listener's queue, for the next
        acceptor at it. But where any process may connect, an unauthenticated peer
        that stays silent must not keep others out.
        """
        poller = select.poll()
        for pending in self._pending.values():
            poller.register(pending.connection, select.POLLIN)
        if self._secret or len(self._pending) + len(self._admitted) < self._seats:
            poller.register(self._listener, select.POLLIN)
        return poller

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # gone again: accept(2)
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._pending:
                raise
            # Unauthenticated peers use up the descriptors: close the one pending longest.
            self._pending.pop(next(iter(self._pending))).connection.close()
            return
        if not _of_our_user(connection):
            connection.close()
            return
        connection.setblocking(False)
        self._pending[connection.fileno()] = PendingConnection(connection)

    def _is_complete(self, pending: PendingConnection) -> bool:
        """Receive no more than the secret and the index; return True if no more can come."""
        wanted = len(self._secret) + _INDEX.size - len(pending.received)
        try:
            data = pending.connection.recv(wanted)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        pending.received += data
        return not data or len(data) == wanted

    def _admit(self, pending: PendingConnection) -> None:
        """Admit a connection with the right secret and a free index; close any other."""
        secret = len(self._secret)
        sent = bytes(pending.received)
        if len(sent) == secret + _INDEX.size and hmac.compare_digest(sent[:secret], self._secret):
            index = _INDEX.unpack_from(sent, secret)[0]
            if index < self._seats and index not in self._admitted:
                self._admitted[index] = pending.connection
                return
        pending.connection.close()


def _user_of(connection: socket.socket) -> int:
    """Return the effective uid of the process at the other end of a unix(7) socket."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(found)[1])


def _check_listener(connection: socket.socket, address: Any) -> None:
    if connection.family == socket.AF_UNIX:  # the kernel reports it in this domain only
        check_ours(_user_of(connection), f"the listener at {address}")


def _of_our_user(connection: socket.socket) -> bool:
    return connection.family != socket.AF_UNIX or _user_of(connection) == os.geteuid()


def bind(listener: socket.socket, address: Any, backlog: int) -> None:
    """Bind a socket, and listen.

    Args:
        listener: the socket.
        address: its address.
        backlog: the length of the listener's queue; 0: do not listen.

    Raises:
        FileExistsError: the address is taken.
        OSError: bind(2) or listen(2) fails.
    """
    try:
        listener.bind(address)
        if backlog:
            listener.listen(backlog)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise FileExistsError(f"{address} is taken") from error
        raise


# Channel and endpoint


class BoundChannel(PlainChannel):
    """A bound socket, which the ticket of the server or receiver passes on."""

    def __init__(self, spec: Spec, bound: socket.socket, data: dict[str, Json]) -> None:
        """Take over the socket.

        Args:
            spec: the channel's spec.
            bound: the socket, which `close` closes.
            data: the data in every ticket.
        """
        super().__init__(spec)
        self._bound = bound
        self._data = data

    def _ticket(self, role: Role, index: int) -> Ticket:
        passes = role in (Role.SERVER, Role.RECEIVER)
        fds = duplicate_all([self._bound.fileno()] if passes else [])
        return Ticket(role, index, self._spec, data=dict(self._data), fds=fds)

    def _close(self) -> None:
        self._bound.close()


class ConnectedEndpoint(DescriptorEndpoint):
    """One connection, or, for a server or receiver of several, one for each of them."""

    def __init__(self, connections: list[socket.socket], ticket: Ticket, traits: Traits) -> None:
        self._connections = connections
        self._ticket = ticket
        self._framing = traits.framing
        self._empty = traits.zero_length  # else a message of no bytes is the end of file
        try:
            for connection in connections:
                connection.setblocking(not (ticket.spec.nowait or spins(ticket.spec)))
            senders = [self._sender(one) for one in self._writing]
            gathers = ticket.role is Role.RECEIVER
            if spins(ticket.spec):
                looks = {one.fileno(): self._look(one) for one in self._reading}
                self._bind_spinning(ticket, looks, senders, gathers=gathers)
            else:
                receivers = {one.fileno(): self._receiver(one) for one in self._reading}
                self._bind(ticket, receivers, senders, gathers=gathers)
        except BaseException:
            self.close()
            raise

    @property
    def _reading(self) -> list[socket.socket]:
        return [] if self._ticket.role is Role.SENDER else self._connections

    @property
    def _writing(self) -> list[socket.socket]:
        return [] if self._ticket.role is Role.RECEIVER else self._connections

    def _sender(self, connection: socket.socket) -> Send:
        if self._framing is Framing.MESSAGE:
            return message_sender(connection, self._ticket.spec)
        send = stream_sender(connection, self._ticket.spec)
        return send_if_room(connection.fileno(), send) if self._needs_room else send

    @property
    def _needs_room(self) -> bool:
        """True if a sender, which may not wait, has to ask for room first."""
        return self._ticket.spec.nowait and self._connections[0].family != socket.AF_UNIX

    def _receiver(self, connection: socket.socket) -> Receive:
        size = self._ticket.spec.size
        if self._framing is Framing.MESSAGE:
            return message_receiver(connection, size, empty_is_end=not self._empty)
        return stream_receiver(connection, self._ticket.spec)

    def _look(self, connection: socket.socket) -> Look:
        spec = self._ticket.spec
        if self._framing is Framing.MESSAGE:
            return message_look(connection, spec.size, empty_is_end=not self._empty)
        return stream_look(connection.fileno(), spec)

    @property
    def in_flight(self) -> int | None:
        return held_by_socket(self._connections[0], self._ticket.spec.size)

    def prepare(self, data: memoryview) -> Any:
        stream = self._framing is Framing.STREAM
        check_message(data, self._ticket.spec, stream=stream, empty=self._empty)
        return data

    def native(self) -> object | None:
        stream = self._framing is Framing.STREAM
        return build_over_descriptors(
            "streams" if stream else "datagrams" if self._empty else "packets",
            self,
            self._ticket.spec,
            (connection.fileno() for connection in self._reading),
            (connection.fileno() for connection in self._writing),
            *((self._needs_room,) if stream else ()),
            gatherer=self._gatherer,
        )

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()
