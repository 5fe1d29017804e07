"""Pace `pause` of the pattern `latency`: the client sleeps before each round trip.

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

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.latency import CLIENT, LATENCY, SERVER
from ipcbench.bench.patterns.part import Pattern, links
from ipcbench.bench.results.pace import gap

TIMER_SLACK = 50e-6  # seconds: the default of Linux
LEAST_LOOPS = 10  # of a block, however long the pause


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
