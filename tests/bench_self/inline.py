"""Our `send` and `recv_into` compared with the same calls written inline, 64 B, same core.

Two processes on one core exchange round trips over one channel: a block with our endpoint, a
block with plain statements over the same handles, in the order ABBA, so that a disturbance
affects both. A fresh pair of processes gives one ratio: the median over its ABBA quartets.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from statistics import median
from typing import Any

from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.patterns.latency import ping, pong
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.transports.contract import Endpoint, Role, Spec, Ticket
from ipcbench.transports.registry import get
from tests.bench_self import inline_queues, inline_shm, inline_streams

SIZE = 64
DEPTH = 64
BLOCK = 40 * DEPTH  # round trips: a multiple of the ring's depth, so that positions agree
QUARTETS = 12
PAIRS = 12
CPU = max(os.sched_getaffinity(0))

Half = Callable[[int], None]  # runs one process's side of so many round trips


INLINE: dict[str, Callable[[Ticket, Any, bool], Half]] = {
    **inline_streams.of_streams(SIZE),
    **inline_shm.of_memory(SIZE),
    **inline_queues.of_queues(SIZE),
}


# Inline loops with a channel of their own, since each endpoint of a ring keeps its positions.
SEPARATE = set(inline_shm.of_memory(SIZE))


def _ours(endpoint: Endpoint, first: bool) -> Half:
    message = endpoint.prepare(memoryview(bytes(SIZE)))
    buffer = memoryview(bytearray(SIZE))
    loop, clock = (ping if first else pong), RealClock()

    def half(count: int) -> None:
        loop(endpoint, message, buffer, count, clock)

    return half


def _side(name: str, tickets: list[Ticket], first: bool) -> tuple[list[Endpoint], list[Half]]:
    """Attach; return the endpoints and the halves [ours, inline] of one process.

    The second ticket is for the handles of the inline half. An endpoint that is dropped gives
    up its handles, so both are returned.
    """
    os.sched_setaffinity(0, {CPU})
    endpoint = get(name).attach(tickets[0], time.monotonic() + 10)
    other = get(name).attach(tickets[1], time.monotonic() + 10) if name in SEPARATE else endpoint
    return [endpoint, other], [_ours(endpoint, first), INLINE[name](tickets[1], other, first)]


def _order() -> Iterator[int]:
    for _ in range(QUARTETS):
        yield from (0, 1, 1, 0)


def _serve(name: str, tickets: list[Ticket], control: socket.socket) -> None:
    endpoints, halves = _side(name, tickets, first=False)
    for which in _order():
        control.recv(1)
        halves[which](BLOCK)
    control.recv(1)
    for endpoint in endpoints:
        endpoint.close()


def pair(name: str) -> float:
    """Measure one fresh pair of processes: our time divided by the inline time."""
    transport = get(name)
    spec = Spec(size=SIZE, depth=DEPTH if name in SEPARATE else None)
    channel = transport.create(spec)
    other = transport.create(spec) if name in SEPARATE else channel
    here, there = socket.socketpair()
    try:
        mine = [one.ticket(Role.CLIENT, 0) for one in (channel, other)]
        theirs = [one.ticket(Role.SERVER, 0) for one in (channel, other)]
        peer = get_context("fork").Process(target=_serve, args=(name, theirs, there), daemon=True)
        peer.start()
        endpoints, halves = _side(name, mine, first=True)
        times: list[float] = []
        for which in _order():
            here.send(b"g")
            start = time.perf_counter()
            halves[which](BLOCK)
            times.append(time.perf_counter() - start)
        here.send(b"g")
        peer.join(10)
        for endpoint in endpoints:
            endpoint.close()
    finally:
        for ticket in (*mine, *theirs):
            ticket.close()
        for one in (channel, other):
            one.close()
            one.unlink()
        here.close()
        there.close()
    quartets = struct.iter_unpack("4d", struct.pack(f"{len(times)}d", *times))
    return median((a1 + a2) / (b1 + b2) for a1, b1, b2, a2 in quartets)


def measure() -> dict[str, Interval]:
    """Measure transport -> interval of the ratio over `PAIRS` fresh pairs."""
    before = os.sched_getaffinity(0)
    try:
        ratios: dict[str, list[float]] = {name: [] for name in INLINE}
        for _ in range(PAIRS):
            for name, found in ratios.items():
                found.append(pair(name))
        return {name: median_interval(found) for name, found in ratios.items()}
    finally:
        os.sched_setaffinity(0, before)
