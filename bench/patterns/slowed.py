"""Pattern `latency` with a delay behind each round trip, for controls that are slowed on purpose.

The client spends the delay in user mode, between its receive and its next send: it adds to each
round trip, and no process waits or wakes otherwise than without it. Meanwhile the server goes to
its next wait, as it does in any round trip. The loops of the other cells have no delay, not even
one of length 0: they are functions of their own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.delays.delay import Block, Runner, Trials, cost_of
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.latency import CLIENT, LATENCY, SERVER, ping
from ipcbench.bench.patterns.part import links
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.results.cell import Cell

TRIAL = 0.4e-3  # seconds of a trial: beside other processes, a time slice has room for several


def slowed_ping(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, turns: int
) -> Span:
    """Send a message, wait for the reply and spend a delay (bench/loops/delays), in turn."""
    send, recv_into, now = endpoint.send, endpoint.recv_into, clock.now
    delay = range(turns)
    start = now()
    for _ in repeat(None, count):
        send(message)
        recv_into(buffer)
        for _ in delay:
            pass
    return Span(start, now(), count)


# Without stamps: a tail of it tells nothing that its median does not.
_CLIENT = replace(CLIENT, loop=slowed_ping, stamped=None, arguments=(0,))
SLOWED_LATENCY = replace(LATENCY, seats=links(_CLIENT, SERVER), single="")


def calibrate(runner: Runner, block: Block, cell: Cell) -> float:
    """Choose the delay of a cell, and leave it set; return the share of a round trip that it adds.

    Args:
        runner: that of the client.
        block: runs a block of so many loops, and returns its seconds.
        cell: the slowed control.
    """
    native = cell.runtime == NATIVE
    trials = Trials(runner, block, native_loops.twin(ping) if native else ping)
    trials.lengthen(TRIAL)
    return trials.calibrate(cell.slowed / 100, cost_of(native=native))
