"""Ends of a newest value over channels of the kernel: each receiver has one of its own.

A program without shared memory hands on its newest value so: the sender writes it into the
channel of each receiver, without waiting for any, and a receiver reads all that is there and
keeps the last one. What is in a full channel stays there, so a receiver that is late gets
a value that has been waiting; the newer ones were dropped.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ipcbench.transports.base.defaults import PlainEndpoint, closed, forbidden
from ipcbench.transports.base.descriptors import close_all
from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.contract import (
    FanOut,
    MessageTooLarge,
    PeerGone,
    Role,
    Spec,
    Ticket,
    Topology,
    Traits,
    Wait,
)

Publish: TypeAlias = Callable[[Any], None]
ReadNewest: TypeAlias = Callable[[memoryview], int]

AT_ONCE = 1 << 16  # bytes of small values that one read(2) takes, as many as a pipe holds: pipe(7)


def traits_of(facility: Traits, copies: int) -> Traits:
    """Return the traits of a newest value over a facility, from Python.

    Args:
        facility: the traits of its channels.
        copies: of a value, from the sender's memory to the receiver's.
    """
    return replace(
        facility,
        topologies=frozenset({Topology.NEWEST}),
        fan_out=FanOut.NONE,
        waiting=Wait.SPIN,
        pollable=False,
        spins=False,
        zero_length=False,
        copies=copies,
        lossy=True,
        depth=False,
        native=False,
        native_copies=None,
        batch=False,
        batch_in_kernel=False,
    )


class NewestEndpoint(PlainEndpoint):
    """An end of a newest value; a transport sets its calls."""

    def __init__(self) -> None:
        self.send = self.recv_into = forbidden("a newest value is published and read")
        self.publish: Any = forbidden("this end reads: the other one publishes")
        self.read_into: Any = forbidden("this end publishes: the others read")
        self.torn: Any = self.read_into

    def close(self) -> None:
        self.publish = self.read_into = self.torn = closed
        super().close()


class StreamEndpoint(NewestEndpoint):
    """The sender's end over the descriptors of all receivers, or a receiver's over its own."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self._fds = ticket.take_fds()
        spec = ticket.spec
        try:
            for fd in self._fds:
                os.set_blocking(fd, False)
            if ticket.role is Role.SENDER:
                self.publish = stream_publisher(self._fds, spec.size)
            else:
                self.read_into = stream_reader(self._fds[0], spec)
                self.torn = never_torn
        except BaseException:
            self.close()
            raise

    def _close(self) -> None:
        close_all(self._fds)


def never_torn() -> int:
    """Return 0: the kernel copies a value before the sender can change it."""
    return 0


def pass_cpu(spec: Spec) -> Callable[[], object]:
    """Make what a receiver does that finds no newer value: see `Newest.read_into`."""
    return _nothing if spec.exclusive_cpus else os.sched_yield


def _nothing() -> None:
    pass


def stream_publisher(fds: Sequence[int], size: int) -> Publish:
    """Make the `publish` over byte streams, whose descriptors do not block.

    A stream that takes only a part of a value gets the rest before any other value.

    Args:
        fds: the descriptors, which stay the caller's.
        size: the bytes of every value.
    """
    # The receivers that are there. A view, since a rest is cut for each part that is written.
    rests: dict[int, memoryview] = dict.fromkeys(fds, memoryview(b""))

    def publish(data: Any, /) -> None:
        if len(data) != size:
            raise MessageTooLarge(f"publish: {len(data)} bytes into a stream of {size} each")
        for fd in [*rests]:
            try:
                if rests[fd]:
                    rests[fd] = rests[fd][_written(fd, rests[fd]) :]
                if not rests[fd]:
                    sent = _written(fd, data)
                    if 0 < sent < size:
                        rests[fd] = memoryview(bytes(data[sent:]))
            except (BrokenPipeError, ConnectionResetError) as error:
                del rests[fd]
                if not rests:
                    raise PeerGone("publish: all receivers are gone") from error

    return publish


def _written(fd: int, data: Any) -> int:
    """Write what there is room for; return the number of bytes."""
    try:
        return os.write(fd, data)
    except BlockingIOError:
        return 0
    except (BrokenPipeError, ConnectionResetError):
        raise
    except OSError as error:
        raise translate(error, "publish") from error


def stream_reader(fd: int, spec: Spec) -> ReadNewest:
    """Make the `read_into` over a byte stream: it reads what is there, and keeps the last value.

    Args:
        fd: the descriptor, which does not block and stays the caller's.
        spec: the seat's spec.
    """
    size, pass_time = spec.size, pass_cpu(spec)
    room = memoryview(bytearray(max(1, AT_ONCE // size) * size))
    readinto = io.FileIO(fd, closefd=False).readinto
    held = 0  # bytes of a value that has not arrived whole
    ended = False

    def read_into(buffer: memoryview, /) -> int:
        nonlocal held, ended
        found = False
        while not ended:
            try:
                got = readinto(room[held:])
            except OSError as error:
                raise translate(error, "read") from error
            if not got:
                ended = got == 0
                break
            held += got
            whole = held - held % size
            if whole:
                if size > len(buffer):
                    held = 0
                    raise MessageTooLarge(f"read: {size} bytes for {len(buffer)}")
                buffer[:size] = room[whole - size : whole]
                room[: held - whole] = room[whole:held]
                held -= whole
                found = True
            if got < len(room) - held:  # the stream was empty then
                break
        if found:
            return size
        if ended:
            raise PeerGone("read: end of file")
        pass_time()
        return 0

    return read_into
