"""ZeroMQ's `ipc` transport, by pyzmq: zmq_ipc(7).

A link is a PAIR at each end, a fan-in PUSH sockets to one PULL, a hub DEALER sockets to one
ROUTER. The owner binds and listens on a Unix socket at a private path, and the server's end
takes it over (ZMQ_USE_FD), so that the path is in the ledger before it exists.

Each context has a thread that reads and writes the connections. It belongs to the process and
runs on its CPU, so its time is the process's own. A context is made when a process attaches:
its thread would not survive a fork(2).

A message is copied into one of ZeroMQ's, since its buffer may be overwritten as soon as `send`
has returned. pyzmq can send a buffer itself, but then it must be left alone until the thread has
written it.

It does not spin: its thread needs the CPU that a process which spins would hold.

There is no fan-out: a PUSH socket deals its messages out in turn when they are sent, also to a
receiver that ends before it has received them. Its queues hold a number of messages in
each process and what fits into the socket between them, so the depth of a direction is no exact
number. The number is `Spec.depth`, or that of the library, less for messages over 16 KiB: the
queues are memory.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import SOCK_STREAM
from typing import Any

from ipcbench.transports.base import (
    Gathered,
    PlainEndpoint,
    Receive,
    Send,
    check_message,
    check_spec,
    forbidden,
    path_in,
    serve,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Family,
    Framing,
    Lifetime,
    Limit,
    Limits,
    MessageTooLarge,
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
    WouldBlock,
)
from ipcbench.transports.kernel_objects import check_ours
from ipcbench.transports.libraries.library import LINGER, carry_one, load, repeated, trial
from ipcbench.transports.sockets.unix import UnixChannel

PACKAGE = "pyzmq"
with suppress(Unavailable):  # imported with this file: by the fork server, and not in each run
    load("zmq", PACKAGE)

TRAITS = Traits(
    family=Family.LIBRARY,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.HUB}),
    peer_death=PeerDeath.SILENT,  # it waits for another peer
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    pollable=True,
    # Into a message, into the batch of the sending thread (up to 8 KiB), into the kernel, out
    # of it, into the buffer.
    copies=5,
    unlink_early=True,
    delayed=True,  # the thread may not have written it
)

HIGH_WATER = 1000  # messages: ZMQ_SNDHWM and ZMQ_RCVHWM of zmq_setsockopt(3)
QUEUED = 16 << 20  # bytes of messages that a queue holds, two messages at least

_GREETING = b"\x06"
_PREFIX = b"c"  # of a routing id, whose first byte must not be zero: ZMQ_ROUTING_ID


def high_water(spec: Spec) -> int:
    """Return the number of messages that a queue of either side holds."""
    return spec.depth or max(2, min(HIGH_WATER, QUEUED // max(1, spec.size)))


class ZmqEndpoint(PlainEndpoint):
    """An end: one socket in a context of its own."""

    def __init__(self, zmq: Any, ticket: Ticket, path: str, deadline: float) -> None:
        self._zmq, self._ticket = zmq, ticket
        # `bind` takes the descriptor over; here it is closed if that fails.
        fds = list(ticket.take_fds())
        self._context = zmq.Context()
        try:
            self._socket = self._context.socket(_kind(zmq, ticket))
            self._configure(ticket)
            if fds:
                self._socket.setsockopt(zmq.USE_FD, fds[0])
                self._socket.bind(f"ipc://{path}")
                fds.clear()
                self._await_greetings(ticket.spec.parties - 1, deadline)
            else:
                self._socket.connect(f"ipc://{path}")
                self._socket.send(_GREETING)
        except BaseException:
            for fd in fds:
                os.close(fd)
            self._context.destroy(linger=0)
            raise
        self._bind(ticket)

    def _configure(self, ticket: Ticket) -> None:
        zmq, made = self._zmq, self._socket
        made.setsockopt(zmq.LINGER, round(LINGER * 1000))
        made.setsockopt(zmq.RECONNECT_IVL, -1)  # what listens there later is no peer of ours
        made.setsockopt(zmq.HANDSHAKE_IVL, 0)  # the server may come late, until its deadline
        made.set_hwm(high_water(ticket.spec))
        if ticket.serves_hub:
            made.setsockopt(zmq.ROUTER_MANDATORY, 1)  # else it drops what no client gets
        elif ticket.spec.topology is Topology.HUB:
            made.setsockopt(zmq.ROUTING_ID, _routing_id(ticket.index))

    def _bind(self, ticket: Ticket) -> None:
        zmq, made, spec = self._zmq, self._socket, ticket.spec
        if ticket.serves_hub:
            receive = waiting_receive(_receiver_from(zmq, made, spec), self._look(), spec)
            gathered = Gathered(forbidden("a hub's server: recv_from"), receive)
            serve(self, gathered, _sender_to(zmq, made, spec))
            return
        if ticket.role is not Role.RECEIVER:
            self.send = _sender(zmq, made, spec)
        if ticket.role is not Role.SENDER:
            self.recv_into = waiting_receive(_receiver(zmq, made, spec), self._look(), spec)

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._ticket.spec)
        return data

    def _look(self) -> Callable[[float | None], object]:
        """Make the call that waits with poll(2) until there is a message.

        The descriptor is readable when the thread has news, which need not be a message, and
        not again until they are taken: ZMQ_FD of zmq_getsockopt(3). So the state is asked for
        before each poll(2).
        """
        get, events, message = self._socket.getsockopt, self._zmq.EVENTS, self._zmq.POLLIN
        poller = select.poll()
        poller.register(self._socket.getsockopt(self._zmq.FD), select.POLLIN)
        wait = poller.poll

        def look(timeout: float | None) -> None:
            while not get(events) & message and timeout is None:
                wait()

        return look

    def _await_greetings(self, count: int, deadline: float) -> None:
        """Receive the greeting of each client or sender, which has connected then."""
        for _ in range(count):
            left = deadline - time.monotonic()
            if left <= 0 or not self._socket.poll(round(left * 1000)):
                raise TimedOut("a connecting process did not come in time")
            self._socket.recv_multipart()
        self._socket.getsockopt(self._zmq.EVENTS)  # from now on ZMQ_FD tells of a message

    def _close(self) -> None:
        self._socket.close()
        self._context.term()  # waits for the thread, LINGER at most


def _kind(zmq: Any, ticket: Ticket) -> Any:
    """Return the type of a seat's socket: zmq_socket(3)."""
    if ticket.spec.topology is Topology.HUB:
        return zmq.ROUTER if ticket.serves_hub else zmq.DEALER
    return {Role.SENDER: zmq.PUSH, Role.RECEIVER: zmq.PULL}.get(ticket.role, zmq.PAIR)


