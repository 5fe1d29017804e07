"""Pattern `signal`: two processes wake each other in turn; nothing is carried."""

from __future__ import annotations

from array import array
from itertools import repeat
from typing import Any

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import MESSAGES
from ipcbench.bench.patterns.part import Part, Pattern, Seat, only_two
from ipcbench.transports.contract import Role, Topology


def signal_initiator(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Notify the other process and wait for its notification, in turn."""
    notify, wait, now = endpoint.notify, endpoint.wait, clock.now
    start = now()
    for _ in repeat(None, count):
        notify()
        wait()
    return Span(start, now(), count)


def signal_responder(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Wait for a notification and notify the other process, in turn."""
    notify, wait, now = endpoint.notify, endpoint.wait, clock.now
    start = now()
    for _ in repeat(None, count):
        wait()
        notify()
    return Span(start, now(), count)


def stamped_signal_initiator(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
) -> None:
    """Do as `signal_initiator`, with a time stamp behind each of the last round trips."""
    notify, wait, now = endpoint.notify, endpoint.wait, clock.now_ns
    for _ in repeat(None, count - len(stamps) + 1):
        notify()
        wait()
    stamps[0] = now()
    for number in range(1, len(stamps)):
        notify()
        wait()
        stamps[number] = now()


def check_initiator(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Notify, then wait, some times. Raises: what the endpoint raises."""
    for _ in range(MESSAGES):
        endpoint.notify()
        endpoint.wait()
    return []


def check_responder(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Wait, then notify, some times. Raises: what the endpoint raises."""
    for _ in range(MESSAGES):
        endpoint.wait()
        endpoint.notify()
    return []


INITIATOR = Part(
    signal_initiator, check_initiator, starts=True, ends=True, stamped=stamped_signal_initiator
)
RESPONDER = Part(signal_responder, check_responder)

SIGNAL = Pattern(
    name="signal",
    topology=Topology.SIGNAL,
    per="round trip",
    seats=lambda processes: [
        Seat(0, Role.CLIENT, 0, INITIATOR),
        Seat(0, Role.SERVER, 0, RESPONDER),
    ],
    units=lambda processes: 1,
    refuses=only_two,
    single="round trip",
)
