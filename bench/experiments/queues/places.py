"""Places for messages: one process puts them, another takes them when the first one has gone."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Any, Protocol

from ipcbench.bench.experiments.facilities import transport
from ipcbench.transports.base import close_all
from ipcbench.transports.contract import Role, Spec, Topology, WouldBlock
from ipcbench.transports.kernel_objects import fresh_folder, remove_folder

SIZE = 64  # bytes of a message
_ATTACH = 2.0  # seconds


class Place(Protocol):
    """A place of one facility. `put` and `take` are called in processes of their own."""

    def hold(self) -> None:
        """Open a receiving end in this process, and keep it."""

    def put(self, count: int) -> int:
        """Put so many messages; return how many the place accepted."""

    def take(self) -> int:
        """Take all messages that are there, without waiting; return how many."""

    def remove(self) -> None:
        """Close the ends, and remove the place."""


class QueuePlace:
    """A message queue, which is kept until it is removed: svipc(7), mq_overview(7)."""

    def __init__(self, name: str) -> None:
        self._queue = transport(name)
        self._channel = self._queue.create(Spec(SIZE, Topology.FAN_OUT, nowait=True))
        self._held: Any = None

    def _end(self, role: Role) -> Any:
        return self._queue.attach(self._channel.ticket(role, 0), time.monotonic() + _ATTACH)

    def hold(self) -> None:
        self._held = self._end(Role.RECEIVER)

    def put(self, count: int) -> int:
        end = self._end(Role.SENDER)
        for _ in range(count):
            end.send(end.prepare(memoryview(bytes(SIZE))))
        end.close()
        return count

    def take(self) -> int:
        end, buffer, taken = self._end(Role.RECEIVER), memoryview(bytearray(SIZE)), 0
        with suppress(WouldBlock):
            while True:
                end.recv_into(buffer)
                taken += 1
        end.close()
        return taken

    def remove(self) -> None:
        if self._held is not None:
            self._held.close()
        self._channel.close()
        self._channel.unlink()


class PipePlace:
    """A pipe, which has no name: a process that starts later cannot open it, pipe(7)."""

    def __init__(self) -> None:
        self._ends: tuple[int, ...] = ()

    def hold(self) -> None:
        self._ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def put(self, count: int) -> int:
        writing = (self._ends or os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))[1]
        return sum(os.write(writing, bytes(SIZE)) for _ in range(count)) // SIZE

    def take(self) -> int:
        return _read(self._ends[0]) // SIZE if self._ends else 0

    def remove(self) -> None:
        close_all(self._ends)


class FifoPlace:
    """A FIFO, whose content is gone when its last end is closed: fifo(7)."""

    def __init__(self) -> None:
        self._folder = fresh_folder()
        self._path = self._folder / "fifo"
        os.mkfifo(self._path, 0o600)
        self._ends: tuple[int, ...] = ()

    def hold(self) -> None:
        self._ends = (os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC),)

    def put(self, count: int) -> int:
        # For both directions: without a reader, O_WRONLY fails with ENXIO.
        writing = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        return sum(os.write(writing, bytes(SIZE)) for _ in range(count)) // SIZE

    def take(self) -> int:
        return _read(os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) // SIZE

    def remove(self) -> None:
        close_all(self._ends)
        remove_folder(self._folder)


class SocketPlace:
    """A Unix socket at a path, which takes messages while a process has it open: unix(7)."""

    def __init__(self, kind: socket.SocketKind) -> None:
        self._kind = kind
        self._folder = fresh_folder()
        self._held: socket.socket | None = None

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, self._kind)
        made.setblocking(False)
        return made

    def _bound(self, name: str) -> socket.socket:
        made = self._socket()
        made.bind(str(self._folder / name))
        if self._kind is socket.SOCK_STREAM:
            made.listen()
        return made

    def hold(self) -> None:
        self._held = self._bound("place")

    def put(self, count: int) -> int:
        with self._socket() as connection:
            try:
                connection.connect(str(self._folder / "place"))
            except (FileNotFoundError, ConnectionRefusedError):  # no process has it open
                return 0
            return sum(connection.send(bytes(SIZE)) for _ in range(count)) // SIZE

    def take(self) -> int:
        receiver = self._held or self._bound("place")
        with suppress(BlockingIOError):
            if self._kind is socket.SOCK_STREAM:
                receiver, _ = receiver.accept()
                receiver.setblocking(False)
            return _read(receiver.fileno()) // SIZE
        return 0

    def remove(self) -> None:
        if self._held is not None:
            self._held.close()
        remove_folder(self._folder)


def _read(fd: int) -> int:
    """Read until the end, or until nothing is there; return the bytes."""
    total = 0
    with suppress(BlockingIOError):
        while part := os.read(fd, SIZE):
            total += len(part)
    return total
