"""What most transports would write alike: nothing to say, nothing to wait for."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from ipcbench.transports.contract import (
    Closed,
    Json,
    MessageTooLarge,
    PeerGone,
    TransportError,
    WouldBlock,
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


_GONE = {
    errno.EPIPE,
    errno.ECONNRESET,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,  # what a datagram gets whose receiver has been closed: unix(7)
    errno.ENOTCONN,
}


def translated(error: OSError, what: str) -> TransportError | OSError:
    """Our name for an operating system's error, or the error itself where we have none."""
    if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
        return WouldBlock(f"{what}: it would have to wait")
    if error.errno in _GONE:
        return PeerGone(f"{what}: the other end is closed")
    if error.errno == errno.EBADF:
        return Closed(f"{what}: this end is closed")
    if error.errno == errno.EMSGSIZE:
        return MessageTooLarge(f"{what}: {error.strerror}")
    return error
