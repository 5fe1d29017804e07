"""Whole messages over the file descriptors of a byte stream.

The timed closures make one system call and compare one number; a call that
transferred less than a message is completed elsewhere.
"""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.base.spinning import Look, PassSome, pass_time_at, when_full
from ipcbench.transports.base.waiting import polling, spins
from ipcbench.transports.contract import MessageTooLarge, PeerGone, Spec, WouldBlock

_PIECE = 1 << 16  # bytes that are discarded at a time


def writer(fd: int, spec: Spec) -> Callable[[Any], None]:
    """Make a `send` by write(2).

    Args:
        fd: the descriptor, which stays the caller's.
        spec: the seat's spec.
    """
    write, size = os.write, spec.size  # `len` of the data would cost a tenth of the call
    pass_some = pass_time_to_send(fd, spec)
    full, write_others = when_full(partial(write, fd), pass_some), rest_writer(fd, spec, pass_some)

    def send(data: Any, /) -> None:
        try:
            sent = write(fd, data)
        except BlockingIOError:
            sent = full(data)
        except OSError as error:
            raise translate(error, "send") from error
        if sent != size:
            write_others(data, sent)

    return send


def pass_time_to_send(fd: int, spec: Spec) -> PassSome | None:
    """Make the call between two attempts to send; None: the end does not spin."""
    return pass_time_at(spec, fd, select.POLLOUT) if spins(spec) else None


def reader(fd: int, spec: Spec) -> Callable[[memoryview], int]:
    """Make a `recv_into` by read(2).

    Args:
        fd: the descriptor, which stays the caller's.
        spec: the seat's spec.
    """
    # readinto is a read(2) into the caller's buffer: os.read would allocate,
    # os.readv would want a list.
    readinto, size = io.FileIO(fd, closefd=False).readinto, spec.size
    read_others = rest_reader(fd, spec)

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = readinto(buffer)
        except OSError as error:
            raise translate(error, "receive") from error
        if received != size:
            if received is None:
                raise WouldBlock("receive: there is no message")
            if received == 0 and buffer:
                raise PeerGone("receive: end of file")
            return read_others(buffer, received)
        return received

    return recv_into


def stream_look(fd: int, spec: Spec) -> Look:
    """Make the look of an end that spins at a byte stream, by read(2).

    FileIO.readinto returns None where there is nothing, and so spares Python an exception.

    Args:
        fd: the descriptor, which is non-blocking and stays the caller's.
        spec: the seat's spec.
    """
    read_others = rest_reader(fd, spec, pass_time_at(spec, fd, select.POLLIN))

    def finish(buffer: memoryview, received: int) -> int:
        if received == 0 and buffer:
            raise PeerGone("receive: end of file")
        return read_others(buffer, received)

    return Look(io.FileIO(fd, closefd=False).readinto, finish)


def rest_writer(fd: int, spec: Spec, pass_some: PassSome | None) -> Callable[[Any, int], None]:
    """Make the call for a write(2) of another number of bytes than the size of a message.

    It writes the rest. Data of another length, which `prepare` has not seen, is an error unless
    the processes do their own framing: the receiver would wait for more, or receive a part.

    Args:
        fd: the descriptor.
        spec: the seat's spec.
        pass_some: as of `write_rest`.
    """
    size = spec.size

    def write_whole(data: Any, sent: int) -> None:
        length = memoryview(data).nbytes
        if length != size:
            raise ValueError(
                f"send: {sent} bytes went over a stream whose messages have {size}: close it"
            )
        write_rest(fd, data, sent, pass_some)

    return partial(write_rest, fd, pass_some=pass_some) if spec.own_framing else write_whole


def rest_reader(
    fd: int, spec: Spec, pass_some: PassSome | None = None
) -> Callable[[memoryview, int], int]:
    """Make the call for a read(2) of another number of bytes than the size of a message.

    It reads the rest. A buffer of another length is an error unless the processes do their own
    framing. Where it is too small, its message is lost, and the next one can be received.

    Args:
        fd: the descriptor.
        spec: the seat's spec.
        pass_some: as of `read_rest`.
    """
    size = spec.size

    def read_whole(buffer: memoryview, received: int) -> int:
        length = len(buffer)
        if length > size:
            raise ValueError(
                f"receive: {received} bytes of a stream whose messages have {size}, into a "
                f"buffer of {length}: close it"
            )
        read_rest(fd, buffer, received, pass_some)
        if length < size:
            discard(fd, size - length, pass_some)
            raise MessageTooLarge(f"receive: {size} bytes for {length}")
        return length

    return partial(read_rest, fd, pass_some=pass_some) if spec.own_framing else read_whole


def write_rest(fd: int, data: Any, sent: int, pass_some: PassSome | None = None) -> None:
    """Write the rest of a message, waiting for room even where the descriptor does not block.

    Args:
        fd: the descriptor.
        data: the whole message.
        sent: the bytes of it that are written already.
        pass_some: the call between two attempts; None: it sleeps in poll(2).

    Raises:
        PeerGone, Closed: as `Endpoint.send`.
    """
    whole = memoryview(data)
    pass_some, looked = pass_some or _sleep_for(fd, select.POLLOUT), 0
    while sent < len(whole):
        try:
            sent += os.write(fd, whole[sent:])
            looked = 0
        except BlockingIOError:
            looked = pass_some(looked)
        except OSError as error:
            raise translate(error, "send") from error


def read_rest(fd: int, buffer: memoryview, received: int, pass_some: PassSome | None = None) -> int:
    """Receive the rest of a message, waiting for it even where the descriptor does not block.

    Args:
        fd: the descriptor.
        buffer: the whole message's buffer.
        received: the bytes of it that are filled already.
        pass_some: the call between two attempts; None: it sleeps in poll(2).

    Returns:
        The length of the buffer.

    Raises:
        PeerGone, Closed: as `Endpoint.recv_into`.
    """
    pass_some, looked = pass_some or _sleep_for(fd, select.POLLIN), 0
    while received < len(buffer):
        try:
            count = os.readv(fd, [buffer[received:]])
        except BlockingIOError:
            looked = pass_some(looked)
            continue
        except OSError as error:
            raise translate(error, "receive") from error
        if count == 0:
            raise PeerGone("receive: end of file in the middle of a message")
        received += count
        looked = 0
    return received


def discard(fd: int, count: int, pass_some: PassSome | None = None) -> None:
    """Read so many bytes, and forget them. Raises: PeerGone, Closed.

    Args:
        fd: the descriptor.
        count: their number.
        pass_some: as of `read_rest`.
    """
    buffer = memoryview(bytearray(min(count, _PIECE)))
    while count > 0:
        count -= read_rest(fd, buffer[: min(count, _PIECE)], 0, pass_some)


def _sleep_for(fd: int, event: int) -> PassSome:
    """Make the call that waits until poll(2) reports the event, an error or a hang-up."""

    def sleep(looked: int) -> int:
        polling(fd, event)(None)
        return looked

    return sleep


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
