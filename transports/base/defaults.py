"""Defaults and checks that most transports share."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from ipcbench.transports.contract import (
    Closed,
    Closing,
    Json,
    MessageTooLarge,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Transport,
    Wait,
)

ABSENT = 0xFF  # the byte that is searched; bench's messages do not contain it


def closed(*_: object) -> Any:
    """Raise Closed: the calls of an endpoint that has been closed."""
    raise Closed("this end is closed")


def forbidden(why: str) -> Any:
    """Make a call for a direction that a seat does not have.

    Args:
        why: the text of the TypeError that the call raises.
    """

    def refuse(*_: object) -> Any:
        raise TypeError(why)

    return refuse


class PlainEndpoint(Closing):
    """Default endpoint: no hello, nothing to connect, no native operations.

    A transport's endpoint sets `send` and `recv_into` as attributes, plain
    functions bound to their handles, which saves the timed loop a method lookup.
    It overrides `_close` where it holds something.
    """

    depth: int | None = None
    send: Any = forbidden("this end sends nothing")
    recv_into: Any = forbidden("this end receives nothing")
    recv_from: Any  # these two a hub's server has: see `serve`
    send_to: Any
    recv_object: Any  # where messages are pickled objects
    _closed = False

    @property
    def in_flight(self) -> int | None:
        return None

    def hello(self) -> Json:
        return None

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Do nothing: `attach` has done all."""

    def prepare(self, data: memoryview) -> Any:
        return data

    def native(self) -> object | None:
        return None

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = self.recv_object = closed
        if not self._closed:
            self._closed = True
            self._close()

    def _close(self) -> None:
        """Close the handles; called once."""


class MappingEndpoint(PlainEndpoint):
    """Endpoint over mapped memory: it is closed with the last reference to it, or by `close`.

    Its calls are closures over views of the memory, in cycles, and a binding's semaphore stays
    mapped until it is closed: without this, the memory would stay mapped for long, or for ever.
    """

    def __del__(self) -> None:
        with suppress(Exception):  # it may not have been made completely
            self.close()


class PlainChannel(Closing):
    """Default channel: it checks the seat of a ticket, and closes once.

    A transport's channel overrides `_ticket` where a ticket holds data, `_close`
    where the owner holds handles, and `unlink` where there is a name.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._closed = False

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        return self._ticket(role, index)

    def _ticket(self, role: Role, index: int) -> Ticket:
        """Make the ticket of a seat that exists, while the channel is open."""
        return Ticket(role, index, self._spec)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._close()

    def _close(self) -> None:
        """Close the owner's handles; called once."""

    def unlink(self) -> None:
        """Do nothing: there is no name."""

    def __exit__(self, *error: object) -> None:
        try:
            self.close()
        finally:
            self.unlink()


def check_seat(spec: Spec, role: Role, index: int) -> None:
    """Check that the spec's topology has a seat.

    Args:
        spec: the channel's spec.
        role: the seat's role.
        index: its number among the seats of this role.

    Raises:
        ValueError: it has none.
    """
    many = spec.parties - 1
    seats = {
        Topology.LINK: {Role.CLIENT: 1, Role.SERVER: 1},
        Topology.HUB: {Role.CLIENT: many, Role.SERVER: 1},
        Topology.SIGNAL: {Role.CLIENT: 1, Role.SERVER: 1},
        Topology.GUARD: {Role.MEMBER: spec.parties},
        Topology.FILE: {Role.MEMBER: spec.parties},
        Topology.FAN_IN: {Role.SENDER: many, Role.RECEIVER: 1},
        Topology.FAN_OUT: {Role.SENDER: 1, Role.RECEIVER: many},
        Topology.NEWEST: {Role.SENDER: 1, Role.RECEIVER: many},
    }[spec.topology]
    if not 0 <= index < seats.get(role, 0):
        raise ValueError(
            f"a {spec.topology.value} of {spec.parties} has no {role.value} number {index}"
        )


