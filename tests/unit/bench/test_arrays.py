"""NumPy arrays as messages: each is written anew, sent, received and read to its last byte."""

from __future__ import annotations

import subprocess
import sys
from array import array
from collections import deque
from typing import Any

import numpy as np
import pytest

from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.loops.payloads.arrays import SHAPES, Arrays
from ipcbench.bench.loops.payloads.pool import ABSENT, FRESH_BUFFERS, compare, value_of
from ipcbench.bench.patterns.anew import arrays
from ipcbench.bench.patterns.anew.fresh import FEW
from ipcbench.bench.patterns.part import Seat
from ipcbench.bench.results.units import FRAMES
from ipcbench.transports.contract import Role

SIZE, FIRST, COUNT = 4096, 246, 11  # over the end of the values
CLOCK = RealClock()
SEAT = Seat(0, Role.CLIENT, 0, arrays.SENDER)


class Plain:
    """An end of messages of bytes; it keeps what is sent, as bytes."""

    def __init__(self, *messages: bytes) -> None:
        self.inbox, self.sent = deque(messages), list[Any]()

    def prepare(self, data: memoryview) -> Any:
        return data

    def send(self, data: Any, /) -> None:
        self.sent.append(bytes(data))

    def recv_into(self, buffer: memoryview, /) -> int:
        found = self.inbox.popleft()
        buffer[:] = found[: len(buffer)]
        return len(found)


class Copied(Plain):
    """An end that sends objects of the type bytes."""

    def prepare(self, data: memoryview) -> Any:
        return bytes(data)

    def send(self, data: Any, /) -> None:
        assert type(data) is bytes
        super().send(data)


class Pickled(Plain):
    """An end of pickled objects."""

    def send(self, data: Any, /) -> None:
        super().send(data if isinstance(data, memoryview) else data.tobytes())

    def recv_object(self) -> Any:
        return np.frombuffer(bytearray(self.inbox.popleft()), np.uint8)


class Lent(Plain):
    """An end that is read and written in place; what is not lent or shown may change at once."""

    def loan(self, size: int, /) -> memoryview:
        self.slot = memoryview(bytearray(size))
        return self.slot

    def commit(self, size: int, /) -> None:
        self.send(self.slot[:size])

    def peek(self) -> memoryview:
        self.shown = bytearray(self.inbox[0])
        return memoryview(self.shown)

    def release(self) -> None:
        self.inbox.popleft()
        self.shown.clear()  # BufferError if an array still refers to it


KINDS = [Plain, Copied, Pickled, Lent]


def messages(first: int, count: int, size: int = SIZE) -> list[bytes]:
    return [bytes([value_of(number)]) * size for number in range(first, first + count)]


def buffer_of(size: int = SIZE) -> memoryview:
    return memoryview(bytearray(size))


@pytest.mark.parametrize("kind", KINDS)
def test_each_array_is_written_anew(kind: type[Plain]) -> None:
    end = kind(b"\x06")
    made = Arrays(SIZE, FRESH_BUFFERS, end.prepare)
    span = arrays.array_stream_sender(end, made, buffer_of(), COUNT, CLOCK, FIRST)
    assert span.handled == COUNT
    assert end.sent == messages(FIRST, COUNT)


@pytest.mark.parametrize("kind", KINDS)
def test_each_array_is_read(kind: type[Plain]) -> None:
    end, buffer = kind(*messages(FIRST, COUNT)), buffer_of()
    made = Arrays(SIZE, FRESH_BUFFERS, end.prepare)
    span = arrays.array_stream_receiver(end, made, buffer, COUNT, CLOCK)
    assert span.handled == COUNT
    assert end.sent == [b"\x06"]
    if kind is not Lent:
        compare(buffer, FIRST + COUNT - 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 1, 63, 2048, SIZE - 1])
def test_every_byte_is_read(kind: type[Plain], at: int) -> None:
    message = bytearray(messages(FIRST, 1)[0])
    message[at] = ABSENT
    end = kind(bytes(message))
    read = Arrays(SIZE, 1, end.prepare).reader(end, buffer_of())
    assert not read()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loop", [arrays.array_ping, arrays.array_pong])
