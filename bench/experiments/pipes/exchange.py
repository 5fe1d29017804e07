"""Exchanges: two sides send each other the same number of bytes, over a pipe for each direction.

The sides differ in their way: the order of their steps, and the number of their processes.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ipcbench.bench.experiments.children import Child
from ipcbench.bench.experiments.sleepers import deadlocked
from ipcbench.transports.base import close_all
from ipcbench.transports.pipes.pipe import set_capacity

TIME_LIMIT = 5.0  # seconds for one exchange, which takes milliseconds


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its ends of the pipes, and its message."""

    number: int  # 0 or 1
    reading: int
    writing: int
    size: int  # bytes that it sends, and that it receives
    piece: int  # bytes of a write

    def message(self, number: int) -> bytes:
        """Return the message of a side: each has another one."""
        text = bytes(range(251))  # a prime number, so that no page begins as the one before it
        return (text * (self.size // len(text) + 2))[number : number + self.size]

    def check(self, received: bytes) -> None:
        """Check the message of the other side. Raises: ValueError."""
        if received != self.message(1 - self.number):
            raise ValueError("the received bytes are not those that were sent")


Process: TypeAlias = Callable[[Side], None]
Way: TypeAlias = Sequence[Process]
"""The processes of each side."""


def write(side: Side) -> None:
    """Write the whole message, in pieces: write(2) waits for room."""
    message = memoryview(side.message(side.number))
    for start in range(0, side.size, side.piece):
        rest = message[start : start + side.piece]
        while rest:
            rest = rest[os.write(side.writing, rest) :]


def read(side: Side) -> None:
    """Read the whole message of the other side: read(2) waits for bytes."""
    received = bytearray()
    while len(received) < side.size:
        received += os.read(side.reading, side.size - len(received))
    side.check(bytes(received))


def write_first(side: Side) -> None:
    """Write, then read."""
    write(side)
    read(side)


def read_first(side: Side) -> None:
    """Read, then write."""
    read(side)
    write(side)


def multiplex(side: Side) -> None:
    """Read and write, whichever is possible: poll(2), and non-blocking ends."""
    for fd in (side.reading, side.writing):
        os.set_blocking(fd, False)
    poll = select.poll()
    poll.register(side.reading, select.POLLIN)
    poll.register(side.writing, select.POLLOUT)
    rest, received = memoryview(side.message(side.number)), bytearray()
    while rest or len(received) < side.size:
        for fd, _ in poll.poll():
            if fd == side.writing:
                rest = rest[os.write(fd, rest[: side.piece]) :]
                if not rest:
                    poll.unregister(fd)
            else:
                received += os.read(fd, side.size - len(received))
    side.check(bytes(received))


WRITE_FIRST: Way = (write_first,)
READ_FIRST: Way = (read_first,)
TWO_PROCESSES: Way = (write, read)
POLL: Way = (multiplex,)


def deadlocks(way: Way, size: int, *, piece: int = 0, capacity: int | None = None) -> bool:
    """Play one exchange; tell whether its processes wait for each other for ever.

    Args:
        way: the processes of each side.
        size: bytes of each message.
        piece: bytes of a write; 0: all at once.
        capacity: of each pipe; None: the default.

    Raises:
        Unavailable: a pipe or a process cannot be created.
        TimedOut: the processes neither ended nor slept.
        ChildFailed: a process failed.
    """
    with _sides(size, piece or size, capacity) as sides, ExitStack() as stack:
        bodies = [partial(process, side) for side in sides for process in way]
        children = [stack.enter_context(Child(body)) for body in bodies]
        return deadlocked(children, time.monotonic() + TIME_LIMIT)


@contextmanager
def _sides(size: int, piece: int, capacity: int | None) -> Iterator[tuple[Side, Side]]:
    with pipe(capacity) as one, pipe(capacity) as other:
        yield Side(0, one[0], other[1], size, piece), Side(1, other[0], one[1], size, piece)


@contextmanager
def pipe(capacity: int | None) -> Iterator[tuple[int, int]]:
    """Yield the ends of a pipe of at least that capacity. Raises: Unavailable."""
    ends = os.pipe2(os.O_CLOEXEC)
    try:
        set_capacity(ends[1], capacity)
        yield ends
    finally:
        close_all(ends)
