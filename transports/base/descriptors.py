"""Whole messages over the file descriptors of a byte stream.

The timed closures make one system call and compare one number; a call that
transferred less than a message is completed elsewhere.
"""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable, Iterable
from typing import Any

from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.contract import PeerGone, WouldBlock


def writer(fd: int, size: int) -> Callable[[Any], None]:
    """Make a `send` by write(2).

    Args:
        fd: the descriptor, which stays the caller's.
        size: the size of every message, in bytes.
    """
    write = os.write  # its result is compared with the size: `len` costs a tenth of the call

    def send(data: Any, /) -> None:
        try:
            sent = write(fd, data)
        except OSError as error:
            raise translate(error, "send") from error
        if sent != size:
            write_rest(fd, memoryview(data), sent)

    return send


def reader(fd: int, size: int) -> Callable[[memoryview], int]:
    """Make a `recv_into` by read(2).

    Args:
        fd: the descriptor, which stays the caller's.
        size: the size of every message, in bytes.
    """
    # readinto is a read(2) into the caller's buffer: os.read would allocate,
    # os.readv would want a list.
    readinto = io.FileIO(fd, closefd=False).readinto

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = readinto(buffer)
        except OSError as error:
            raise translate(error, "receive") from error
        if received != size:
            if received is None:
                raise WouldBlock("receive: there is no message")
            if received == 0:
                raise PeerGone("receive: end of file")
            return read_rest(fd, buffer, received)
        return received

    return recv_into


def write_rest(fd: int, data: memoryview, sent: int) -> None:
    """Write the rest of a message, waiting for room even where the descriptor does not block.

    Args:
        fd: the descriptor.
        data: the whole message.
        sent: the bytes of it that are written already.

    Raises:
        PeerGone, Closed: as `Endpoint.send`.
    """
    while sent < len(data):
        try:
            sent += os.write(fd, data[sent:])
        except BlockingIOError:
            wait_for(fd, select.POLLOUT)
        except OSError as error:
            raise translate(error, "send") from error


def read_rest(fd: int, buffer: memoryview, received: int) -> int:
    """Receive the rest of a message, waiting for it even where the descriptor does not block.

    Args:
        fd: the descriptor.
        buffer: the whole message's buffer.
        received: the bytes of it that are filled already.

    Returns:
        The length of the buffer.

    Raises:
        PeerGone, Closed: as `Endpoint.recv_into`.
    """
    while received < len(buffer):
        try:
            count = os.readv(fd, [buffer[received:]])
        except BlockingIOError:
            wait_for(fd, select.POLLIN)
            continue
        except OSError as error:
            raise translate(error, "receive") from error
        if count == 0:
            raise PeerGone("receive: end of file in the middle of a message")
        received += count
    return received


def wait_for(fd: int, event: int) -> None:
    """Wait until poll(2) reports the event, an error or a hang-up."""
    poller = select.poll()
    poller.register(fd, event)
    poller.poll()


def close_all(fds: Iterable[int]) -> None:
    """Close each descriptor."""
    for fd in fds:
        os.close(fd)


def duplicate_all(fds: Iterable[int]) -> tuple[int, ...]:
    """Duplicate descriptors; the copies are closed on exec.

    Args:
        fds: the descriptors, which stay the caller's.

    Returns:
        The copies: all of them or none.

    Raises:
        OSError: there are too many descriptors.
    """
    copies: list[int] = []
    try:
        for fd in fds:
            copies.append(os.dup(fd))  # noqa: PERF401 (each has to be closed if a later one fails)
    except OSError:
        close_all(copies)
        raise
    return tuple(copies)
