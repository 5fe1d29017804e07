"""unix(7) datagram sockets: whole messages, in order, to whoever is bound to a path.

Each process receives on a socket that is bound, and sends over another one
that is connected to where the message goes: so no message costs a look-up of
its path, the names may go early, and a direction holds what
net.unix.max_dgram_qlen says. (Two sockets that are connected to each other
do not heed it, unix_dgram_sendmsg in net/unix/af_unix.c: SO_SNDBUF alone
bounds them.) A client's sending socket has a name too, which tells a server
whose the message is. Competing receivers share one bound socket.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ipcbench.transports.base.defaults import (
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
    forbidden,
    path_in,
)
from ipcbench.transports.base.descriptors import duplicate_all
from ipcbench.transports.base.multiplexing import Receive, polled
from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    FanOut,
    Limit,
    Limits,
    MessageTooLarge,
    PeerDeath,
    PeerGone,
    Role,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Traits,
    Unavailable,
)
from ipcbench.transports.kernel_objects.ownership import check_ours
from ipcbench.transports.native import operations
from ipcbench.transports.sockets.calls import (
    check_message,
    message_receiver,
    message_sender,
)
from ipcbench.transports.sockets.unix import (
    SEQPACKET,
    Place,
    bind_private,
    check_length,
    message_limit,
    new_socket,
    unavailable,
)

TRAITS = replace(
    SEQPACKET,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,
    zero_length=True,
)

_PAUSE = 0.001  # seconds between two looks whether a client has bound its path
_QUEUE = Path("/proc/sys/net/unix/max_dgram_qlen")


def _inbox(path: str, index: int) -> Path:
    """Where a client receives."""
    return Path(f"{path}.{index}")


def _sender_of(path: str, index: int) -> Path:
    """The name of the socket that a client sends over."""
    return Path(f"{path}.{index}.out")


class DatagramEndpoint(PlainEndpoint):
    """`_inbox` is received on, `_outboxes` are sent over: one for each that is sent to."""

    def __init__(
        self, inbox: socket.socket | None, outboxes: list[socket.socket], ticket: Ticket
    ) -> None:
        self._inbox = inbox
        self._outboxes = outboxes
        self._ticket = ticket
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        spec = ticket.spec
        senders = []
        for outbox in outboxes:
            outbox.setblocking(not spec.nowait)
            senders.append(message_sender(outbox))
        if len(senders) == 1:
            self.send = senders[0]
        if inbox is not None:
            inbox.setblocking(not spec.nowait)
            self.recv_into = self._waiting(
                message_receiver(inbox, spec.size, empty_is_end=False), spec
            )
            if spec.topology is Topology.HUB and ticket.role is Role.SERVER:
                self.send = forbidden("a hub says to whom: send_to")
                indices = {
                    str(_sender_of(path_in(ticket), index)): index
                    for index in range(spec.parties - 1)
                }
                self.recv_from: Any = self._waiting(_recv_from(inbox, spec.size, indices), spec)
                self.send_to: Any = lambda index, data: senders[index](data)

    def _waiting(self, receive: Receive, spec: Spec) -> Receive:
        assert self._inbox is not None
        return polled(self._inbox.fileno(), receive, nowait=spec.nowait) if spec.poll else receive

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._ticket.spec.size, empty=True)
        return data

    def native(self) -> object | None:
        if operations is None:
            return None
        spec = self._ticket.spec
        reading = () if self._inbox is None else (self._inbox.fileno(),)
        writing = tuple(outbox.fileno() for outbox in self._outboxes)
        wanted = (self, reading, writing, spec.size, -1, spec.poll, spec.nowait)
        if spec.topology is Topology.HUB and self._ticket.role is Role.SERVER:
            clients = [_sender_of(path_in(self._ticket), index) for index in range(len(writing))]
            return operations.datagram_hub(*wanted, tuple(map(os.fsencode, clients)))  # type: ignore[no-any-return]
        return operations.datagrams(*wanted)  # type: ignore[no-any-return]

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        for outbox in self._outboxes:
            outbox.close()
        if self._inbox is not None:
            self._inbox.close()


def _recv_from(inbox: socket.socket, size: int, indices: dict[str, int]) -> Receive:
    """Receive; the index of the sender, known by its address."""
    receive = inbox.recvfrom_into
    whole = socket.MSG_TRUNC  # tells the length of a message that it had to cut: recv(2)

    def recv_from(buffer: memoryview, /) -> int:
        while True:
            try:
                received, address = receive(buffer, 0, whole)
            except OSError as error:
                raise translate(error, "receive") from error
            if received != size and received > len(buffer):
                raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
            if address in indices:  # else some other program of our user's has sent it
                return indices[address]

    return recv_from


class DatagramChannel:
    """Holds the socket that a server or receiver receives on; a sender binds its own."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._inbox: socket.socket | None = None
        self._place = Place(spec)
        path = str(self._place.path)
        theirs = [name(path, i) for i in range(spec.parties - 1) for name in (_inbox, _sender_of)]
        try:
            taken = next((str(one) for one in theirs if one.exists()), None)
            if taken is not None:
                raise FileExistsError(f"{taken} is taken")
            for one in theirs:  # said here, and not by a peer that binds it
                check_length(one)
            self._inbox = new_socket(socket.SOCK_DGRAM)
            self._place.bind(self._inbox, self._place.path)
            self._place.also(theirs)
        except BaseException:
            self.close()
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._inbox is None:
            raise Closed("the channel is closed")
        receives = role in (Role.SERVER, Role.RECEIVER)
        fds = duplicate_all([self._inbox.fileno()] if receives else [])
        return Ticket(role, index, self._spec, data={"path": str(self._place.path)}, fds=fds)

    def close(self) -> None:
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            inbox.close()

    def unlink(self) -> None:
        self._place.remove()


