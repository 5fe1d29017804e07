"""Patterns `latency` and `pairs-latency`: a message there and its reply back, over a link.

At the pace `pause`, the client of `latency` sleeps before each round trip.

A closed loop keeps its CPUs busy. Here the client sleeps, and the server waits meanwhile, so
their CPUs have been idle when the message is sent: a round trip includes the wake-up of an
idle CPU, with its caches and its idle state as the pause left them.

A figure is the sum of the round trips alone, each from just before its send to just after
its receive. It includes the cost of one reading of the clock a round trip; in a closed loop
that is one a block. The client sleeps by clock_nanosleep(2) until an absolute time of
CLOCK_MONOTONIC, as time.sleep() of Python 3.11 does: a signal that interrupts the sleep does
not lengthen it. The pause counts from the last reply, so round trips never overlap. The
kernel may end a sleep later, by the timer slack of the process: prctl(2), PR_SET_TIMERSLACK.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import repeat
from time import sleep
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.part import Part, Pattern, Seat, links, only_even, only_two
from ipcbench.bench.results.pace import gap
from ipcbench.transports.contract import Topology

TIMER_SLACK = 50e-6  # seconds: the default of Linux
LEAST_LOOPS = 10  # of a block, however long the pause


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


def paused_ping(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, nanoseconds: int
) -> Span:
    """Pause, then send a message and wait for the reply, in turn; the pauses are not timed."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now_ns
    seconds, total = nanoseconds * 1e-9, 0
    for _ in repeat(None, count):
        sleep(seconds)
        start = now()
        send(message)
        recv_into(buffer)
        total += now() - start
    return Span(0.0, total * 1e-9, count)


def stamped_paused_ping(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
    nanoseconds: int,
) -> None:
    """Do as `paused_ping`, with stamps whose differences are the last round trips."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now_ns
    seconds, total = nanoseconds * 1e-9, 0
    for _ in repeat(None, count - len(stamps) + 1):
        sleep(seconds)
        send(message)
        recv_into(buffer)
    stamps[0] = 0
    for number in range(1, len(stamps)):
        sleep(seconds)
        start = now()
        send(message)
        recv_into(buffer)
        total += now() - start
        stamps[number] = total


def paused(pace: str) -> Pattern:
    """Return `latency` with the pauses of a pace. Raises: ValueError."""
    client = replace(
        CLIENT,
        loop=paused_ping,
        stamped=stamped_paused_ping,
        arguments=(round(gap(pace) * 1e9),),
    )
    seats, pause = links(client, SERVER), gap(pace) + TIMER_SLACK
    return replace(LATENCY, seats=seats, gap=pause, least=LEAST_LOOPS)
