"""System V message queues (svipc(7)): whole messages, kept by the kernel; two for a link."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transports.bindings import missing, sysv_ipc
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
from transports.defaults import PlainEndpoint, closed, forbidden
from transports.naming import KEY_BITS, announce, fresh_key, withdraw

TRAITS = Traits(
    family=Family.QUEUE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.KERNEL,
    waiting=Waiting.BLOCKING,
    zero_length=True,
    pollable=False,
    copies=3,  # into the kernel, out of it, and from the binding's bytes into the buffer
)

_PROC = Path("/proc/sys/kernel")


def _setting(name: str) -> int:
    return int((_PROC / name).read_text())


class SysvQueueEndpoint(PlainEndpoint):
    def __init__(self, ticket: Ticket) -> None:
        keys = ticket.data["keys"]
        size = ticket.data["max_message"]
        block = not ticket.spec.nowait
        try:
            queues = [sysv_ipc.MessageQueue(key, 0, max_message_size=size) for key in keys]
        except sysv_ipc.ExistentialError as error:
            raise PeerGone(f"the queue with key {keys[0]} is gone") from error
        forth, back = queues[0], queues[-1]
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        if ticket.role is not Role.RECEIVER:
            self.send = _sender(back if ticket.role is Role.SERVER else forth, block)
        if ticket.role is not Role.SENDER:
            self.recv_into = _receiver(back if ticket.role is Role.CLIENT else forth, block)

    def prepare(self, data: memoryview) -> bytes:
        return bytes(data)  # what the binding takes most quickly

    def close(self) -> None:
        self.send = self.recv_into = closed


def _sender(queue: Any, block: bool) -> Any:
    put = queue.send

    def send(data: Any, /) -> None:
        try:
            put(data, block)
        except (ValueError, OSError, sysv_ipc.Error) as error:
            raise _translated(error, "send") from error

    return send


def _receiver(queue: Any, block: bool) -> Any:
    take = queue.receive

    def recv_into(buffer: memoryview, /) -> int:
        try:
            data, _ = take(block)
        except (OSError, sysv_ipc.Error) as error:
            raise _translated(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            if received > len(buffer):
                raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
            buffer = buffer[:received]
        buffer[:] = data
        return received

    return recv_into


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
    """`_queues` holds one queue for each direction, the clients' first."""

    def __init__(self, spec: Spec, max_message: int) -> None:
        self._spec = spec
        self._max_message = max_message
        self._closed = False
        self._queues: list[Any] = []
        try:
            for number in range(2 if spec.topology is Topology.LINK else 1):
                self._queues.append(_create(spec, number))
        except BaseException:
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        keys = [queue.key for queue in self._queues]
        return Ticket(
            role, index, self._spec, data={"keys": keys, "max_message": self._max_message}
        )

    def close(self) -> None:
        self._closed = True

    def unlink(self) -> None:
        queues, self._queues = self._queues, []
        for queue in queues:
            with contextlib.suppress(sysv_ipc.ExistentialError):
                queue.remove()
            if self._spec.name is None:
                withdraw("sysv queue", str(queue.key))


def _key(name: str) -> int:
    """The number that a fixed name is. Raises: ValueError for one that is no key."""
    with contextlib.suppress(ValueError):
        key = int(name, 0)
        if 0 < key < 2**KEY_BITS - 1:  # 0 is IPC_PRIVATE, and the next one is taken as well
            return key
    raise ValueError(f"{name!r} is no key of System V: write a number from 1 to 2^31 - 2")


def _create(spec: Spec, number: int) -> Any:
    """A new queue under a private random key, or the spec's key plus `number`."""
    flags = sysv_ipc.IPC_CREX
    try:
        if spec.name is not None:
            return sysv_ipc.MessageQueue(_key(spec.name) + number, flags, 0o600)
        while True:
            key = fresh_key()
            announce("sysv queue", str(key))
            try:
                return sysv_ipc.MessageQueue(key, flags, 0o600)
            except sysv_ipc.ExistentialError:
                withdraw("sysv queue", str(key))  # somebody else's: take another key
            except OSError:
                withdraw("sysv queue", str(key))
                raise
    except sysv_ipc.ExistentialError as error:
        raise FileExistsError(f"the key {spec.name} is taken") from error
    except OSError as error:
        raise Unavailable(
            f"msgget(2) fails: {error.strerror or error}", "ipcrm -q ID, or raise kernel.msgmni"
        ) from error


@dataclass(frozen=True, slots=True)
class SysvQueue:
    name: str = "sysv-queue"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        if sysv_ipc is None:
            return missing("sysv_ipc")
        try:
            channel = SysvQueueChannel(Spec(size=1, topology=Topology.FAN_IN), 1)
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
        limit = min(_setting("msgmax"), _setting("msgmnb"))
        check_spec(self, spec, limit)
        return SysvQueueChannel(spec, limit)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if sysv_ipc is None:
            raise missing("sysv_ipc")
        return SysvQueueEndpoint(ticket)