def _connected(path: Path | str, deadline: float | None = None) -> socket.socket:
    """A socket that sends to that path; with a deadline, wait for it to be bound.

    Raises: PeerGone, TimedOut, PermissionError (it is another user's).
    """
    made = new_socket(socket.SOCK_DGRAM)
    try:
        while True:
            try:
                # A datagram's socket has no SO_PEERCRED. What is ours nobody else can replace
                # (unlink(2), of the sticky bit), so who is looked at is who is connected to.
                check_ours(os.lstat(path).st_uid, path)
                made.connect(str(path))
                return made
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if deadline is None:
                    raise PeerGone(f"nobody receives at {path}") from error
                if time.monotonic() > deadline:
                    raise TimedOut(f"nobody came to receive at {path}") from error
            time.sleep(_PAUSE)
    except BaseException:
        made.close()
        raise


@dataclass(frozen=True, slots=True)
class UnixDatagram:
    name: str = "unix-dgram"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            channel = DatagramChannel(Spec(size=1))
            channel.close()
            channel.unlink()
            message = message_limit(socket.SOCK_DGRAM)
        except OSError as error:
            return unavailable(error)
        except Unavailable as reason:
            return reason
        waiting = int(_QUEUE.read_text())
        return Limits(
            message=message,
            others=(
                Limit(
                    "messages in a queue",
                    waiting + 1,  # it is full when there are more than that: unix_recvq_full
                    "net.unix.max_dgram_qlen",
                    f"sysctl -w net.unix.max_dgram_qlen={10 * waiting}",
                ),
            ),
        )

    def create(self, spec: Spec) -> DatagramChannel:
        try:
            check_spec(self, spec, message_limit(socket.SOCK_DGRAM).value)
        except OSError as error:
            raise unavailable(error) from error
        return DatagramChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        path = path_in(ticket)
        with ExitStack() as undo:
            outboxes: list[socket.socket] = []
            inbox = None
            if ticket.role in (Role.CLIENT, Role.SENDER):
                outboxes.append(undo.enter_context(_connected(path)))
                bind_private(outboxes[0], _sender_of(path, ticket.index))
            if ticket.role is Role.CLIENT:
                inbox = undo.enter_context(new_socket(socket.SOCK_DGRAM))
                bind_private(inbox, _inbox(path, ticket.index))
            if ticket.role in (Role.SERVER, Role.RECEIVER):
                (fd,) = ticket.take_fds()
                inbox = undo.enter_context(socket.socket(fileno=fd))
            if ticket.role is Role.SERVER:
                for index in range(ticket.spec.parties - 1):
                    outbox = _connected(_inbox(path, index), deadline)
                    outboxes.append(undo.enter_context(outbox))
            endpoint = DatagramEndpoint(inbox, outboxes, ticket)
            undo.pop_all()
        return endpoint
