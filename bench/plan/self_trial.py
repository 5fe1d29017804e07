"""Trial of a message to oneself: does one process that holds both ends of a link get it back?

A message that does not fit into the channel would wait for a receiver for ever. So it is tried
over a channel whose ends do not wait (`Spec.nowait`). An end that has sent a part of a message
waits for room all the same: a timer ends that. A copy that takes long uses its CPU meanwhile.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ipcbench.bench.loops.both_ends import BothEnds, attach_both
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import human_size
from ipcbench.transports.base import bytes_in_flight
from ipcbench.transports.contract import (
    Role,
    Spec,
    TimedOut,
    Transport,
    TransportError,
    Unavailable,
    Wait,
    WouldBlock,
)

LIMIT = 0.25  # seconds: in so many, a process that waits for nothing gets a CPU
LEAST = 0.001  # seconds of CPU time that it uses then
ATTACH = 2.0  # seconds
SLOWEST = 100e6  # bytes that are written or copied in a second, at least
MESSAGES = 3  # one after the other, since buffers may grow: tcp(7)


class _Stuck(Exception):
    """A call that has waited for too long."""


def to_itself(transport: Transport, cell: Cell) -> Unavailable | None:
    """Return the reason why a process cannot send messages of a cell to itself, or None.

    An error that is no answer to this question is left to the run, which reports it.
    """
    size = max(1, cell.size)
    try:
        spec = Spec(size=size, depth=cell.depth, wait=Wait(cell.wait), nowait=True)
        channel = transport.create(spec)
    except (TransportError, OSError, ValueError):
        return None
    try:
        patience = ATTACH + 2 * size / SLOWEST
        with _timer(patience + LIMIT, patience + LIMIT):
            deadline = time.monotonic() + patience
            ends = attach_both(transport, channel, channel.ticket(Role.CLIENT, 0), deadline)
            try:
                ends.connect([ends.hello()], deadline)
                return _sent(ends, size)
            finally:
                ends.close()
    except (TimedOut, _Stuck):
        return Unavailable("one process does not get hold of both ends of its link in time")
    except Unavailable as reason:
        return reason
    except (TransportError, OSError):
        return None
    finally:
        channel.close()
        channel.unlink()


def _sent(ends: BothEnds, size: int) -> Unavailable | None:
    held = bytes_in_flight(ends, size)
    if held is not None and held < size:
        return _too_large(size, held)
    message, buffer = ends.prepare(memoryview(bytes(size))), memoryview(bytearray(size))
    try:
        with _timer(LIMIT, LIMIT + 2 * MESSAGES * size / SLOWEST):
            for _ in range(MESSAGES):
                ends.send(message)
                ends.recv_into(buffer)
    except (WouldBlock, _Stuck):
        return _too_large(size, None)
    return None


def _too_large(size: int, held: int | None) -> Unavailable:
    holds = "" if held is None else f": it holds {human_size(held)}"
    return Unavailable(
        f"a message of {human_size(size)} does not fit into it while no other process "
        f"receives{holds}"
    )


@contextmanager
def _timer(idle: float, most: float) -> Iterator[None]:
    """Raise _Stuck in a call that waits for too long; in the main thread alone: signal(2).

    Args:
        idle: seconds in which it has used no CPU.
        most: seconds of CPU time that it may use: a wait may spin.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    used = time.process_time()
    until = used + most

    def expired(number: int, frame: FrameType | None) -> None:
        nonlocal used
        before, used = used, time.process_time()
        if used - before < LEAST or used >= until:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise _Stuck

    handler = signal.signal(signal.SIGALRM, expired)
    left, interval = signal.setitimer(signal.ITIMER_REAL, idle, idle)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, handler)