def _routing_id(index: int) -> bytes:
    return _PREFIX + str(index).encode()


def _sender(zmq: Any, made: Any, spec: Spec) -> Send:
    put: Any = partial(made.send, flags=zmq.DONTWAIT) if spec.nowait else made.send
    failure = zmq.ZMQError

    def send(data: Any, /) -> None:
        try:
            put(data)
        except failure as error:
            raise _translate(zmq, error, "send") from error

    return repeated(send) if spec.nowait else send


def _sender_to(zmq: Any, made: Any, spec: Spec) -> Callable[[int, Any], None]:
    put, failure = made.send, zmq.ZMQError
    first = zmq.SNDMORE | (zmq.DONTWAIT if spec.nowait else 0)
    clients = [_routing_id(index) for index in range(spec.parties - 1)]

    def send_to(index: int, data: Any, /) -> None:
        try:
            put(clients[index], first)  # it waits for room, and all parts have it then
            put(data)
        except failure as error:
            raise _translate(zmq, error, "send") from error

    return repeated(send_to) if spec.nowait else send_to


def _receiver(zmq: Any, made: Any, spec: Spec) -> Receive:
    take: Any = partial(made.recv_into, flags=zmq.DONTWAIT) if spec.nowait else made.recv_into
    failure = zmq.ZMQError

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received: int = take(buffer)
        except failure as error:
            raise _translate(zmq, error, "receive") from error
        if received > len(buffer):
            raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
        return received

    return repeated(recv_into) if spec.nowait else recv_into


def _receiver_from(zmq: Any, made: Any, spec: Spec) -> Receive:
    take, take_into, failure = made.recv, made.recv_into, zmq.ZMQError
    flags = zmq.DONTWAIT if spec.nowait else 0
    clients = {_routing_id(index): index for index in range(spec.parties - 1)}

    def recv_from(buffer: memoryview, /) -> int:
        try:
            client = take(flags)
            received = take_into(buffer)  # the other parts of a message are there with its first
        except failure as error:
            raise _translate(zmq, error, "receive") from error
        if received > len(buffer):
            raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
        return clients[client]

    return repeated(recv_from) if spec.nowait else recv_from


def _translate(zmq: Any, error: Any, what: str) -> Exception:
    if error.errno == zmq.EAGAIN:
        return WouldBlock(f"{what}: it would have to wait")
    if error.errno == zmq.EHOSTUNREACH:  # of a ROUTER: zmq_socket(3)
        return PeerGone(f"{what}: the client is gone")
    if error.errno in (zmq.ENOTSOCK, zmq.ETERM):
        return Closed(f"{what}: this end is closed")
    return error  # type: ignore[no-any-return]


class ZmqIpc:
    """The transport `zmq:ipc`."""

    name = "zmq:ipc"
    traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        """Try it: an older pyzmq has no `recv_into`."""
        try:
            load("zmq", PACKAGE)
            channel = UnixChannel(Spec(size=1), SOCK_STREAM)
        except Unavailable as reason:
            return reason
        try:
            lack = trial(PACKAGE, lambda: carry_one(self, channel))
        finally:
            channel.close()
            channel.unlink()
        if lack is not None:
            return lack
        return Limits(
            message=Limit("message", None, "ZMQ_MAXMSGSIZE is unbounded"),
            others=(Limit("messages in a queue", HIGH_WATER, "ZMQ_SNDHWM, ZMQ_RCVHWM"),),
        )

    def create(self, spec: Spec) -> UnixChannel:
        load("zmq", PACKAGE)
        check_spec(self, spec, None)
        return UnixChannel(spec, SOCK_STREAM)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        zmq = load("zmq", PACKAGE)
        # An absolute path: a name that begins with @ would be an abstract address.
        path = Path(path_in(ticket)).absolute()
        if not ticket.fds:
            try:
                check_ours(path.lstat().st_uid, path)
            except FileNotFoundError as error:
                raise PeerGone(f"there is no socket {path}") from error
        return ZmqEndpoint(zmq, ticket, str(path), deadline)
