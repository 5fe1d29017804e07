"""Patterns `stream` and `pairs`: messages one way over a link, acknowledged after the last."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.fan_in import fan_in_receiver, fan_in_sender
from ipcbench.bench.patterns.part import Part, Pattern, Seat, links, only_even, only_two
from ipcbench.transports.contract import Topology


def stream_sender(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Send all messages, then wait until the last one is acknowledged."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = buffer[:1] if buffer else memoryview(bytearray(1))
    start = now()
    for _ in repeat(None, count):
        send(message)
    recv_into(reply)
    return Span(start, now(), count)


def stream_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive all messages, then send one byte back over the reverse link."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    reply = endpoint.prepare(messages.ACKNOWLEDGEMENT)
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
    send(reply)
    return Span(start, now(), count)


# The row is sent by the loops of fan-in, which send and receive as these do, and
# acknowledge nothing: the replies that follow do that.


def check_sender(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Send a row, then ask in turn. Raises: Corrupt, and what the endpoint raises."""
    messages.send_row(fan_in_sender, endpoint, seat.index, size)
    messages.ask(endpoint, size, seat.index)
    return []


def check_receiver(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Receive a row, then answer in turn. Raises: Corrupt, and what the endpoint raises."""
    messages.receive_row(fan_in_receiver, endpoint, seat.index, size)
    messages.reply(endpoint, size, seat.index)
    return []


SENDER = Part(stream_sender, check_sender, starts=True, ends=True)
RECEIVER = Part(stream_receiver, check_receiver)

STREAM = Pattern(
    name="stream",
    topology=Topology.LINK,
    per="message",
    seats=links(SENDER, RECEIVER),
    units=lambda processes: 1,
    refuses=only_two,
)
PAIRS = Pattern(
    name="pairs",
    topology=Topology.LINK,
    per="message",
    seats=links(SENDER, RECEIVER),
    units=lambda processes: processes // 2,
    refuses=only_even,
)
