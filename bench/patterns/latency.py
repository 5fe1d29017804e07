"""Patterns `latency` and `pairs-latency`: a message there and its reply back, over a link."""

from __future__ import annotations

from array import array
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.part import Part, Pattern, Seat, links, only_even, only_two
from ipcbench.transports.contract import Topology


def ping(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Send a message and wait for the reply, in turn."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
        recv_into(buffer)
    return Span(start, now(), count)


def pong(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Wait for a message and answer with one of the same size, in turn."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
        send(message)
    return Span(start, now(), count)


def stamped_ping(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
) -> None:
    """Do as `ping`, with a time stamp behind each of the last round trips."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now_ns
    for _ in repeat(None, count - len(stamps) + 1):
        send(message)
        recv_into(buffer)
    stamps[0] = now()
    for number in range(1, len(stamps)):
        send(message)
        recv_into(buffer)
        stamps[number] = now()


def check_client(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Ask with numbered messages. Raises: Corrupt, and what the endpoint raises."""
    messages.ask(endpoint, size, seat.index)
    return []


def check_server(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Answer numbered messages. Raises: Corrupt, and what the endpoint raises."""
    messages.reply(endpoint, size, seat.index)
    return []


CLIENT = Part(ping, check_client, starts=True, ends=True, stamped=stamped_ping)
SERVER = Part(pong, check_server)

LATENCY = Pattern(
    name="latency",
    topology=Topology.LINK,
    per="round trip",
    seats=links(CLIENT, SERVER),
    units=lambda processes: 1,
    refuses=only_two,
    single="round trip",
)
PAIRS_LATENCY = Pattern(
    name="pairs-latency",
    topology=Topology.LINK,
    per="round trip",
    seats=links(CLIENT, SERVER),
    units=lambda processes: processes // 2,
    refuses=only_even,
    single="round trip",
)
