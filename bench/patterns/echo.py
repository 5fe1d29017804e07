"""Pattern `echo`: process 0 answers all others, each of which waits for its reply."""

from __future__ import annotations

from collections import Counter
from itertools import repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.latency import CLIENT
from ipcbench.bench.patterns.part import Part, Pattern, Seat, any_number
from ipcbench.transports.contract import Role, Topology


def serve(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
    """Receive a message of any client and answer that client, in turn."""
    recv_from, send_to, now = endpoint.recv_from, endpoint.send_to, clock.now
    start = now()
    for _ in repeat(None, count):
        send_to(recv_from(buffer), message)
    return Span(start, now(), count)


def check_server(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Answer each client's numbered messages. Raises: Corrupt, and what the endpoint raises."""
    buffer = memoryview(bytearray(size))
    turns: Counter[int] = Counter()
    for _ in range(seat.share * messages.count(size)):
        # `recv_from` returns no length: a message that is cut leaves some of these bytes.
        buffer[:] = messages.end_mark(size)
        index = endpoint.recv_from(buffer)
        messages.compare(buffer, index, 0, turns[index])
        reply = memoryview(messages.message(index, 1, turns[index], size))
        endpoint.send_to(index, endpoint.prepare(reply))
        turns[index] += 1
    return []


SERVER = Part(serve, check_server)


def _seats(processes: int) -> list[Seat]:
    clients = processes - 1
    return [
        Seat(0, Role.SERVER, 0, SERVER, share=clients),
        *(Seat(0, Role.CLIENT, index, CLIENT) for index in range(clients)),
    ]


ECHO = Pattern(
    name="echo",
    topology=Topology.HUB,
    per="round trip",
    seats=_seats,
    units=lambda processes: processes - 1,
    refuses=any_number,
    single="round trip",
)
