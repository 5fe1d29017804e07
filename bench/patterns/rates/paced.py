"""Pattern `paced`: messages one way at a rate, each at a time that was drawn beforehand.

An open loop: the sender spins until a message is due, and sends it whether the receiver has had
the last one or not. A latency counts from the time at which the message was *due*, so what a
message waits behind others is part of it; a closed loop would send later, and leave that out
(coordinated omission). A sender that is late sends at once, and skips nothing.

The receiver reads the clock behind each message. The processes never wait for each other by
anything but the channel, and each needs a CPU of its own, since the sender spins.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.part import Part, Pattern, links, only_two
from ipcbench.bench.patterns.stream import check_receiver, check_sender
from ipcbench.bench.results.axes import PACED
from ipcbench.transports.contract import Topology

LEAST_MESSAGES = 20  # of a block: they bear its median


def paced_sender(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, times: memoryview
) -> Span:
    """Send each message when it is due, and note when that was done."""
    send, now = endpoint.send, perf_counter_ns
    due, ready, sent = (times[1 + n * count : 1 + (n + 1) * count] for n in range(3))
    start = clock.now()
    times[0] = origin = now()
    for number in range(count):
        until = origin + due[number]
        ready[number] = at = now()
        while at < until:
            at = now()
        sent[number] = at
        send(message)
    return Span(start, clock.now(), count)


def paced_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, times: memoryview
) -> Span:
    """Receive each message, and note when it arrived."""
    recv_into, now = endpoint.recv_into, perf_counter_ns
    start = clock.now()
    for number in range(count):
        recv_into(buffer)
        times[number] = now()
    return Span(start, clock.now(), count)


# The check is that of a stream, whose calls are the same.
SENDER = Part(
    paced_sender,
    check_sender,
    starts=True,
    times=lambda timetable, count: timetable.of_sender(count),
)
RECEIVER = Part(
    paced_receiver,
    check_receiver,
    ends=True,
    times=lambda timetable, count: timetable.of_receiver(count),
)

AT_A_RATE = Pattern(
    name=PACED,
    topology=Topology.LINK,
    per="one-way trip",
    seats=links(SENDER, RECEIVER),
    units=lambda processes: 1,
    refuses=only_two,
    least=LEAST_MESSAGES,
    single="one-way trip",
    open_loop=True,
)
