"""Whole messages over a byte stream's file descriptors: the rare rest of a transfer.

The timed closures make one system call and compare one number; what is
here runs when that call moved less than a message.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable

from transports.contract import PeerGone
from transports.defaults import translated


def write_rest(fd: int, data: memoryview, sent: int) -> None:
    """Write what is left of `data`, waiting for room even where `fd` does not block."""
    while sent < len(data):
        try:
            sent += os.write(fd, data[sent:])
        except BlockingIOError:
            wait_for(fd, select.POLLOUT)
        except OSError as error:
            raise translated(error, "send") from error


def read_rest(fd: int, buffer: memoryview, received: int) -> int:
    """Fill what is left of `buffer`; bytes received in all."""
    while received < len(buffer):
        try:
            count = os.readv(fd, [buffer[received:]])
        except BlockingIOError:
            wait_for(fd, select.POLLIN)
            continue
        except OSError as error:
            raise translated(error, "receive") from error
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
