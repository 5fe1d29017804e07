"""System V message queues (svipc(7)): whole messages of a type each, kept by the kernel.

A link is two queues or, as `sysv-queue:types`, one whose two directions are
told apart by the messages' types. A hub is two queues: the type says which
client a request is from, and which one a reply is for.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ipcbench.transports.base.bindings import missing, sysv_ipc
from ipcbench.transports.base.defaults import (
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
    fitted,
    forbidden,
)
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
    MessageTooLarge,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Waiting,
    WouldBlock,
)
from ipcbench.transports.kernel_objects import withdraw
from ipcbench.transports.kernel_objects.sysv_keys import check_sysv, created, key_of
from ipcbench.transports.native import operations

TRAITS = Traits(
    family=Family.QUEUE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.KERNEL,
    waiting=Waiting.BLOCKING,
    zero_length=True,
    pollable=False,
    # Into the kernel and out of it; the binding has a struct msgbuf of its own on
    # either side, and makes bytes of the second one, which go into the buffer.
    copies=5,
    depth=True,
    native=True,
    native_copies=2,
)

ANY = 0  # a receiver's wish for a message of whichever type, the oldest first: msgop(2)
FORTH, BACK = 1, 2  # the directions' types where one queue has both
MOST_TYPES = 2**31 - 1  # the binding's: a type is a C int there

_PROC = Path("/proc/sys/kernel")


def _setting(name: str) -> int:
    return int((_PROC / name).read_text())


class SysvQueueEndpoint(PlainEndpoint):
    def __init__(self, ticket: Ticket, *, one: bool) -> None:
        data, spec = ticket.data, ticket.spec
        self.depth: int | None = data["depth"]
        block = not spec.nowait
        try:
            # The binding holds messages against this size, and makes room for so much.
            forth, back = (
                sysv_ipc.MessageQueue(key, 0, max_message_size=max(spec.size, 1))
                for key in (data["keys"][0], data["keys"][-1])
            )
        except sysv_ipc.ExistentialError as error:
            raise PeerGone(f"the queue with key {data['keys'][0]} is gone") from error
        for queue in (forth, back):
            check_sysv(queue, f"the queue with key {queue.key}")
        self.send: Any = forbidden("this end sends nothing")
        self.recv_into: Any = forbidden("this end receives nothing")
        self._ticket, self._one, self._queues = ticket, one, (forth, back)
        if spec.topology is Topology.HUB and ticket.role is Role.SERVER:
            self.send = forbidden("a hub says to whom: send_to")
            self.recv_into = _receiver(forth, block, ANY)
            self.recv_from: Any = _client_finder(forth, block)
            self.send_to: Any = _replier(back, block)
            return
        given, wanted = _types(ticket, one=one)
        if ticket.role is not Role.RECEIVER:
            self.send = _sender(back if ticket.role is Role.SERVER else forth, block, given)
        if ticket.role is not Role.SENDER:
            into = back if ticket.role is Role.CLIENT else forth
            self.recv_into = _receiver(into, block, wanted)

    def prepare(self, data: memoryview) -> bytes:
        return bytes(data)  # what the binding takes most quickly

    def native(self) -> object | None:
        if operations is None:
            return None
        spec, role = self._ticket.spec, self._ticket.role
        hub = spec.topology is Topology.HUB and role is Role.SERVER
        forth, back = (queue.id for queue in self._queues)
        into, out = (back, forth) if role is Role.CLIENT else (forth, back)
        given, wanted = (0, ANY) if hub else _types(self._ticket, one=self._one)
        return operations.sysv_queue(  # type: ignore[no-any-return]
            self,
            -1 if role is Role.SENDER else into,
            -1 if role is Role.RECEIVER else out,
            max(spec.size, 1),
            given,
            wanted,
            spec.nowait,
            hub,
        )

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed


def _types(ticket: Ticket, *, one: bool) -> tuple[int, int]:
    """What this seat gives its messages for a type, and which one it asks for."""
    if one:
        return (FORTH, BACK) if ticket.role is Role.CLIENT else (BACK, FORTH)
    if ticket.spec.topology is Topology.HUB:
        return ticket.index + 1, ticket.index + 1
    kind = ticket.spec.kind
    return kind or 1, kind or ANY


def _sender(queue: Any, block: bool, kind: int) -> Any:
    put = queue.send

    def send(data: Any, /) -> None:
        try:
            put(data, block, kind)
        except (ValueError, OSError, sysv_ipc.Error) as error:
            _again(error, "send", lambda: put(data, block, kind))

    return send


def _receiver(queue: Any, block: bool, kind: int) -> Any:
    take = queue.receive

    def recv_into(buffer: memoryview, /) -> int:
        try:
            data, _ = take(block, kind)
        except (OSError, sysv_ipc.Error) as error:
            data, _ = _again(error, "receive", lambda: take(block, kind))
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def _client_finder(queue: Any, block: bool) -> Any:
    take = queue.receive

    def recv_from(buffer: memoryview, /) -> int:
        try:
            data, kind = take(block)
        except (OSError, sysv_ipc.Error) as error:
            data, kind = _again(error, "receive", lambda: take(block))
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return kind - 1  # type: ignore[no-any-return]

    return recv_from


def _replier(queue: Any, block: bool) -> Any:
    put = queue.send

    def send_to(index: int, data: Any, /) -> None:
        try:
            put(data, block, index + 1)
        except (ValueError, OSError, sysv_ipc.Error) as error:
            _again(error, "send", lambda: put(data, block, index + 1))

    return send_to


def _again(error: Exception, what: str, call: Callable[[], Any]) -> Any:
    """Repeat a call that a signal interrupted, as PEP 475 has it; raise our name for the rest.

    What the signal's handler raised comes before this is entered.
    """
    while type(error) is sysv_ipc.Error:  # the binding's name for EINTR, and nothing else's
        try:
            return call()
        except (ValueError, OSError, sysv_ipc.Error) as next_error:
            error = next_error
    raise _translated(error, what) from error


def _translated(error: Exception, what: str) -> Exception:
    if isinstance(error, sysv_ipc.BusyError):
        return WouldBlock(f"{what}: it would have to wait")
    if isinstance(error, ValueError):
        return MessageTooLarge(f"{what}: {error}")
    removed = isinstance(error, sysv_ipc.ExistentialError | sysv_ipc.InternalError)
    # The binding names EIDRM, for who waited; who comes later gets EINVAL: msgop(2).
    if removed or (isinstance(error, OSError) and error.errno in (errno.EINVAL, errno.EIDRM)):
        return PeerGone(f"{what}: the queue has been removed")
    return error


class SysvQueueChannel:
    """`_queues` holds one queue for each direction, the clients' first, or one for both."""

    def __init__(self, spec: Spec, *, one: bool) -> None:
        self._spec = spec
        self._closed = False
        self._queues: list[Any] = []
        self._depth = 0
        both = spec.topology in (Topology.LINK, Topology.HUB) and not one
        try:
            for number in range(2 if both else 1):
                self._queues.append(_create(spec, number))
                self._depth = _depth(self._queues[-1], spec)
        except BaseException:
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        keys = [queue.key for queue in self._queues]
        return Ticket(role, index, self._spec, data={"keys": keys, "depth": self._depth})

    def close(self) -> None:
        self._closed = True

    def unlink(self) -> None:
        queues, self._queues = self._queues, []
        for queue in queues:
            with contextlib.suppress(sysv_ipc.ExistentialError):
                queue.remove()
            if self._spec.name is None:
                withdraw("sysv queue", str(queue.key))