def check_spec(transport: Transport, spec: Spec, limit: int | None) -> None:
    """Check that a transport can serve a spec.

    Args:
        transport: the transport, whose traits decide.
        spec: the requirements.
        limit: the largest message in bytes; None: no bound.

    Raises:
        ValueError: the traits exclude the spec.
        MessageTooLarge: its size is over the limit.
    """
    traits = transport.traits
    if spec.topology not in traits.topologies:
        raise ValueError(f"{transport.name} cannot be a {spec.topology.value}")
    if spec.name is not None and traits.sharing is not Sharing.NAME:
        raise ValueError(f"{transport.name} has no names, so none can be fixed")
    if spec.size == 0 and not traits.zero_length:
        raise ValueError(f"{transport.name} carries no message of 0 bytes")
    if spec.nowait and traits.synchronous:
        raise ValueError(f"{transport.name} cannot send without waiting for its receiver")
    if spec.wait is Wait.POLL and not traits.pollable:
        raise ValueError(f"{transport.name} cannot be waited for with poll(2)")
    if not traits.can_wait(spec.wait):
        raise ValueError(f"{transport.name} does not wait in this way: {spec.wait.value}")
    wait = traits.waiting if spec.wait is Wait.BLOCK else spec.wait
    if spec.looks is not None and wait is not Wait.SPIN_BLOCK:
        raise ValueError(f"{spec.looks} looks are of the wait spin-block, not of {wait.value}")
    if limit is not None and spec.size > limit:
        raise MessageTooLarge(f"{transport.name} takes {limit} bytes a message, not {spec.size}")


def check_message(
    data: memoryview, spec: Spec, *, stream: bool = False, empty: bool = True
) -> None:
    """Check the length of a message, so that `send` need not.

    Args:
        data: the message.
        spec: the seat's spec.
        stream: a byte stream carries it.
        empty: it may have no bytes.

    Raises:
        MessageTooLarge: it is longer than the spec's size.
        ValueError: it is shorter than the messages of a stream, or has no bytes.
    """
    length, size = memoryview(data).nbytes, spec.size
    if length > size:
        raise MessageTooLarge(f"send: {length} bytes over a channel for {size}")
    if stream and length != size and not spec.own_framing:
        raise ValueError(f"send: {length} bytes over a stream whose messages have {size}")
    if not length and not empty:
        raise ValueError("send: a message of no bytes, which this facility has not")


def path_in(ticket: Ticket) -> str:
    """Return the path in a ticket; the spec's fixed name where the ticket has none.

    Unrelated processes that share only the path make their tickets themselves.

    Args:
        ticket: the seat's ticket.

    Raises:
        ValueError: there is neither.
    """
    path = ticket.data.get("path", ticket.spec.name)
    if not isinstance(path, str):
        raise ValueError("the ticket has no path, and its spec has no name")
    return path


def fitted(buffer: memoryview, received: int) -> memoryview:
    """Return the part of a buffer that a message of another length fills.

    Args:
        buffer: the caller's buffer.
        received: the length of the message.

    Raises:
        MessageTooLarge: the buffer is too small.
    """
    if received > len(buffer):
        raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
    return buffer[:received]


# Messages in place.


@cache
def memchr() -> Any:
    """Return memchr(3). It never blocks: it may keep the interpreter's lock, which is faster."""
    found = ctypes.PyDLL(None).memchr
    found.restype = ctypes.c_void_p
    return found


def read_all(address: int, message: memoryview) -> None:
    """Read every byte of a message in place.

    Args:
        address: the address of its first byte.
        message: the message.
    """
    if memchr()(ctypes.c_void_p(address), ABSENT, ctypes.c_size_t(len(message))) is not None:
        zlib.crc32(message)  # memchr(3) stopped there: read all bytes in another way


def lending(size: int, loan: Any, commit: Any) -> tuple[Any, Any]:
    """Make (`loan`, `commit`) that check sizes: only bytes that were lent can be committed."""
    lent: int | None = None

    def lend(length: int, /) -> memoryview:
        nonlocal lent
        if length < 0 or lent is not None:
            another = "" if lent is None else ": another one is to be committed first"
            raise ValueError(f"a loan of {length} bytes{another}")
        if length > size:
            raise MessageTooLarge(f"loan: {length} bytes of slots of {size}")
        slot: memoryview = loan(length)
        lent = length
        return slot

    def send(length: int, /) -> None:
        nonlocal lent
        if lent is None or not 0 <= length <= lent:
            raise ValueError(f"a commit of {length} bytes: that many are not lent")
        lent = None
        commit(length)

    return lend, send
