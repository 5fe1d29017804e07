"""ipcbench.bench.workers.block_runner: the message that a process brings into its loops."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest

from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import END_MARK, Corrupt
from ipcbench.bench.loops.payloads.pool import value_of
from ipcbench.bench.patterns import echo, fan_in, latency, stream
from ipcbench.bench.patterns.anew import fresh
from ipcbench.bench.patterns.part import Pattern, Seat
from ipcbench.bench.plan.timing import WarmUp
from ipcbench.bench.results.histogram import bounds, percentiles
from ipcbench.bench.workers.block_runner import FIRST, BlockRunner
from ipcbench.bench.workers.blocks.open_loop import ClosedLoop
from ipcbench.bench.workers.worker import Worker
from ipcbench.transports.base import PlainEndpoint
from ipcbench.transports.base.defaults import ABSENT
from ipcbench.transports.contract import Role
from ipcbench.transports.null import TRAITS

SIZE = 32 << 20


class _Endpoint(PlainEndpoint):
    depth = None

    def send(self, data: object, /) -> None: ...

    def recv_into(self, buffer: memoryview, /) -> int:
        return 0

    def close(self) -> None: ...


def _runner(size: int, native: bool) -> BlockRunner:
    seat = Seat(0, Role.CLIENT, 0, stream.SENDER)
    variable = memoryview(bytearray(8))
    return BlockRunner(_Endpoint(), seat, size, RealClock(), variable, native=native)


def _resident() -> int:
    """Return the bytes of anonymous memory; the kernel's page of zeros is not counted."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no RssAnon: proc_pid_status(5)")


both = pytest.mark.parametrize("native", [False, True], ids=["python", "native"])


@both
def test_a_message_lies_in_memory_of_its_own(native: bool) -> None:
    """Unwritten memory is one cached page of zeros: a third too quick at 1 MiB."""
    before = _resident()
    message = _runner(SIZE, native).message
    assert crc32(message)  # every byte is read, as `send` reads it
    assert _resident() - before > 0.9 * SIZE


@both
def test_a_message_holds_no_byte_that_means_something(native: bool) -> None:
    message = bytes(_runner(4096, native).message)
    assert message[0] != END_MARK
    assert ABSENT not in message


class _Slow(_Endpoint):
    """An endpoint whose first reply is slow, as while the other process starts."""

    def __init__(self) -> None:
        self.received = 0

    def recv_into(self, buffer: memoryview, /) -> int:
        self.received += 1
        if self.received == 1:
            time.sleep(0.2)
        return 0


def test_the_start_of_a_pass_has_no_stamp() -> None:
    slow = _Slow()
    seat = Seat(0, Role.CLIENT, 0, latency.CLIENT)
    runner = BlockRunner(slow, seat, 64, RealClock(), memoryview(bytearray(8)), native=False)
    began = time.perf_counter()
    runner.prepare(31, 30)()
    assert time.perf_counter() - began >= 0.2
    assert slow.received == 31
    tail = runner.tail()
    assert sum(tail.values()) == 30
    assert percentiles(tail, [0.5])[0] < 0.2e9
    assert sum(bounds(number)[0] * times for number, times in tail.items()) < 0.2e9


def test_a_part_without_single_times_has_none() -> None:
    seat = Seat(0, Role.SENDER, 0, stream.SENDER)
    runner = BlockRunner(_Endpoint(), seat, 64, RealClock(), memoryview(bytearray(8)), native=False)
    assert runner.prepare(31, 30)().span.handled == 31
    assert runner.tail() == {}


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        (latency.LATENCY, 200 + 1),  # the first one includes the barrier
        (echo.ECHO, 200 + 1),
        (fan_in.FAN_IN, 200 + 1000),  # a block of the warm-up, which fills the channel
        (stream.STREAM, None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_first_loops_of_a_pass_have_no_stamps(pattern: Pattern, count: int | None) -> None:
    worker: Any = Worker.__new__(Worker)
    asked: list[tuple[int, int, int]] = []
    worker.job = SimpleNamespace(stamps=200, loops=5000, warm_up=WarmUp(share=0.2))
    worker._pattern, worker._seats, worker._timed = pattern, pattern.seats(2), 0.0
    worker._pace = ClosedLoop()
    worker.report = lambda line: None
    worker._run_block = lambda loops, own, stamps: (0.0, [])
    worker._delay = SimpleNamespace(turns=7)  # the pass is slowed as the values are
    worker._runner = SimpleNamespace(
        prepare=lambda loops, stamps, turns: asked.append((loops, stamps, turns)),
        tail=lambda: {3: 150},
    )
    worker._team = SimpleNamespace(tails=lambda: [{3: 50}])
    found = worker._tail()
    assert asked == ([] if count is None else [(count, 200, 7)])
    assert found == ({} if count is None else {3: 200})


class _Delivers(_Endpoint):
    """An endpoint that delivers messages of one number, whatever was sent."""

    def __init__(self, number: int, absent: int | None = None) -> None:
        self.number, self.absent = number, absent

    def recv_into(self, buffer: memoryview, /) -> int:
        buffer[:] = bytes([value_of(self.number)]) * len(buffer)
        if self.absent is not None:
            buffer[self.absent] = ABSENT
        return len(buffer)


def _reader(endpoint: PlainEndpoint) -> BlockRunner:
    seat = Seat(0, Role.SERVER, 0, fresh.RECEIVER)
    return BlockRunner(endpoint, seat, 4096, RealClock(), memoryview(bytearray(8)), native=False)


def test_what_arrived_last_is_compared() -> None:
    runner = _reader(_Delivers(FIRST + 4))
    runner.prepare(5)()
    with pytest.raises(Corrupt, match=f"message {FIRST + 9}, written anew"):
        runner.prepare(5)()  # the message that was there before


def test_a_message_that_is_not_read_to_its_end_is_found() -> None:
    with pytest.raises(Corrupt, match="of 5 messages, 0 were read to their end"):
        _reader(_Delivers(FIRST + 4, absent=17)).prepare(5)()


class _Lends(_Endpoint):
    """An end that lends its slots from `connect` on."""

    loan: Any = None

    def connect(self, hellos: object, deadline: float) -> None:
        self.loan = lambda size: memoryview(bytearray(size))

    def commit(self, size: int, /) -> None: ...


def test_a_transport_that_is_read_in_place_has_a_loop_of_its_own() -> None:
    for in_place, loop in (
        (False, fresh.fresh_stream_sender),
        (True, fresh.fresh_stream_sender_in_place),
    ):
        part = fresh.SENDER.over(replace(TRAITS, in_place=in_place))
        seat, shared = Seat(0, Role.CLIENT, 0, fresh.SENDER), memoryview(bytearray(8))
        runner = BlockRunner(
            _Lends(), seat, 4096, RealClock(), shared, native=False, part=part, buffers=8
        )
        runner.connect([], 0.0)
        assert runner.loop is loop
        assert runner.prepare(3)().span.handled == 3
