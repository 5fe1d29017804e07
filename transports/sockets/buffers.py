"""Buffers of sockets of a fixed size: SO_SNDBUF and SO_RCVBUF, socket(7)."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.transports.base import set_kernel, sysctl_limit
from ipcbench.transports.contract import Limit, Unavailable

LARGEST = (1 << 31) // 2 - 1  # bytes: the kernel doubles it, in an int (net/core/sock.c)


@dataclass(frozen=True, slots=True)
class Buffer:
    """A buffer: its name, its option of setsockopt(2), and the setting that bounds it."""

    name: str
    option: int
    setting: str


SEND = Buffer("send buffer", socket.SO_SNDBUF, "net.core.wmem_max")
RECEIVE = Buffer("receive buffer", socket.SO_RCVBUF, "net.core.rmem_max")
BOTH = (SEND, RECEIVE)


def fix(
    sockets: Sequence[socket.socket], size: int | None, buffers: Sequence[Buffer] = BOTH
) -> None:
    """Set the size of the buffers of sockets; close all of them where the kernel gives less.

    Args:
        sockets: the sockets; TCP's must not be connected or listening yet: tcp(7).
        size: the bytes; None: leave all to the kernel.
        buffers: the buffers.

    Raises:
        Unavailable: the kernel gives less.
    """
    if size is None:
        return
    try:
        for one in sockets:
            _fix(one, size, buffers)
    except BaseException:
        for one in sockets:
            one.close()
        raise


def _fix(one: socket.socket, size: int, buffers: Sequence[Buffer]) -> None:
    if size > LARGEST:
        raise Unavailable(
            f"a buffer of {size} bytes is more than the kernel allows, {LARGEST}",
            "ask for a smaller one",
        )
    for buffer in buffers:
        one.setsockopt(socket.SOL_SOCKET, buffer.option, size)
    # The kernel cuts the size to the setting, without an error, and then doubles it.
    held = {buffer: _size(one, buffer) // 2 for buffer in buffers}
    cut = {buffer.setting: size for buffer, bytes_ in held.items() if bytes_ < size}
    if cut:
        found = " and ".join(
            f"the {buffer.name} has {bytes_} bytes ({buffer.setting})"
            for buffer, bytes_ in held.items()
            if bytes_ < size
        )
        raise Unavailable(f"no buffers of {size} bytes: {found}", set_kernel(cut))


def limits(
    connection: socket.socket, name: str, buffers: Sequence[Buffer] = BOTH
) -> tuple[Limit, ...]:
    """List the sizes of fixed buffers, and their bounds.

    Args:
        connection: a socket whose buffers are fixed.
        name: the transport's name, with its size.
        buffers: the buffers.
    """
    found: list[Limit] = []
    for buffer in buffers:
        size = _size(connection, buffer)
        larger = f"name a larger one: {name.partition(':')[0]}:{size}"  # the kernel doubles it
        found.append(Limit(buffer.name, size, "doubled by the kernel: socket(7)", larger))
        try:
            found.append(sysctl_limit(f"largest {buffer.name}", buffer.setting))
        except OSError:  # older kernels show it in the first network namespace alone
            continue
    return tuple(found)


def _size(connection: socket.socket, buffer: Buffer) -> int:
    return connection.getsockopt(socket.SOL_SOCKET, buffer.option)