def _depth(queue: Any, spec: Spec) -> int:
    """Messages of the spec's size that the queue holds, set to the spec's depth.

    Raises: Unavailable where that is more than the machine allows.
    """
    size = max(spec.size, 1)  # messages of no bytes are counted, one for a byte: msgop(2)
    if spec.depth is not None:
        try:
            queue.max_size = spec.depth * size  # IPC_SET of msg_qbytes: msgctl(2)
        except (sysv_ipc.PermissionsError, OSError) as error:
            room = _setting("msgmnb")
            raise Unavailable(
                f"a queue of {spec.depth} messages of {size} bytes is more than kernel.msgmnb, "
                f"{room}",
                f"sysctl -w kernel.msgmnb={spec.depth * size}",
            ) from error
    return int(queue.max_size) // size


def _create(spec: Spec, number: int) -> Any:
    """A new queue under a private random key, or the spec's key plus `number`.

    Raises: FileExistsError, Unavailable, ValueError for a name that is no key.
    """
    fixed = None if spec.name is None else key_of(spec.name, number)
    try:
        _, queue = created("sysv queue", fixed, _queue)
    except FileExistsError:
        raise
    except (OSError, sysv_ipc.PermissionsError) as error:
        most = _setting("msgmni")
        raise refused(
            "msgget(2)",
            error,
            f"remove queues (ipcs -q, ipcrm -q ID), or sysctl -w kernel.msgmni={max(16, 2 * most)}",
        ) from error
    return queue


def _queue(key: int) -> Any:
    return sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)


@dataclass(frozen=True, slots=True)
class SysvQueue:
    """`one_for_both`: a link over one queue, its two directions told apart by type."""

    name: str = "sysv-queue"
    traits: Traits = TRAITS
    one_for_both: bool = False

    def probe(self) -> Limits | Unavailable:
        if sysv_ipc is None:
            return missing("sysv_ipc")
        try:
            channel = SysvQueueChannel(Spec(size=1, topology=Topology.FAN_IN), one=True)
        except Unavailable as reason:
            return reason
        channel.unlink()
        largest, room = _setting("msgmax"), _setting("msgmnb")
        smaller = "msgmax" if largest <= room else "msgmnb"
        return Limits(
            message=Limit(
                "message",
                min(largest, room),
                f"kernel.{smaller}",
                f"sysctl -w kernel.{smaller}={2 * min(largest, room)}",
            ),
            others=(
                Limit(
                    "bytes in a queue", room, "kernel.msgmnb", f"sysctl -w kernel.msgmnb={2 * room}"
                ),
                Limit(
                    "queues", _setting("msgmni"), "kernel.msgmni", "sysctl -w kernel.msgmni=32000"
                ),
            ),
        )

    def create(self, spec: Spec) -> SysvQueueChannel:
        if sysv_ipc is None:
            raise missing("sysv_ipc")
        check_spec(self, spec, min(_setting("msgmax"), _setting("msgmnb")))
        self._check_kind(spec)
        return SysvQueueChannel(spec, one=self.one_for_both)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if sysv_ipc is None:
            raise missing("sysv_ipc")
        self._check_kind(ticket.spec)  # each seat may have a kind of its own
        return SysvQueueEndpoint(ticket, one=self.one_for_both)

    def _check_kind(self, spec: Spec) -> None:
        if spec.kind is None:
            return
        if not 0 < spec.kind <= MOST_TYPES:
            raise ValueError(f"type {spec.kind}: they go from 1 to {MOST_TYPES}")
        if self.one_for_both or spec.topology is Topology.HUB:
            raise ValueError(f"{self.name} needs the types for itself here: none can be chosen")


def types() -> SysvQueue:
    """One queue that serves as two."""
    traits = replace(TRAITS, topologies=frozenset({Topology.LINK}), fan_out=FanOut.NONE)
    return SysvQueue("sysv-queue:types", traits, one_for_both=True)
