"""What connected sockets share, whatever their domain: who connects names itself.

A listener serves several who connect: each sends its ticket's secret, if
there is one, and its index first, and its connection becomes that seat's.
Who says anything else is shut out, and delays nobody.
"""

from __future__ import annotations

import errno
import hmac
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ipcbench.transports.base.defaults import PlainEndpoint, closed, forbidden
from ipcbench.transports.base.multiplexing import Gatherer, Receive, given_room, polled
from ipcbench.transports.contract import (
    Framing,
    PeerGone,
    Role,
    Ticket,
    TimedOut,
    Topology,
)
from ipcbench.transports.kernel_objects.ownership import check_ours
from ipcbench.transports.native import operations
from ipcbench.transports.sockets.calls import (
    check_message,
    message_receiver,
    message_sender,
    stream_receiver,
    stream_sender,
)

SECRET_BYTES = 32
LONG_QUEUE = socket.SOMAXCONN  # of a listener: strangers in it must not keep ours out
_INDEX = struct.Struct("=I")
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


def _left(deadline: float, who: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut(f"{who} did not come in time")
    return left


# Connecting


def connect_to(
    connection: socket.socket, address: Any, index: int, deadline: float, secret: bytes = b""
) -> socket.socket:
    """Connect, and name ourselves; the connection, or it is closed.

    Raises: PeerGone, TimedOut, PermissionError (another user listens there).
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
        raise PeerGone(f"nobody listens at {address}") from error
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
class _Newcomer:
    connection: socket.socket
    said: bytearray = field(default_factory=bytearray)


class Door:
    """A listener's: lets in one connection for each index, and nobody else."""

    def __init__(self, listener: socket.socket, seats: int, secret: bytes = b"") -> None:
        self._listener = listener
        self._seats = seats
        self._secret = secret
        self._newcomers: dict[int, _Newcomer] = {}
        self._seated: dict[int, socket.socket] = {}

    def admit_all(self, deadline: float) -> list[socket.socket]:
        """The connections, by their indices: all of them or none.

        Raises: TimedOut.
        """
        self._listener.setblocking(False)
        complete = False
        try:
            while len(self._seated) < self._seats:
                left = _left(deadline, "a connecting process")
                for fd, _ in self._poller().poll(left * 1000):
                    if fd == self._listener.fileno():
                        self._open()
                    elif self._heard(self._newcomers[fd]):
                        self._judge(self._newcomers.pop(fd))
            complete = True
        finally:
            strangers = [one.connection for one in self._newcomers.values()]
            for connection in strangers if complete else (*strangers, *self._seated.values()):
                connection.close()
        return [self._seated[index] for index in sorted(self._seated)]

    def _poller(self) -> select.poll:
        """Of those who have not said all, and of the listener while there are seats.

        Who comes later waits in the listener's queue, for the next one to ask for
        him. But where anybody may come, no stranger's silence may keep others out.
        """
        poller = select.poll()
        for newcomer in self._newcomers.values():
            poller.register(newcomer.connection, select.POLLIN)
        if self._secret or len(self._newcomers) + len(self._seated) < self._seats:
            poller.register(self._listener, select.POLLIN)
        return poller

    def _open(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # gone again: accept(2)
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._newcomers:
                raise
            # Strangers have used up our descriptors: the one goes that was silent longest.
            self._newcomers.pop(next(iter(self._newcomers))).connection.close()
            return
        if not _of_our_user(connection):
            connection.close()
            return
        connection.setblocking(False)
        self._newcomers[connection.fileno()] = _Newcomer(connection)

    def _heard(self, newcomer: _Newcomer) -> bool:
        """Whether it has said all that it will say; never more is read than it has to say."""
        wanted = len(self._secret) + _INDEX.size - len(newcomer.said)
        try:
            words = newcomer.connection.recv(wanted)
        except BlockingIOError:
            return False
        except OSError:
            words = b""
        newcomer.said += words
        return not words or len(words) == wanted

    def _judge(self, newcomer: _Newcomer) -> None:
        secret = len(self._secret)
        said = bytes(newcomer.said)
        if len(said) == secret + _INDEX.size and hmac.compare_digest(said[:secret], self._secret):
            index = _INDEX.unpack_from(said, secret)[0]
            if index < self._seats and index not in self._seated:
                self._seated[index] = newcomer.connection
                return
        newcomer.connection.close()


def _user_of(connection: socket.socket) -> int:
    """The effective uid of who connected, or listened, at the other end of a unix(7) socket."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(found)[1])


def _check_listener(connection: socket.socket, address: Any) -> None:
    if connection.family == socket.AF_UNIX:  # nowhere else does the kernel tell
        check_ours(_user_of(connection), f"the listener at {address}")


def _of_our_user(connection: socket.socket) -> bool:
    return connection.family != socket.AF_UNIX or _user_of(connection) == os.geteuid()


def bind(listener: socket.socket, address: Any, backlog: int) -> None:
    """Bind, and listen where there is a backlog.

    Raises: FileExistsError where the address is taken, OSError.
    """
    try:
        listener.bind(address)
        if backlog:
            listener.listen(backlog)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise FileExistsError(f"{address} is taken") from error
        raise


# Carrying


class ConnectedEndpoint(PlainEndpoint):
    """One connection, or, for a server or receiver of several, one for each of them."""

    def __init__(self, connections: list[socket.socket], ticket: Ticket, framing: Framing) -> None:
        self._connections = connections
        self._ticket = ticket
        self._framing = framing
        self._gatherer: Gatherer | None = None
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        try:
            self._wire()
        except BaseException:
            self.close()
            raise

    def _wire(self) -> None:
        spec, role = self._ticket.spec, self._ticket.role
        for connection in self._connections:
            connection.setblocking(not spec.nowait)
        if role is Role.RECEIVER or (role is Role.SERVER and spec.topology is Topology.HUB):
            self._gatherer = Gatherer(
                {one.fileno(): self._receiver(one) for one in self._connections},
                nowait=spec.nowait,
            )
            self.recv_into = self._gatherer.recv_into
            if role is Role.SERVER:
                senders = [self._sender(one) for one in self._connections]
                self.send = forbidden("a hub says to whom: send_to")
                self.recv_from: Any = self._gatherer.recv_from
                self.send_to: Any = lambda index, data: senders[index](data)
            return
        (connection,) = self._connections
        self.send = self._sender(connection)
        if role is not Role.SENDER:
            receive = self._receiver(connection)
            if spec.poll:
                receive = polled(connection.fileno(), receive, nowait=spec.nowait)
            self.recv_into = receive

    def _sender(self, connection: socket.socket) -> Callable[[Any], None]:
        if self._framing is Framing.MESSAGE:
            return message_sender(connection)
        send = stream_sender(connection, self._ticket.spec.size)
        return given_room(connection.fileno(), send) if self._asks else send

    @property
    def _asks(self) -> bool:
        """Whether a sender that may not wait has to ask for room first."""
        return self._ticket.spec.nowait and self._connections[0].family != socket.AF_UNIX

    def _receiver(self, connection: socket.socket) -> Receive:
        size = self._ticket.spec.size
        if self._framing is Framing.MESSAGE:
            return message_receiver(connection, size, empty_is_end=True)
        return stream_receiver(connection, size)

    def prepare(self, data: memoryview) -> Any:
        if self._framing is Framing.MESSAGE:
            check_message(data, self._ticket.spec.size, empty=False)
        return data

    def native(self) -> object | None:
        if operations is None:
            return None
        spec, role = self._ticket.spec, self._ticket.role
        fds = tuple(connection.fileno() for connection in self._connections)
        reading = () if role is Role.SENDER else fds
        writing = () if role is Role.RECEIVER else fds
        epoll = -1 if self._gatherer is None else self._gatherer.fileno()
        wanted = (self, reading, writing, spec.size, epoll, spec.poll, spec.nowait)
        if self._framing is Framing.MESSAGE:
            return operations.packets(*wanted)  # type: ignore[no-any-return]
        return operations.streams(*wanted, self._asks)  # type: ignore[no-any-return]

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        if self._gatherer is not None:
            self._gatherer.close()
        for connection in self._connections:
            connection.close()
