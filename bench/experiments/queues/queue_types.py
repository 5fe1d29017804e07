"""Experiment `queue-types`: pairs of processes over one queue by type, and over a queue each.

A receiver of a System V queue takes messages of the type that it asks for, in the order in which
they were sent: msgop(2). All types share the bytes of the queue, kernel.msgmnb, and a receiver
looks at all messages before the one of its type (find_msg() of Linux's ipc/msg.c).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import median
from typing import Any

from ipcbench.bench.experiments.children import together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.facilities import transport
from ipcbench.bench.experiments.meeting import Meeting, meeting
from ipcbench.bench.results.records import Observation
from ipcbench.bench.stats import median_interval
from ipcbench.transports.contract import (
    Channel,
    Role,
    Spec,
    Ticket,
    Topology,
    Transport,
    WouldBlock,
)

PAIRS = 4
MESSAGES = 250  # of a pair in a round
ROUNDS = 24  # of each arrangement; they alternate
SIZE = 64  # bytes of a message
_HEAD = struct.Struct("=qq")  # the pair, and the number of the message
TIME = 15.0  # seconds for all rounds, which take tenths of one
ATTACH = 2.0  # seconds
_MOST = 1 << 17  # messages that fill a queue of any usual kernel.msgmnb
ONE, EACH = "one queue by type", "a queue each"
WAITING = 200  # messages of another type, which a receiver looks at first
PASSES, PASS_ROUNDS = 50, 30  # messages of a round, and rounds: with and without those in turn

Kinds = Callable[[int], int]
"""The type of the messages of a pair."""


@dataclass(slots=True)
class Part:
    """The part of one process in the rounds of one arrangement."""

    starts: list[float]
    ends: list[float]
    cpu: float = 0.0  # seconds of CPU time in all rounds
    foreign: int = 0  # messages of another pair
    disordered: int = 0


def kind_of(pair: int) -> int:
    """Give each pair a type of its own."""
    return pair + 1


def play(kinds: Kinds = kind_of) -> Observation:
    """Send by type through one queue, and through a queue for each pair, in turn."""
    seen = Observation(experiment=EXPERIMENT.name)
    queue, figures = transport("sysv-queue"), seen.figures
    figures |= {"pairs": PAIRS, "messages": 2 * PAIRS * MESSAGES * ROUNDS}
    with _queues(queue, 1, kinds) as one, _queues(queue, PAIRS, kinds) as each:
        parts = _rounds(queue, {ONE: one, EACH: each})
    seconds = {name: _seconds(found) for name, found in parts.items()}
    sent = PAIRS * MESSAGES * ROUNDS
    for name, found in parts.items():
        row = {
            "messages of another pair": sum(part.foreign for part in found),
            "messages out of order": sum(part.disordered for part in found),
            "a message, ns": round(median(seconds[name]) / (PAIRS * MESSAGES) * 1e9, 1),
            "CPU time of a message, ns": round(sum(part.cpu for part in found) / sent * 1e9, 1),
            "pairs stopped by one full pair": stopped(queue, 1 if name == ONE else PAIRS, kinds),
        }
        seen.rows.append({"arrangement": name, **row})
        figures |= {f"{column}, {name}": value for column, value in row.items()}
    ratio = median_interval([a / b for a, b in zip(seconds[ONE], seconds[EACH], strict=True)])
    for end, value in (("", ratio.median), (", low", ratio.low), (", high", ratio.high)):
        figures[f"time by type over time of queues{end}"] = round(value, 3)
    figures |= passing(queue)
    return seen


@contextmanager
def _queues(queue: Transport, count: int, kinds: Kinds) -> Iterator[list[tuple[Ticket, Ticket]]]:
    """Create so many queues; yield the tickets of each pair's sender and receiver."""
    spec = Spec(SIZE, Topology.FAN_OUT, 2 * PAIRS // count)
    channels: list[Channel] = []
    try:
        channels.extend(queue.create(spec) for _ in range(count))
        yield [
            (
                _seat(channels[pair % count].ticket(Role.SENDER, 0), kinds(pair)),
                _seat(channels[pair % count].ticket(Role.RECEIVER, 0), kinds(pair)),
            )
            for pair in range(PAIRS)
        ]
    finally:
        for channel in channels:
            channel.close()
            channel.unlink()


def _seat(ticket: Ticket, kind: int) -> Ticket:
    return replace(ticket, spec=replace(ticket.spec, kind=kind))


def _rounds(
    queue: Transport, arrangements: dict[str, list[tuple[Ticket, Ticket]]]
) -> dict[str, list[Part]]:
    """Play all rounds with the same processes; return the parts of each."""
    with meeting(2 * PAIRS) as place:
        bodies = [
            partial(
                _process,
                queue,
                [tickets[number // 2][number % 2] for tickets in arrangements.values()],
                place,
                number,
            )
            for number in range(2 * PAIRS)
        ]
        found = together(bodies, TIME)
    return {
        name: [Part(**parts[place]) for parts in found] for place, name in enumerate(arrangements)
    }


def _process(
    queue: Transport, tickets: Sequence[Ticket], place: Meeting, number: int
) -> list[dict[str, Any]]:
    """Play the rounds of one process, which sends or receives for its pair."""
    deadline = time.monotonic() + ATTACH
    ends = [queue.attach(ticket, deadline) for ticket in tickets]
    parts = [Part([], []) for _ in tickets]
    work, pair = (_receive if number % 2 else _send), number // 2
    for turn in range(ROUNDS):
        order = range(len(ends)) if turn % 2 else reversed(range(len(ends)))
        for arrangement in order:
            place.meet(number)
            before = time.process_time()
            parts[arrangement].starts.append(time.monotonic())
            work(ends[arrangement], pair, parts[arrangement])
            parts[arrangement].ends.append(time.monotonic())
            parts[arrangement].cpu += time.process_time() - before
    for end in ends:
        end.close()
    return [asdict(part) for part in parts]


def _send(end: Any, pair: int, part: Part) -> None:
    for number in range(MESSAGES):
        end.send(_HEAD.pack(pair, number).ljust(SIZE))


def _receive(end: Any, pair: int, part: Part) -> None:
    buffer = memoryview(bytearray(SIZE))
    for number in range(MESSAGES):
        end.recv_into(buffer)
        found = _HEAD.unpack_from(buffer)
        part.foreign += found[0] != pair
        part.disordered += found != (pair, number)


def _seconds(parts: Sequence[Part]) -> list[float]:
    """Return the seconds of each round, from the first start to the last end."""
    return [
        max(part.ends[turn] for part in parts) - min(part.starts[turn] for part in parts)
        for turn in range(ROUNDS)
    ]


def stopped(queue: Transport, count: int, kinds: Kinds) -> int:
    """Count the pairs that cannot send once the first one, which nobody receives, is full."""
    with _queues(queue, count, kinds) as tickets:
        ends: list[Any] = []
        try:
            for sender, _ in tickets:
                spec = replace(sender.spec, nowait=True)
                ends.append(queue.attach(replace(sender, spec=spec), time.monotonic() + ATTACH))
            full = next((True for _ in range(_MOST) if not _sends(ends[0])), False)
            return sum(not _sends(end) for end in ends[1:]) if full else 0
        finally:
            for end in ends:
                end.close()


def passing(queue: Transport) -> dict[str, float]:
    """Measure a message that passes waiting messages of another type, and one that passes none.

    One process sends and receives it, and does not wait: CPU time is all that it takes.
    """
    with _queues(queue, 2, kind_of) as tickets, ExitStack() as stack:
        # Pairs 0 and 2 have the first queue, pair 3 the second one, which stays empty.
        (waiting, _), past, alone = (_attached(queue, tickets[pair], stack) for pair in (0, 2, 3))
        count = min(WAITING, waiting.depth // 2)
        for _ in range(count):
            waiting.send(bytes(SIZE))
        rounds = [(_pass(*past), _pass(*alone)) for _ in range(PASS_ROUNDS)]
    times = [round(median(each) * 1e9, 1) for each in zip(*rounds, strict=True)]
    return {
        "messages waiting": count,
        "a message past those waiting, ns": times[0],
        "a message past none, ns": times[1],
    }


def _attached(
    queue: Transport, tickets: tuple[Ticket, Ticket], stack: ExitStack
) -> tuple[Any, Any]:
    """Attach a pair's sender and receiver in this process."""
    deadline = time.monotonic() + ATTACH
    sender, receiver = (queue.attach(ticket, deadline) for ticket in tickets)
    for end in (sender, receiver):
        stack.callback(end.close)
    return sender, receiver


def _pass(sender: Any, receiver: Any) -> float:
    """Return the CPU seconds of a message that is sent and received."""
    buffer, message = memoryview(bytearray(SIZE)), bytes(SIZE)
    start = time.thread_time()
    for _ in range(PASSES):
        sender.send(message)
        receiver.recv_into(buffer)
    return (time.thread_time() - start) / PASSES


def _sends(end: Any) -> bool:
    try:
        end.send(bytes(SIZE))
    except WouldBlock:
        return False
    return True


EXPERIMENT = Experiment(
    name="queue-types",
    question="Does one queue serve several pairs of processes by type, and at what cost?",
    statements=("mq-types",),
    limit=30.0,
    usual=0.7,
    play=play,
)
