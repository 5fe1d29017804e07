"""Timed loops: exactly the calls that are timed, in their order."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest

from ipcbench.bench.loops.clock import FakeClock, RealClock
from ipcbench.bench.loops.loop import durations
from ipcbench.bench.loops.messages import ACKNOWLEDGEMENT, END_MARK
from ipcbench.bench.patterns import counter, echo, fan_in, fan_out, latency, signal, stream
from ipcbench.bench.patterns import self as to_itself
from ipcbench.bench.patterns.fan_in import stamped_fan_in_sender
from ipcbench.bench.patterns.latency import stamped_ping
from ipcbench.bench.patterns.part import Part
from ipcbench.bench.patterns.signal import stamped_signal_initiator
from ipcbench.transports.null import NullEndpoint
from tests.unit.bench.parts import PARTS, RECEIVERS, extra, name

MESSAGE = object()  # what `prepare` made of it is the transport's own affair


class Script:
    """An endpoint of any kind, and a clock: each call is recorded as a letter."""

    def __init__(self, clients: tuple[int, ...] = (), messages: int = 0) -> None:
        self.calls = ""
        self.sent: list[Any] = []
        self.buffers: list[Any] = []
        self.answered: list[int] = []
        self._clients = iter(clients)
        self._messages = messages
        self.time = 0

    # An endpoint

    def prepare(self, data: memoryview) -> Any:
        return ("prepared", bytes(data))

    def send(self, data: Any, /) -> None:
        self.calls += "s"
        self.sent.append(data)

    def recv_into(self, buffer: memoryview, /) -> int:
        self.calls += "r"
        self.buffers.append(buffer)
        if buffer and not buffer.readonly and buffer.format == "B":
            self._messages -= 1
            buffer[0] = END_MARK if self._messages <= 0 else 0
        return len(buffer)

    def recv_from(self, buffer: memoryview, /) -> int:
        self.calls += "R"
        self.buffers.append(buffer)
        return next(self._clients)

    def send_to(self, index: int, data: Any, /) -> None:
        self.calls += "S"
        self.answered.append(index)
        self.sent.append(data)

    def notify(self) -> None:
        self.calls += "n"

    def wait(self) -> None:
        self.calls += "w"

    def acquire(self) -> None:
        self.calls += "["

    def release(self) -> None:
        self.calls += "]"

    # A clock

    def begin(self, count: int) -> None:
        self.calls += "b"

    def now(self) -> float:
        self.calls += "t"
        self.time += 10
        return float(self.time)

    def now_ns(self) -> int:
        self.calls += "T"
        self.time += len(self.calls)
        return self.time


# The calls of a loop of `count` units, between the two readings of the clock.
CALLS: dict[Part, Callable[[int], str]] = {
    latency.CLIENT: lambda count: "sr" * count,
    latency.SERVER: lambda count: "rs" * count,
    stream.SENDER: lambda count: "s" * count + "r",
    stream.RECEIVER: lambda count: "r" * count + "s",
    fan_in.SENDER: lambda count: "s" * count,
    fan_in.RECEIVER: lambda count: "r" * count,
    fan_out.SENDER: lambda count: "s" * count,
    fan_out.RECEIVER: lambda count: "r" * max(count, 1),  # the last one has the end mark
    echo.SERVER: lambda count: "RS" * count,
    signal.INITIATOR: lambda count: "nw" * count,
    signal.RESPONDER: lambda count: "wn" * count,
    counter.MEMBER: lambda count: "[]" * count,
    to_itself.BOTH: lambda count: "sr" * count,
}
COUNTS = (0, 1, 2, 7, 1000)


def variable() -> memoryview:
    return memoryview(bytearray(8)).cast("Q")


def test_every_part_has_its_expected_calls() -> None:
    assert CALLS.keys() == set(PARTS)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("part", PARTS, ids=name)
def test_the_timed_calls_are_those_and_no_others(part: Part, count: int) -> None:
    script = Script(clients=tuple(range(count)), messages=count)
    buffer = variable() if part is counter.MEMBER else memoryview(bytearray(16))
    span = part.loop(script, MESSAGE, buffer, count, script, *extra(part, count))
    assert script.calls == "t" + CALLS[part](count) + "t"
    handled = max(count, 1) if part is fan_out.RECEIVER else count
    assert (span.start, span.end, span.handled) == (10.0, 20.0, handled)
    messages = [data for data in script.sent if data is MESSAGE]
    others = (part is stream.RECEIVER) + sum(extra(part, count))
    assert len(messages) == len(script.sent) - others
    assert script.answered == (list(range(count)) if part is echo.SERVER else [])
    if part is counter.MEMBER:
        assert buffer[0] == count


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_messages_are_received_into_the_given_buffer(part: Part) -> None:
    script = Script(clients=(0, 0, 0), messages=3)
    buffer = variable() if part is counter.MEMBER else memoryview(bytearray(16))
    part.loop(script, MESSAGE, buffer, 3, script, *extra(part, 3))
    if part is stream.SENDER:  # the acknowledgement is one byte, whatever the size
        assert [len(one) for one in script.buffers] == [1]
        assert script.buffers[0].obj is buffer.obj
    else:
        assert all(one is buffer for one in script.buffers)


def test_an_empty_stream_is_acknowledged() -> None:
    script = Script()
    stream.SENDER.loop(script, MESSAGE, memoryview(b""), 2, script)
    assert [len(one) for one in script.buffers] == [1]


def test_the_acknowledgement_is_one_byte() -> None:
    script = Script()
    stream.RECEIVER.loop(script, MESSAGE, memoryview(bytearray(16)), 2, script)
    assert script.sent == [("prepared", bytes(ACKNOWLEDGEMENT))]
    assert len(ACKNOWLEDGEMENT) == 1


def test_a_competitor_stops_at_the_end_mark_and_not_at_its_count() -> None:
    script = Script(messages=5)
    assert fan_out.RECEIVER.loop(script, MESSAGE, memoryview(bytearray(1)), 0, script).handled == 5
    assert script.calls == "trrrrrt"


@pytest.mark.parametrize("count", [RECEIVERS, RECEIVERS + 1, 1000])
@pytest.mark.parametrize("copies", [True, False], ids=["a copy", "its own memory"])
def test_the_last_message_to_each_competitor_is_marked_and_counted(
    count: int, copies: bool
) -> None:
    buffer = memoryview(bytearray(b"plain"))
    sent: list[bytes] = []

    class Records(Script):
        def prepare(self, data: memoryview) -> Any:
            return bytes(data) if copies else data

        def send(self, data: Any, /) -> None:
            sent.append(bytes(data))

    script = Records()
    message = script.prepare(buffer)
    for _ in range(2):
        sent.clear()
        span = fan_out.SENDER.loop(script, message, buffer, count, script, RECEIVERS)
        assert span.handled == len(sent) == count
        marked = bytes([END_MARK]) + b"lain"
        assert sent == [b"plain"] * (count - RECEIVERS) + [marked] * RECEIVERS


def test_the_variable_is_counted_up_inside_the_guard() -> None:
    inside: list[int] = []
    count = variable()

    class Guard:
        def acquire(self) -> None:
            inside.append(count[0])

        def release(self) -> None:
            inside.append(count[0])

    counter.MEMBER.loop(Guard(), MESSAGE, count, 3, RealClock())
    assert inside == [0, 1, 1, 2, 2, 3]


# Stamps.


@pytest.mark.parametrize("first", [0, 1, 30])
@pytest.mark.parametrize("stamped", COUNTS)
@pytest.mark.parametrize(
    ("loop", "calls"),
    [(stamped_ping, "sr"), (stamped_signal_initiator, "nw"), (stamped_fan_in_sender, "s")],
    ids=["ping", "signal", "fan-in"],
)
def test_only_the_last_loops_have_stamps(
    loop: Callable[..., Any], calls: str, stamped: int, first: int
) -> None:
    script, stamps = Script(), array("q", bytes(8 * (stamped + 1)))
    loop(script, MESSAGE, memoryview(bytearray(4)), first + stamped, script, stamps)
    assert script.calls == calls * first + "T" + f"{calls}T" * stamped
    # The clock's n-th step is as long as all calls until then.
    steps = [(len(calls) + 1) * (number + 1) + len(calls) * first for number in range(stamped)]
    assert list(durations(stamps)) == [step + 1 for step in steps]


def test_a_slow_start_has_no_stamp() -> None:
    """The first round trip includes the barrier and the start of the other process."""
    clock = iter(range(0, 1000, 10))

    class Slow:
        started = False

        def send(self, data: Any, /) -> None: ...

        def recv_into(self, buffer: memoryview, /) -> None:
            if not self.started:
                self.started = True
                [next(clock) for _ in range(50)]

        notify = staticmethod(lambda: None)

        def wait(self) -> None:
            self.recv_into(memoryview(b""))

        def now_ns(self) -> int:
            return next(clock)

        def now(self) -> float:
            return 0.0

        def begin(self, count: int) -> None: ...

    for part in (latency.CLIENT, signal.INITIATOR):
        slow: Any = Slow()
        stamps, clock = array("q", bytes(8 * 11)), iter(range(0, 1000, 10))
        assert part.stamped is not None
        part.stamped(slow, MESSAGE, memoryview(bytearray(4)), 11, slow, stamps)
        assert set(durations(stamps)) == {10}


def test_the_stamped_loop_is_the_parts_own() -> None:
    assert {part: part.stamped for part in PARTS if part.stamped} == {
        latency.CLIENT: stamped_ping,
        signal.INITIATOR: stamped_signal_initiator,
        fan_in.SENDER: stamped_fan_in_sender,
    }


# Over the endpoint that does nothing.


@pytest.mark.parametrize(
    "part",
    [
        latency.CLIENT,
        latency.SERVER,
        stream.SENDER,
        stream.RECEIVER,
        fan_in.SENDER,
        fan_in.RECEIVER,
        to_itself.BOTH,
    ],
    ids=name,
)
@pytest.mark.parametrize("count", COUNTS)
def test_a_block_on_the_null_endpoint_takes_the_time_foretold(part: Part, count: int) -> None:
    endpoint, clock = NullEndpoint(), FakeClock("cell", 3)
    clock.begin(count)
    message = endpoint.prepare(memoryview(bytes(8)))
    span = part.loop(endpoint, message, memoryview(bytearray(8)), count, clock)
    assert span == (0.0, count * clock.cost, count)


def test_stamps_on_the_null_endpoint() -> None:
    endpoint = NullEndpoint()
    message = endpoint.prepare(memoryview(bytes(8)))
    buffer = memoryview(bytearray(8))
    made_up = FakeClock("cell", 3)
    stamps = array("q", bytes(8 * 51))
    stamped_ping(endpoint, message, buffer, 51, made_up, stamps)
    assert all(abs(each - made_up.cost * 1e9) <= 1 for each in durations(stamps))
    stamped_ping(endpoint, message, buffer, 51, RealClock(), stamps)
    assert all(each >= 0 for each in durations(stamps))
