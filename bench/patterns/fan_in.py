"""Pattern `fan-in`: process 0 receives the messages of all others.

A sender cannot know when its message arrives. A single time is that of one call of `send`:
how long the sender is held back where the channel is full, or others send.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.patterns.part import Part, Pattern, Seat, any_number
from ipcbench.transports.contract import Role, Topology


def fan_in_sender(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Send all messages; the receiver's end of the block says that they have arrived."""
    send, now = endpoint.send, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
    return Span(start, now(), count)


def stamped_fan_in_sender(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
) -> None:
    """Do as `fan_in_sender`, with a time stamp behind each of the last sends."""
    send, now = endpoint.send, clock.now_ns
    for _ in repeat(None, count - len(stamps) + 1):
        send(message)
    stamps[0] = now()
    for number in range(1, len(stamps)):
        send(message)
        stamps[number] = now()


def fan_in_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive all messages."""
    recv_into, now = endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
    return Span(start, now(), count)


def check_sender(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Send a row, then numbered messages. Raises: what the endpoint raises."""
    messages.send_row(fan_in_sender, endpoint, seat.index, size)
    for number in range(messages.count(size)):
        messages.send(endpoint, seat.index, 0, number, size)
    return []


def check_receiver(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Receive each sender's messages in its order.

    Small messages carry no number: they are counted. Raises: Corrupt, and what the endpoint
    raises.
    """
    numbers = list(messages.numbers_sent(endpoint, size))
    arrived = (messages.receive(endpoint, size) for _ in range(seat.share * len(numbers)))
    if not messages.are_numbered(size):
        wanted = Counter(
            messages.message(sender, 0, number, size)
            for sender in range(seat.share)
            for number in numbers
        )
        if Counter(arrived) != wanted:
            raise Corrupt(f"messages of {size} bytes: some arrived changed, twice, or never")
        return []
    expected: dict[int, Iterator[int]] = {s: iter(numbers) for s in range(seat.share)}
    for found in arrived:
        sender = messages.sender_of(found)
        number = next(expected.get(sender, iter(())), None)
        if number is None:
            raise Corrupt(f"sender {sender} has one message too many, or does not exist")
        messages.compare(found, sender, 0, number)
    return []


SENDER = Part(fan_in_sender, check_sender, starts=True, stamped=stamped_fan_in_sender)
RECEIVER = Part(fan_in_receiver, check_receiver, ends=True)


def _seats(processes: int) -> list[Seat]:
    senders = processes - 1
    return [
        Seat(0, Role.RECEIVER, 0, RECEIVER, share=senders),
        *(Seat(0, Role.SENDER, index, SENDER) for index in range(senders)),
    ]


FAN_IN = Pattern(
    name="fan-in",
    topology=Topology.FAN_IN,
    per="message",
    seats=_seats,
    units=lambda processes: processes - 1,
    refuses=any_number,
    single="send",
    steady=True,
)
