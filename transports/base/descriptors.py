"""Whole messages over a byte stream's file descriptors.

The timed closures make one system call and compare one number; the rest of
a transfer is for when that call moved less than a message.
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
    """`send` by write(2)."""
    write = os.write  # compared with the spec's size: `len` would cost a tenth of the call

    def send(data: Any, /) -> None:
        try:
            sent = write(fd, data)
        except OSError as error:
            raise translate(error, "send") from error
        if sent != size:
            write_rest(fd, memoryview(data), sent)

    return send


def reader(fd: int, size: int) -> Callable[[memoryview], int]:
    """`recv_into` by read(2)."""
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
                raise WouldBlock("receive: nothing is there")
            if received == 0:
                raise PeerGone("receive: end of file")
            return read_rest(fd, buffer, received)
        return received

    return recv_into


def write_rest(fd: int, data: memoryview, sent: int) -> None:
    """Write what is left of `data`, waiting for room even where `fd` does not block."""
    while sent < len(data):
        try:
            sent += os.write(fd, data[sent:])
        except BlockingIOError:
            wait_for(fd, select.POLLOUT)
        except OSError as error:
            raise translate(error, "send") from error


def read_rest(fd: int, buffer: memoryview, received: int) -> int:
    """Fill what is left of `buffer`; bytes received in all."""
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
    for fd in fds:
        os.close(fd)


def duplicate_all(fds: Iterable[int]) -> tuple[int, ...]:
    """A copy of each, closed on exec; all of them or none."""
    copies: list[int] = []
    try:
        for fd in fds:
            copies.append(os.dup(fd))  # noqa: PERF401 (it counts as soon as it is there)
    except OSError:
        close_all(copies)
        raise
    return tuple(copies)
