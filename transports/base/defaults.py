"""What most transports would write alike: nothing to say, nothing to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipcbench.transports.contract import (
    Closed,
    Json,
    MessageTooLarge,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Transport,
)


def closed(*_: object) -> Any:
    """Stands in for `send` and `recv_into` once an endpoint has been closed."""
    raise Closed("this end is closed")


def forbidden(what: str) -> Any:
    """Stands in for the direction that a one-way seat does not have."""

    def refuse(*_: object) -> Any:
        raise TypeError(what)

    return refuse


class PlainEndpoint:
    """No hello, nothing to connect, `prepare` as it is, no native operations.

    A transport's endpoint sets `send` and `recv_into` as attributes, plain
    functions bound to their handles: a method lookup less in the timed loop.
    """

    depth: int | None = None
    send: Any = forbidden("this end sends nothing")
    recv_into: Any = forbidden("this end receives nothing")

    def hello(self) -> Json:
        return None

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Nothing is left to do: attaching was all."""

    def prepare(self, data: memoryview) -> Any:
        return data

    def native(self) -> object | None:
        return None


class PlainChannel:
    """Nothing to close, nothing to remove."""

    def close(self) -> None:
        """The owner holds nothing."""

    def unlink(self) -> None:
        """There is no name."""


def fitted(buffer: memoryview, received: int) -> memoryview:
    """The part of a buffer that a message of another length fills.

    Raises: MessageTooLarge.
    """
    if received > len(buffer):
        raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
    return buffer[:received]


def check_seat(spec: Spec, role: Role, index: int) -> None:
    """Raise ValueError unless the spec's topology has this seat."""
    many = spec.parties - 1
    seats = {
        Topology.LINK: {Role.CLIENT: 1, Role.SERVER: 1},
        Topology.HUB: {Role.CLIENT: many, Role.SERVER: 1},
        Topology.SIGNAL: {Role.CLIENT: 1, Role.SERVER: 1},
        Topology.GUARD: {Role.MEMBER: spec.parties},
        Topology.FAN_IN: {Role.SENDER: many, Role.RECEIVER: 1},
        Topology.FAN_OUT: {Role.SENDER: 1, Role.RECEIVER: many},
    }[spec.topology]
    if not 0 <= index < seats.get(role, 0):
        raise ValueError(
            f"a {spec.topology.value} of {spec.parties} has no {role.value} number {index}"
        )


def check_spec(transport: Transport, spec: Spec, limit: int | None) -> None:
    """Raise ValueError or MessageTooLarge unless the transport can serve the spec."""
    if spec.topology not in transport.traits.topologies:
        raise ValueError(f"{transport.name} cannot be a {spec.topology.value}")
    if spec.name is not None and transport.traits.sharing is not Sharing.NAME:
        raise ValueError(f"{transport.name} has no names, so none can be fixed")
    if spec.size == 0 and not transport.traits.zero_length:
        raise ValueError(f"{transport.name} carries no message of 0 bytes")
    if spec.poll and not transport.traits.pollable:
        raise ValueError(f"{transport.name} cannot be waited for with poll(2)")
    if limit is not None and spec.size > limit:
        raise MessageTooLarge(f"{transport.name} takes {limit} bytes a message, not {spec.size}")


def path_in(ticket: Ticket) -> str:
    """The path that a ticket tells; the spec's fixed name for one that tells nothing.

    Unrelated processes that share only the path make their tickets themselves.
    Raises: ValueError where there is neither.
    """
    path = ticket.data.get("path", ticket.spec.name)
    if not isinstance(path, str):
        raise ValueError("a ticket without a path, and its spec names none")
    return path
