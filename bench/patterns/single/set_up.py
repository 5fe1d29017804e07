"""Pattern `set-up`: one process makes a channel, sends one message over it, and removes it.

Each loop has four phases: the channel is created, both of its ends attach, the first message is
sent and received, and all is closed and removed. A figure is the time of the four together; that
of each, as the mean of the last block, is an observation. Kernel objects with a name are noted in
the ledger before they are created, as in every run, which is a part of the first phase.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.both_ends import BothEnds, attach_both
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.part import Part, Pattern, Seat
from ipcbench.bench.results.axes import SET_UP
from ipcbench.bench.results.records import PHASES
from ipcbench.transports.contract import Channel, Json, Role, Spec, Ticket, Topology, Transport

ATTACH = 10.0  # seconds


class Maker:
    """Maker of channels with both of their ends: the process has it instead of an end.

    `phases`: the seconds of each phase in the last block, a loop.
    """

    depth: int | None = None
    in_flight: int | None = None

    def __init__(self, transport: Transport, spec: Spec) -> None:
        self._transport = transport
        self._spec = spec
        self.phases: list[float] = []

    def create(self) -> Channel:
        """Create a channel. Raises: as `Transport.create`."""
        return self._transport.create(self._spec)

    def attach(self, channel: Channel) -> BothEnds:
        """Attach both ends, and connect them. Raises: as `Transport.attach`."""
        deadline = time.monotonic() + ATTACH
        ticket = channel.ticket(Role.CLIENT, 0)
        try:
            ends = attach_both(self._transport, channel, ticket, deadline)
        finally:
            ticket.close()
        try:
            ends.connect([ends.hello()], deadline)
        except BaseException:
            ends.close()
            raise
        return ends

    def remove(self, channel: Channel, ends: BothEnds | None = None) -> None:
        """Close the ends and the channel, and remove it."""
        try:
            if ends is not None:
                ends.close()
        finally:
            channel.close()
            channel.unlink()

    def hello(self) -> Json:
        """Return nothing: no other process attaches."""
        return None

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Do nothing: no other process attaches."""

    def prepare(self, data: memoryview) -> memoryview:
        """Return the message; each pair of ends prepares it."""
        return data

    def native(self) -> object | None:
        """Return None: the loop is in Python alone."""
        return None

    def close(self) -> None:
        """Do nothing: each loop closes what it has made."""


def make_channels(transport: Transport, channel: Channel, ticket: Ticket, deadline: float) -> Maker:
    """Return a maker of channels like that of a ticket, which is not used itself."""
    ticket.close()
    return Maker(transport, ticket.spec)


def set_up(endpoint: Maker, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Create a channel, attach its ends, send the first message and remove it, in turn."""
    create, attach, remove, now = endpoint.create, endpoint.attach, endpoint.remove, clock.now_ns
    creating = attaching = sending = removing = 0
    start = clock.now()
    for _ in repeat(None, count):
        began = now()
        channel = create()
        ends = None
        try:
            created = now()
            ends = attach(channel)
            attached = now()
            ends.send(ends.prepare(message))
            ends.recv_into(buffer)
            sent = now()
        finally:
            remove(channel, ends)
        removed = now()
        creating += created - began
        attaching += attached - created
        sending += sent - attached
        removing += removed - sent
    span = Span(start, clock.now(), count)
    sums = creating, attaching, sending, removing
    endpoint.phases = [nanoseconds * 1e-9 / max(1, count) for nanoseconds in sums]
    return span


def check(endpoint: Maker, seat: Seat, size: int) -> list[int]:
    """Send numbered messages over several channels, each made anew, and compare them.

    Raises: Corrupt, and what the transport raises.
    """
    for number in range(messages.FEW):
        channel = endpoint.create()
        ends: Any = None
        try:
            ends = endpoint.attach(channel)
            messages.send(ends, seat.index, 0, number, size)
            messages.compare(messages.receive(ends, size), seat.index, 0, number)
        finally:
            endpoint.remove(channel, ends)
    return []


def collect(endpoint: Maker, seat: Seat, size: int) -> Callable[[], None]:
    """Free the ends of the block before, whose calls refer to each other: nothing does meanwhile.

    It is called before a block; nothing follows the block.
    """
    gc.collect()
    return lambda: None


def observe(endpoint: Maker) -> dict[str, float]:
    """Return the seconds of each phase."""
    return dict(zip(PHASES, endpoint.phases, strict=False))


MAKER = Part(set_up, check, starts=True, ends=True, finish=collect, observe=observe)

SETS_UP = Pattern(
    name=SET_UP,
    topology=Topology.LINK,
    per="set-up",
    seats=lambda processes: [Seat(0, Role.CLIENT, 0, MAKER)],
    units=lambda processes: 1,
    refuses=lambda processes: "" if processes == 1 else "has 1 process",
    both_ends=True,
    weight=100.0,
    attach=make_channels,
)
