"""Pattern `self`: one process sends messages to itself and receives them, over a link.

It holds both ends of the link. Each message is received before the next one is sent, so no call
waits, and no other process runs: a figure is that of the calls and of the copying. Beside a
round trip over the same facility, it tells the time of the switches apart
(bench/decisions/cost_model.py).
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages, native_loops
from ipcbench.bench.loops.both_ends import attach_both
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import Clock, RealClock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.part import Part, Pattern, Seat
from ipcbench.bench.results.axes import SELF
from ipcbench.transports.contract import Role, Topology


def send_and_receive(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Send a message and receive that same message, in turn."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    start = now()
    for _ in repeat(None, count):
        send(message)
        recv_into(buffer)
    return Span(start, now(), count)


def check(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Send numbered messages and compare each. Raises: Corrupt, and what the endpoint raises."""
    _check_compiled(endpoint, seat.index, size)
    for number in range(messages.count(size)):
        messages.send(endpoint, seat.index, 0, number, size)
        messages.compare(messages.receive(endpoint, size), seat.index, 0, number)
    return []


def _check_compiled(endpoint: Any, sender: int, size: int) -> None:
    """Check the compiled loop: it compares every length, and leaves the last message's bytes."""
    times = messages.row(endpoint, size)
    if not times:
        return
    sent, buffer = aligned_buffer(size), aligned_buffer(size)
    sent[:] = messages.message(sender, 0, messages.MESSAGES, size)
    native_loops.twin(send_and_receive)(endpoint, sent, buffer, times, RealClock())
    if not hasattr(endpoint, "peek"):  # in place, the bytes are read and not kept
        messages.compare(buffer, sender, 0, messages.MESSAGES)


BOTH = Part(send_and_receive, check, starts=True, ends=True)

TO_ITSELF = Pattern(
    name=SELF,
    topology=Topology.LINK,
    per="message",
    seats=lambda processes: [Seat(0, Role.CLIENT, 0, BOTH)],
    units=lambda processes: 1,
    refuses=lambda processes: "" if processes == 1 else "has 1 process",
    both_ends=True,
    attach=attach_both,
)
