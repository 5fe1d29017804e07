"""Pattern `fan-out`: process 0 sends the messages that all others compete for.

A receiver cannot know which message is its last one: its first byte tells it, the end mark. The
last messages of a block, one for each receiver, carry it. They are sent and counted as all others,
from the same memory: so exactly the messages that are counted pass in the time of a block.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.buffers import written_buffer
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import END_MARK, Corrupt
from ipcbench.bench.patterns.part import Observed, Part, Pattern, Seat, any_number
from ipcbench.transports.contract import Role, Topology, Traits


def fan_out_sender(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, receivers: int
) -> Span:
    """Send all messages, the last one to each receiver with the end mark.

    `buffer` is the memory of the message. The receivers' end of the block says that all have
    arrived.
    """
    send, now, plain = endpoint.send, clock.now, buffer[0]
    buffer[0] = END_MARK
    marked = endpoint.prepare(buffer)  # the same memory, or a copy of it
    buffer[0] = plain
    start = now()
    for _ in repeat(None, count - receivers):
        send(message)
    buffer[0] = END_MARK
    for _ in repeat(None, receivers):
        send(marked)
    span = Span(start, now(), count)
    buffer[0] = plain
    return span


def fan_out_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive messages up to one with the end mark; the other receivers get the rest."""
    recv_into, now = endpoint.recv_into, clock.now
    start = now()
    handled = 0
    while True:
        recv_into(buffer)
        handled += 1
        if buffer[0] == END_MARK:
            break
    return Span(start, now(), handled)


def send_end_marks(endpoint: Any, receivers: int, size: int, mark: int = END_MARK) -> None:
    """Send each receiver a message full of a mark. Raises: what the endpoint raises."""
    message = endpoint.prepare(memoryview(bytes([mark]) * size))
    for _ in range(receivers):
        endpoint.send(message)


def check_sender(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Send numbered messages, and an end mark a receiver. Raises: what the endpoint raises."""
    for number in range(seat.share * messages.count(size)):
        messages.send(endpoint, 0, 0, number, size)
    send_end_marks(endpoint, seat.share, size)
    return []


def check_receiver(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Receive up to the end mark; return the numbers, or the checksums of small messages.

    Raises: Corrupt, and what the endpoint raises.
    """
    numbers: list[int] = []
    while True:
        found = messages.receive(endpoint, size)
        if found[0] == END_MARK:
            return numbers
        if not messages.are_numbered(size):
            numbers.append(zlib.crc32(found))
            continue
        number = messages.number_of(found)
        messages.compare(found, 0, 0, number)
        numbers.append(number)


def check_complete(numbers: list[int], processes: int, size: int) -> None:
    """Compare the numbers of all receivers with those sent: each once. Raises: Corrupt."""
    wanted = list(range((processes - 1) * messages.count(size)))
    if not messages.are_numbered(size):
        wanted = [zlib.crc32(messages.message(0, 0, number, size)) for number in wanted]
    if Counter(numbers) != Counter(wanted):
        raise Corrupt(
            f"{len(wanted)} messages were sent, and {len(numbers)} arrived: "
            f"{(Counter(wanted) - Counter(numbers)).total()} of them never, or changed"
        )


def account(spans: Sequence[Span], variable: int, traits: Traits) -> Observed:
    """Compare the messages received with those sent. Raises: Corrupt."""
    sent, received = spans[0].handled, sum(span.handled for span in spans[1:])
    if received != sent:
        raise Corrupt(f"{sent} messages were sent, {received} received")
    return {}


SENDER = Part(
    fan_out_sender,
    check_sender,
    starts=True,
    buffer=lambda size, variable: written_buffer(size),
    marks=True,
)
RECEIVER = Part(fan_out_receiver, check_receiver, ends=True)


def _seats(processes: int) -> list[Seat]:
    receivers = processes - 1
    return [
        Seat(0, Role.SENDER, 0, SENDER, share=receivers),
        *(Seat(0, Role.RECEIVER, index, RECEIVER, share=0) for index in range(receivers)),
    ]


FAN_OUT = Pattern(
    name="fan-out",
    topology=Topology.FAN_OUT,
    per="message",
    seats=_seats,
    units=lambda processes: processes - 1,
    refuses=any_number,
    complete=check_complete,
    account=account,
)