def test_round_trips(kind: type[Plain], loop: Any) -> None:
    end = kind(*messages(FIRST, COUNT))
    made = Arrays(SIZE, FRESH_BUFFERS, end.prepare)
    assert loop(end, made, buffer_of(), COUNT, CLOCK, FIRST).handled == COUNT
    assert end.sent == messages(FIRST, COUNT)


@pytest.mark.parametrize("untimed", [0, 3])
def test_each_round_trip_has_a_stamp(untimed: int) -> None:
    end = Pickled(*messages(FIRST, COUNT))
    stamps = array("q", [0] * (COUNT - untimed + 1))
    made, buffer = Arrays(SIZE, FRESH_BUFFERS, end.prepare), buffer_of()
    arrays.stamped_array_ping(end, made, buffer, COUNT, CLOCK, stamps, FIRST)
    assert all(stamps)
    assert sorted(stamps) == list(stamps)
    compare(buffer, FIRST + COUNT - 1)


def test_one_process_alone_writes_and_reads_all_arrays() -> None:
    made = Arrays(SIZE, 3, lambda data: data)
    filled = arrays.array_fill(None, made, buffer_of(), 3, CLOCK, FIRST)
    values = {bytes(one) for one, _ in made.pool()}
    assert values == set(messages(FIRST, 3))
    assert filled.handled == arrays.array_scan(None, made, buffer_of(), 3, CLOCK, FIRST).handled
    made.pool()[1][0][-1] = ABSENT
    assert arrays.array_scan(None, made, buffer_of(), 3, CLOCK, FIRST).handled == 2


def test_a_frame_has_rows_and_columns() -> None:
    assert SHAPES.keys() == FRAMES.keys()
    for size, shape in SHAPES.items():
        assert Arrays(size, 1, bytes).over(bytearray(size)).shape == shape
    assert Arrays(SIZE, 1, bytes).over(bytearray(SIZE)).shape == (SIZE,)


class Late(Pickled):
    """An end that copies an object when it is received."""

    def send(self, data: Any, /) -> None:
        self.sent.append(data)

    def late(self) -> list[bytes]:
        return [bytes(one) if isinstance(one, memoryview) else one.tobytes() for one in self.sent]


@pytest.mark.parametrize(("buffers", "found"), [(8, True), (64, False)])
def test_an_array_that_is_written_again_too_early_is_found(buffers: int, found: bool) -> None:
    sender = Late(b"\x06", b"\x06")
    made = Arrays(SIZE, buffers, sender.prepare)

    def send(times: int) -> int:
        return arrays.array_stream_sender(sender, made, buffer_of(), times, CLOCK, 0).handled

    arrays.REHEARSAL.sender(sender, SEAT, SIZE, send)
    receiver = Pickled(*sender.late())
    if found:
        with pytest.raises(Corrupt):
            arrays.REHEARSAL.receiver(receiver, SEAT, SIZE, lambda times: 0)
    else:
        arrays.REHEARSAL.receiver(receiver, SEAT, SIZE, lambda times: 0)
        assert len(receiver.inbox) == FEW


def test_no_other_process_loads_numpy() -> None:
    program = """
import sys
from ipcbench.bench.workers import fork_parent, peers, worker
from ipcbench.bench.loops.payloads.arrays import Arrays
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.patterns import latency
from ipcbench.bench.patterns.anew import fresh
from ipcbench.bench.workers.block_runner import BlockRunner
from ipcbench.bench.patterns.anew.arrays import CLIENT
from ipcbench.bench.patterns.part import Seat
from ipcbench.transports.base import PlainEndpoint
from ipcbench.transports.contract import Role

for part in (latency.CLIENT, fresh.CLIENT, CLIENT):
    seat = Seat(0, Role.CLIENT, 0, part)
    BlockRunner(PlainEndpoint(), seat, 4096, RealClock(), memoryview(bytes(8)), native=False)
    print("numpy" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False", "True"]
