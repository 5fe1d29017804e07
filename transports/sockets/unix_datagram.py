"""unix(7) datagram sockets: whole messages, in order, to the socket that is bound to a path.

Each process receives on a socket that is bound, and sends over another one
that is connected to the receiver's path: so no message costs a look-up of its
path, the names may be removed early, and a direction holds as many messages as
net.unix.max_dgram_qlen says. (Two sockets that are connected to each other
do not heed it, unix_dgram_sendmsg in net/unix/af_unix.c: SO_SNDBUF alone
bounds them; `socketpair:dgram` is such a pair.) A client's sending socket has
a name too, by which a server recognises the sender. Competing receivers share one bound socket.
"""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ipcbench.transports.base import (
    DescriptorEndpoint,
    Gathered,
    Receive,
    check_message,
    check_spec,
    pass_time_at,
    path_in,
    serve,
    set_kernel,
    spinning_receive,
    spins,
    sysctl,
    translate,
    waiting_receive,
)
from ipcbench.transports.base.in_flight import fill
from ipcbench.transports.contract import (
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
from ipcbench.transports.kernel_objects import check_ours
from ipcbench.transports.native import build_over_descriptors
from ipcbench.transports.sockets.calls import (
    message_look,
    message_receiver,
    message_sender,
)
from ipcbench.transports.sockets.connections import BoundChannel
from ipcbench.transports.sockets.unix import (
    SEQPACKET,
    SocketPath,
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

_PAUSE = 0.001  # seconds between two attempts to connect to a client's path
_QUEUE = "net.unix.max_dgram_qlen"


def _inbox(path: str, index: int) -> Path:
    """Return the path on which a client receives."""
    return Path(f"{path}.{index}")


def _sender_of(path: str, index: int) -> Path:
    """Return the name of the socket that a client sends over."""
    return Path(f"{path}.{index}.out")


class DatagramEndpoint(DescriptorEndpoint):
    """Endpoint over datagram sockets.

    `_inbox` is received on, `_outboxes` are sent over: one for each receiver.
    """

    def __init__(
        self, inbox: socket.socket | None, outboxes: list[socket.socket], ticket: Ticket
    ) -> None:
        self._sockets = [*outboxes, *([] if inbox is None else [inbox])]
        self._reading = [] if inbox is None else [inbox.fileno()]
        self._writing = [outbox.fileno() for outbox in outboxes]
        self._ticket = ticket
        spec = ticket.spec
        self.depth: int | None = _queue_length(spec.size)
        for one in self._sockets:
            one.setblocking(not (spec.nowait or spins(spec)))
        senders = [message_sender(outbox, spec) for outbox in outboxes]
        if inbox is None:
            self._bind(ticket, {}, senders)
            return
        fd = inbox.fileno()
        receive = self._receiver(inbox)
        if ticket.serves_hub:
            indices = {str(name): index for index, name in enumerate(self._clients())}
            recv_from = _recv_from(inbox, spec, indices)
            serve(self, Gathered(receive, waiting_receive(recv_from, fd, spec)), senders)
            return
        self._bind(ticket, {}, senders)
        self.recv_into = receive

    def _receiver(self, inbox: socket.socket) -> Receive:
        spec, fd = self._ticket.spec, inbox.fileno()
        if spins(spec):
            look = message_look(inbox, spec.size, empty_is_end=False)
            return spinning_receive(look, spec, pass_time_at(spec, fd, select.POLLIN))
        receive = message_receiver(inbox, spec.size, empty_is_end=False)
        return waiting_receive(receive, fd, spec)

    def _clients(self) -> list[Path]:
        """Return the names of the clients' sending sockets."""
        path = path_in(self._ticket)
        return [_sender_of(path, index) for index in range(self._ticket.spec.parties - 1)]

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._ticket.spec)
        return data

    def native(self) -> object | None:
        hub = self._ticket.serves_hub
        return build_over_descriptors(
            "datagram_hub" if hub else "datagrams",
            self,
            self._ticket.spec,
            self._reading,
            self._writing,
            *((tuple(map(os.fsencode, self._clients())),) if hub else ()),
        )

    def _close(self) -> None:
        for one in self._sockets:
            one.close()


def _queue_length(size: int) -> int | None:
    """Count the messages of a size that a bound socket takes from another one; None: not known."""
    try:
        with new_socket(socket.SOCK_DGRAM) as inbox, new_socket(socket.SOCK_DGRAM) as outbox:
            inbox.bind("")  # to a name that the kernel chooses: autobind of unix(7)
            outbox.connect(inbox.getsockname())
            return len(fill(outbox, size))
    except (Unavailable, OSError):
        return None


def _recv_from(inbox: socket.socket, spec: Spec, indices: dict[str, int]) -> Receive:
    """Make a `recv_from`.

    Args:
        inbox: the server's socket.
        spec: the seat's spec.
        indices: the clients' indices by the names of their sending sockets.
    """
    receive, size = inbox.recvfrom_into, spec.size
    spinning, pass_some = spins(spec), pass_time_at(spec, inbox.fileno(), select.POLLIN)
    whole = socket.MSG_TRUNC  # the length also of a message that it cut: recv(2)

    def recv_from(buffer: memoryview, /) -> int:
        looked = 0
        while True:
            try:
                received, address = receive(buffer, 0, whole)
            except OSError as error:
                if spinning and isinstance(error, BlockingIOError):
                    looked = pass_some(looked)
                    continue
                raise translate(error, "receive") from error
            if received != size and received > len(buffer):
                raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
            if address in indices:  # else another program of our user has sent it
                return indices[address]

    return recv_from


class DatagramChannel(BoundChannel):
    """The socket on which a server or receiver receives; a client binds its own."""

    def __init__(self, spec: Spec) -> None:
        self._path = SocketPath(spec)
        path = str(self._path.path)
        clients = [name(path, i) for i in range(spec.parties - 1) for name in (_inbox, _sender_of)]
        try:
            taken = next((str(one) for one in clients if one.exists()), None)
            if taken is not None:
                raise FileExistsError(f"{taken} is taken")
            for one in clients:  # checked here, and not by a peer that binds it
                check_length(one)
            inbox = self._path.bound(socket.SOCK_DGRAM)
        except BaseException:
            self.unlink()
            raise
        self._path.add(clients)
        super().__init__(spec, inbox, {"path": path})

    def unlink(self) -> None:
        self._path.remove()


def _connected(path: Path | str, deadline: float | None = None) -> socket.socket:
    """Make a socket that sends to a path.

    Args:
        path: the receiver's path.
        deadline: a point of `time.monotonic` until which to wait for a socket there;
            None: do not wait.

    Raises:
        PeerGone: no socket is bound to the path.
        TimedOut: none was bound in time.
        PermissionError: the path is another user's.
    """
    made = new_socket(socket.SOCK_DGRAM)
    try:
        while True:
            try:
                # A datagram socket has no SO_PEERCRED. No other user can replace a file of ours
                # (unlink(2), of the sticky bit), so the file checked is the one connected to.
                check_ours(os.lstat(path).st_uid, path)
                made.connect(str(path))
                return made
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if deadline is None:
                    raise PeerGone(f"no socket is bound to {path}") from error
                if time.monotonic() > deadline:
                    raise TimedOut(f"no socket was bound to {path} in time") from error
            time.sleep(_PAUSE)
    except BaseException:
        made.close()
        raise


@dataclass(frozen=True, slots=True)
class UnixDatagram:
    """The transport `unix-dgram`."""

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
        queue = sysctl(_QUEUE)
        return Limits(
            message=message,
            others=(
                Limit(
                    "messages in a queue",
                    queue + 1,  # it is full when there are more than that: unix_recvq_full
                    f"{_QUEUE}, which a socketpair:dgram does not heed",
                    set_kernel({_QUEUE: 10 * queue}),
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
