"""Transport `latest:queue`: a queue of one message for each receiver, whose message is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ipcbench.transports.base import check_spec, fitted
from ipcbench.transports.base.bindings import posix_ipc, require
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    MessageTooLarge,
    Role,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.latest.ends import (
    NewestEndpoint,
    Publish,
    ReadNewest,
    never_torn,
    pass_cpu,
    traits_of,
)
from ipcbench.transports.queues.posix import TRAITS as QUEUE
from ipcbench.transports.queues.posix import PosixQueue, PosixQueueChannel, open_queue
from ipcbench.transports.queues.posix_limits import message_limit

# Into bytes, into the kernel, out of it into the binding's bytes, and from there.
TRAITS = traits_of(QUEUE, copies=4)


class NewestQueueEndpoint(NewestEndpoint):
    """The sender's end over the queues of all receivers, or a receiver's over its own."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self._queues: list[Any] = []
        sends = ticket.role is Role.SENDER
        try:
            names = ticket.data["queues"]
            for name in names if sends else names[ticket.index : ticket.index + 1]:
                queue = open_queue(name, read=True, write=sends)
                self._queues.append(queue)
                queue.block = False
        except BaseException:
            self.close()
            raise
        if sends:
            self.publish = publisher(self._queues, ticket.spec.size)
        else:
            self.read_into = reader(self._queues[0], ticket.spec)
            self.torn = never_torn

    def _close(self) -> None:
        for queue in self._queues:
            queue.close()


def publisher(queues: Sequence[Any], size: int) -> Publish:
    """Make the `publish` over queues of one message.

    Args:
        queues: the queues, which do not block.
        size: the largest value, in bytes.
    """
    calls = [(queue.send, queue.receive) for queue in queues]

    def publish(data: Any, /) -> None:
        if not 0 < len(data) <= size:
            raise MessageTooLarge(f"publish: {len(data)} bytes, of 1 to {size}")
        value = bytes(data)
        for put, take in calls:
            try:
                put(value)
            except posix_ipc.BusyError:
                with suppress(posix_ipc.BusyError):  # its receiver has taken it meanwhile
                    take()
                put(value)

    return publish


def reader(queue: Any, spec: Spec) -> ReadNewest:
    """Make the `read_into` over a queue of one message.

    Args:
        queue: the queue, which does not block.
        spec: the seat's spec.
    """
    take, pass_time = queue.receive, pass_cpu(spec)

    def read_into(buffer: memoryview, /) -> int:
        try:
            data, _ = take()
        except posix_ipc.BusyError:
            pass_time()
            return 0
        received = len(data)
        fitted(buffer, received)[:] = data
        return received

    return read_into


class NewestQueueChannel(PosixQueueChannel):
    """A queue of one message for each receiver."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(replace(spec, depth=1))

    def _ticket(self, role: Role, index: int) -> Ticket:
        names = [one.name for one in self._names]
        return Ticket(role, index, self._spec, data={"queues": names})


@dataclass(frozen=True, slots=True)
class NewestQueue:
    """The transport `latest:queue`."""

    name: str = "latest:queue"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        return PosixQueue().probe()

    def create(self, spec: Spec) -> NewestQueueChannel:
        require("posix_ipc")
        check_spec(self, spec, message_limit().value)
        return NewestQueueChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        require("posix_ipc")
        return NewestQueueEndpoint(ticket)
