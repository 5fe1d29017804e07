"""Messages that pass in the time of a block: those that are counted, and no others."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import ACKNOWLEDGEMENT
from ipcbench.bench.patterns.part import elapsed
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.workers.block_runner import BlockRunner
from ipcbench.bench.workers.process import Timed
from ipcbench.transports.base import PlainEndpoint
from ipcbench.transports.contract import Role
from ipcbench.transports.native import built
from ipcbench.transports.null import TRAITS
from tests.plugins.capsules import capsule

SIZE = 4096
LOOPS = (1, 2, 7)


class Recorded:
    """A channel in memory that records the length of each message."""

    def __init__(self) -> None:
        self.to_server: Queue[bytes] = Queue()
        self.to_client: Queue[bytes] = Queue()
        self.sent: list[int] = []
        self.received: list[int] = []


class End(PlainEndpoint):
    """An end of the channel, in Python and natively."""

    depth = None

    def __init__(self, channel: Recorded, role: Role) -> None:
        self._channel = channel
        first, second = channel.to_server, channel.to_client
        starts = role in (Role.SENDER, Role.CLIENT)
        self._out, self._in = (first, second) if starts else (second, first)

    def prepare(self, data: memoryview) -> Any:
        return data

    def native(self) -> object | None:
        return capsule(send=self._send_at, recv=self._recv_at)

    def send(self, data: Any, /) -> None:
        self._channel.sent.append(len(data))
        self._out.put(bytes(data))

    def recv_into(self, buffer: memoryview, /) -> int:
        found = self._in.get(timeout=20)
        self._channel.received.append(len(found))
        buffer[: len(found)] = found
        return len(found)

    def _send_at(self, at: int, size: int) -> int:
        self.send(ctypes.string_at(at, size))
        return 0

    def _recv_at(self, at: int, size: int) -> int:
        return self.recv_into(memoryview((ctypes.c_char * size).from_address(at)).cast("B"))

    def close(self) -> None: ...


def together(calls: list[Any]) -> list[Timed]:
    """Call all at once, in a thread each."""
    done: dict[int, Timed] = {}

    def run(number: int) -> None:
        done[number] = calls[number]()

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == len(calls), "a process waits for a message that is never sent"
    return [done[number] for number in range(len(calls))]


def blocks(cell: Cell, channel: Recorded) -> Iterator[tuple[int, list[Timed]]]:
    """Run blocks of all processes of a cell; yield the messages that are due, and the results."""
    pattern = pattern_of(cell)
    team = [
        BlockRunner(
            End(channel, seat.role), seat, SIZE, RealClock(), memoryview(bytearray(8)),
            native=cell.runtime == "native", buffers=8,
        )
        for seat in pattern.seats(cell.processes)
    ]  # fmt: skip
    for runner in team:
        runner.connect([], 0.0)
    for loops in LOOPS:
        channel.sent.clear()
        channel.received.clear()
        found = together([runner.prepare(loops) for runner in team])
        spans = [one.span for one in found]
        pattern.account(spans, 0, TRAITS)
        assert elapsed(pattern.seats(cell.processes), spans) > 0
        yield loops * pattern.units(cell.processes), found


needs = pytest.mark.skipif(built() is not None, reason=str(built()))
both = pytest.mark.parametrize("runtime", ["python", pytest.param("native", marks=needs)])


@both
@pytest.mark.parametrize("payload", ["hot", "fresh", "cold"])
@pytest.mark.parametrize(
    ("pattern", "processes"),
    [("fan-out", 2), ("fan-out", 4), ("fan-in", 2), ("fan-in", 4), ("stream", 2)],
)
def test_the_messages_of_a_block_are_those_that_are_counted(
    pattern: str, processes: int, payload: str, runtime: str
) -> None:
    cell = Cell(
        transport="pipe", pattern=pattern, size=SIZE, processes=processes, payload=payload,
        runtime=runtime, placement="same-core",
    )  # fmt: skip
    channel = Recorded()
    # A stream is acknowledged by one byte, as docs/method.md says.
    acknowledged = [len(ACKNOWLEDGEMENT)] if pattern == "stream" else []
    for due, found in blocks(cell, channel):
        assert channel.sent == [SIZE] * due + acknowledged
        assert sorted(channel.received, reverse=True) == channel.sent
        receivers = [one.span.handled for one in found[1:]]
        if pattern == "fan-out":
            assert found[0].span.handled == sum(receivers) == due
            assert min(receivers) >= 1
    assert channel.to_server.empty()
    assert channel.to_client.empty()
