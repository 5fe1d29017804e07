"""bench.loops.native_loops: the compiled twins make the calls that the loops in Python make."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import select
import signal
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import Clock, FakeClock, RealClock
from ipcbench.bench.loops.loop import Loop, Span, Stamped, durations
from ipcbench.bench.loops.messages import ACKNOWLEDGEMENT, END_MARK
from ipcbench.bench.patterns import counter, echo, fan_in, fan_out, latency, stream
from ipcbench.bench.patterns import self as to_itself
from ipcbench.bench.patterns import signal as signal_pattern
from ipcbench.bench.patterns.part import Part
from ipcbench.transports.contract import (
    MessageTooLarge,
    PeerGone,
    Role,
    Spec,
    Topology,
    Transport,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.native import built, native_of, operations
from ipcbench.transports.null import NullEndpoint
from ipcbench.transports.registry import get
from tests.plugins.capsules import FIRST, HEADROOM, Ops, capsule
from tests.unit.bench.parts import PARTS, RECEIVERS, extra, name
from tests.unit.bench.test_loops import CALLS, COUNTS, variable

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

WITH_STAMPS = [part for part in PARTS if part.stamped]


class Script:
    """A capsule with every operation: each call is recorded as a letter, as in test_loops."""

    def __init__(self, messages: int = 0, *, two: bool = False) -> None:
        """`two`: it has a capsule of each end, one that sends and one that receives."""
        self.calls = ""
        self.sent: list[bytes] = []
        self.answered: list[int] = []
        self.places: set[int] = set()
        self._messages = messages
        self._client = 0
        functions = {
            "send": self.send,
            "recv": self.recv,
            "recv_from": self.recv_from,
            "send_to": self.send_to,
            "notify": lambda: self.call("n"),
            "wait": lambda: self.call("w"),
            "acquire": lambda: self.call("["),
            "leave": lambda: self.call("]"),
            # A timed loop calls neither: one call transfers one message.
            "send_many": lambda *_: self.call("M"),
            "recv_many": lambda *_: self.call("m"),
        }
        self.capsule: Any = capsule(**functions)
        if two:
            self.capsule = capsule(send=self.send), capsule(recv=self.recv)

    def call(self, letter: str) -> int:
        self.calls += letter
        return 0

    def _use_headroom(self, at: int) -> None:
        """Overwrite the headroom, as msgsnd(2) does; check the alignment."""
        assert at % HEADROOM == 0
        ctypes.memset(at - HEADROOM, 0xEE, HEADROOM)

    def send(self, at: int, size: int) -> int:
        self._use_headroom(at)
        self.sent.append(ctypes.string_at(at, size))
        return self.call("s")

    def recv(self, at: int, size: int) -> int:
        self._use_headroom(at)
        self.places.add(at)
        self._messages -= 1
        ctypes.memset(at, END_MARK if self._messages <= 0 else 0, 1)
        self.call("r")
        return size

    def recv_from(self, at: int, size: int) -> int:
        self._use_headroom(at)
        self.places.add(at)
        self.call("R")
        self._client += 1
        return self._client - 1

    def send_to(self, index: int, at: int, size: int) -> int:
        self._use_headroom(at)
        self.answered.append(index or 0)
        self.sent.append(ctypes.string_at(at, size))
        return self.call("S")


def a_message(size: int = 16) -> memoryview:
    message = aligned_buffer(size)
    message[:] = bytes(range(size))
    return message


def address(view: memoryview) -> int:
    return ctypes.addressof((ctypes.c_char * len(view)).from_buffer(view))


@pytest.mark.parametrize("size", [1, 16, 63, 64, 65, 1000, 1 << 20])
def test_a_room_is_aligned_behind_headroom_of_its_own(size: int) -> None:
    one = aligned_buffer(size)
    assert len(one) == size
    assert bytes(one) == bytes(size)
    assert address(one) % HEADROOM == 0
    whole = memoryview(one.obj)
    assert HEADROOM <= address(one) - address(whole) <= len(whole) - size


def native(part: Part) -> Loop:
    return native_loops.twin(part.loop)


def native_stamped(part: Part) -> Stamped:
    assert part.stamped is not None
    found = native_loops.stamped_twin(part.stamped)
    assert found is not None
    return found


def test_every_loop_has_its_twin() -> None:
    for part in PARTS:
        assert native_loops.has_twin(part.loop)
        assert native(part).__name__ == part.loop.__name__
        assert native(part) is not part.loop
        assert part.stamped is None or native_stamped(part).__name__ == part.stamped.__name__


def test_a_loop_without_a_twin_is_refused() -> None:
    def loop_of_a_new_pattern(*_: Any) -> Span:
        raise AssertionError

    assert not native_loops.has_twin(loop_of_a_new_pattern)
    with pytest.raises(Unavailable, match="loop_of_a_new_pattern has no twin in C"):
        native_loops.twin(loop_of_a_new_pattern)
    assert native_loops.stamped_twin(loop_of_a_new_pattern) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("part", PARTS, ids=name)
def test_the_timed_calls_are_those_of_the_twin(part: Part, count: int) -> None:
    script = Script(messages=count, two=part is to_itself.BOTH)
    message, buffer = a_message(), variable() if part is counter.MEMBER else aligned_buffer(16)
    if part.marks:
        buffer = message
    span = native(part)(script, message, buffer, count, RealClock(), *extra(part, count))
    assert script.calls == CALLS[part](count)
    assert span.handled == (max(count, 1) if part is fan_out.RECEIVER else count)
    sent = [one for one in script.sent if one == bytes(range(16))]
    assert len(sent) == len(script.sent) - (part is stream.RECEIVER) - sum(extra(part, count))
    assert script.answered == (list(range(count)) if part is echo.SERVER else [])
    if part is counter.MEMBER:
        assert buffer[0] == count
    elif part is not stream.SENDER:  # its acknowledgement is one byte, and lies elsewhere
        assert script.places <= {address(buffer)}


def test_the_acknowledgement_is_one_byte() -> None:
    script = Script()
    native(stream.RECEIVER)(script, a_message(), aligned_buffer(16), 2, RealClock())
    assert script.sent == [bytes(ACKNOWLEDGEMENT)]


def test_a_competitor_stops_at_the_end_mark_and_not_at_its_count() -> None:
    script = Script(messages=5)
    assert (
        native(fan_out.RECEIVER)(script, a_message(), aligned_buffer(1), 0, RealClock()).handled
        == 5
    )
    assert script.calls == "rrrrr"


@pytest.mark.parametrize("count", [RECEIVERS, RECEIVERS + 1, 1000])
def test_the_last_message_to_each_competitor_is_marked_and_counted(count: int) -> None:
    script, message = Script(), a_message()
    for _ in range(2):
        script.sent.clear()
        loop = native(fan_out.SENDER)
        span = loop(script, message, message, count, RealClock(), RECEIVERS)
        assert span.handled == len(script.sent) == count
        plain, marked = bytes(range(16)), bytes([END_MARK, *range(1, 16)])
        assert script.sent == [plain] * (count - RECEIVERS) + [marked] * RECEIVERS


@pytest.mark.parametrize("marks", [-1, 4])
def test_no_more_messages_are_marked_than_sent(marks: int) -> None:
    message = a_message()
    with pytest.raises(ValueError, match="less than 0 messages with the end mark, or more"):
        native(fan_out.SENDER)(Script(), message, message, 3, RealClock(), marks)


@pytest.mark.parametrize(("message", "buffer"), [(16, 16), (0, 0)])
def test_a_mark_is_written_into_the_message_itself(message: int, buffer: int) -> None:
    """Another memory would be sent in the time of the block, and one of no bytes has no mark."""
    sent = a_message(message)
    with pytest.raises(ValueError, match="the buffer of a message with an end mark"):
        native(fan_out.SENDER)(
            Script(), sent, aligned_buffer(buffer) if buffer else sent, 3, RealClock(), 2
        )


# Clocks.


def test_the_clock_is_that_of_the_loops_in_python() -> None:
    before = time.perf_counter()
    start, end, _ = native(latency.CLIENT)(
        Script(), a_message(), aligned_buffer(16), 100, RealClock()
    )
    assert before <= start < end <= time.perf_counter()


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("part", [latency.CLIENT, latency.SERVER, stream.SENDER, fan_in.SENDER])
def test_a_block_on_the_null_endpoint_takes_the_time_foretold(part: Part, count: int) -> None:
    endpoint, clock = native_of(NullEndpoint()), FakeClock("cell", 3)
    clock.begin(count)
    span = native(part)(endpoint, a_message(), aligned_buffer(16), count, clock)
    assert span == (0.0, count * clock.cost, count)


@pytest.mark.parametrize("first", [0, 1, 30])
@pytest.mark.parametrize("stamped", COUNTS)
@pytest.mark.parametrize("part", WITH_STAMPS)
def test_only_the_last_loops_have_stamps(part: Part, stamped: int, first: int) -> None:
    count, stamps = first + stamped, array("q", bytes(8 * (stamped + 1)))
    rest = a_message(), aligned_buffer(16), count
    script, began = Script(), time.perf_counter_ns()
    native_stamped(part)(script, *rest, RealClock(), stamps)
    assert script.calls == CALLS[part](count)
    assert all(each > 0 for each in durations(stamps))
    assert sum(durations(stamps)) <= time.perf_counter_ns() - began
    made_up = FakeClock("cell", 3)
    native_stamped(part)(Script(), *rest, made_up, stamps)
    assert all(abs(each - made_up.cost * 1e9) <= 1 for each in durations(stamps))


@pytest.mark.parametrize("part", WITH_STAMPS)
def test_a_slow_start_has_no_stamp(part: Part) -> None:
    script = Script()
    started: list[int] = []

    def slow(*_: Any) -> int:
        if not started:
            time.sleep(0.3)
        started.append(1)
        return 0

    script.capsule = capsule(send=slow, recv=lambda *_: 16, notify=slow, wait=lambda *_: 0)
    stamps, began = array("q", bytes(8 * 11)), time.perf_counter_ns()
    native_stamped(part)(script, a_message(), aligned_buffer(16), 11, RealClock(), stamps)
    assert len(started) == 11
    assert stamps[0] - began >= 0.3e9


# Errors.


def failing(number: int) -> Any:
    script = Script()
    script.capsule = capsule(send=lambda *_: 0, recv=lambda *_: -number)
    return script


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (errno.EPIPE, PeerGone),
        (errno.EIDRM, PeerGone),
        (errno.EAGAIN, WouldBlock),
        (errno.EMSGSIZE, MessageTooLarge),
        (errno.ENOMEM, OSError),
        (errno.EINVAL, OSError),
    ],
)
@pytest.mark.parametrize(
    "part", [latency.CLIENT, latency.SERVER, stream.SENDER, fan_in.RECEIVER, fan_out.RECEIVER]
)
def test_an_operations_error_has_its_name(part: Part, number: int, name: type[Exception]) -> None:
    with pytest.raises(name) as caught:
        native(part)(failing(number), a_message(), aligned_buffer(16), 3, RealClock())
    assert caught.type is name


def test_errors_of_the_other_operations_end_their_loops() -> None:
    bad = Script()
    bad.capsule = capsule(
        **dict.fromkeys(("send", "recv_from", "notify", "wait", "acquire"), lambda *_: -32),
        **dict.fromkeys(("recv", "send_to", "leave"), lambda *_: 0),
    )
    for part in (
        latency.CLIENT,
        fan_in.SENDER,
        echo.SERVER,
        signal_pattern.INITIATOR,
        signal_pattern.RESPONDER,
        counter.MEMBER,
    ):
        buffer = variable() if part is counter.MEMBER else aligned_buffer(16)
        with pytest.raises(PeerGone):
            native(part)(bad, a_message(), buffer, 3, RealClock())


@pytest.mark.parametrize(
    "part", [latency.CLIENT, latency.SERVER, stream.RECEIVER, fan_in.RECEIVER, fan_out.RECEIVER]
)
def test_a_message_of_another_length_is_an_error(part: Part) -> None:
    script: Any = Script()
    script.capsule = capsule(send=lambda *_: 0, recv=lambda at, size: size - 1)
    with pytest.raises(OSError, match="a message of another length arrived"):
        native(part)(script, a_message(), aligned_buffer(16), 3, RealClock())


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_an_end_without_the_operation_is_refused(part: Part) -> None:
    script: Any = Script()
    script.capsule = (capsule(), capsule()) if part is to_itself.BOTH else capsule()
    buffer = variable() if part is counter.MEMBER else aligned_buffer(16)
    with pytest.raises(TypeError, match="this end has no native"):
        native(part)(script, a_message(), buffer, 1, RealClock(), *extra(part, 1))


def test_both_ends_need_one_operation_each() -> None:
    script: Any = Script(two=True)
    sends, receives = script.capsule
    for ends in ((receives, receives), (sends, sends)):
        script.capsule = ends
        with pytest.raises(TypeError, match="this end has no native"):
            native(to_itself.BOTH)(script, a_message(), aligned_buffer(16), 1, RealClock())
    for wrong in (sends, (sends,), (sends, receives, sends), [sends, receives]):
        script.capsule = wrong
        with pytest.raises(TypeError, match="not the capsules of two ends"):
            native(to_itself.BOTH)(script, a_message(), aligned_buffer(16), 1, RealClock())
    script.capsule = sends, object()
    with pytest.raises(ValueError, match=r"native\(\) gave"):
        native(to_itself.BOTH)(script, a_message(), aligned_buffer(16), 1, RealClock())


@pytest.mark.parametrize(
    "take",
    [lambda *given: native(latency.CLIENT)(*given), lambda one, *_: operations.Calls(one.capsule)],
)
@pytest.mark.parametrize(
    "wrong", [{"abi": 1}, {"abi": 3}, {"size": FIRST - 8}, {"name": b"something.else"}]
)
def test_a_capsule_of_another_kind_is_refused(wrong: dict[str, Any], take: Any) -> None:
    script: Any = Script()
    script.capsule = capsule(send=lambda *_: 0, recv=lambda *_: 0, **wrong)
    with pytest.raises(ValueError, match=r"rebuild against ops\.h 2$|called \"ipcbench.ops\""):
        take(script, a_message(), aligned_buffer(16), 1, RealClock())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"abi": 3}, f"operations of ABI 3, {ctypes.sizeof(Ops)} bytes: this ipcbench knows ABI 2, "
         f"{FIRST} bytes: install a newer one, or rebuild against ops.h 2"),
        ({"abi": 1}, f"knows ABI 2, {FIRST} bytes: rebuild against ops.h 2"),
        ({"size": 24}, f"ABI 2, 24 bytes: this ipcbench knows ABI 2, {FIRST} bytes: "
         "rebuild against ops.h 2"),
        ({"name": b"other"}, 'native() gave a capsule called "other": it must'),
        ({"name": None}, "native() gave an object of type PyCapsule: it must"),
        (None, "native() gave an object of type int: it must be None, or a capsule"),
    ],
)  # fmt: skip
def test_why_a_capsule_is_refused(given: dict[str, Any] | None, said: str) -> None:
    """The error is one line, raised where a plug-in's endpoint is made native."""
    end: Any = SimpleNamespace(depth=None, native=lambda: capsule(**given) if given else 7)
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        native_of(end)
    assert len(str(refused.value).splitlines()) == 1


def test_larger_operations_of_the_same_abi_are_taken() -> None:
    """Later versions only add fields: ops.h."""
    end: Any = SimpleNamespace(depth=None, native=lambda: capsule(size=2**16))
    assert native_of(end).capsule is not None


def test_an_end_without_operations_names_the_missing_part_of_its_plug_in() -> None:
    end: Any = SimpleNamespace(native=lambda: None)
    with pytest.raises(Unavailable, match=r"native\(\) returned None") as refused:
        native_of(end)
    assert "Limits.native" in refused.value.remedy


@pytest.mark.parametrize(
    ("message", "buffer"),
    [
        (memoryview(bytes(16)), aligned_buffer(16)),
        (aligned_buffer(16), memoryview(bytearray(16))),
        (aligned_buffer(32)[16:], aligned_buffer(16)),
        (bytes(16), aligned_buffer(16)),
    ],
)
def test_a_buffer_without_headroom_is_refused(message: Any, buffer: Any) -> None:
    """An operation may write into the headroom before the buffer."""
    with pytest.raises(ValueError, match="headroom"):
        native(latency.CLIENT)(Script(), message, buffer, 1, RealClock())


def test_a_count_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        native(latency.CLIENT)(Script(), a_message(), aligned_buffer(16), -1, RealClock())


@pytest.mark.parametrize("stamps", [0, 4, 6])  # not even the first one, half of one, one too many
def test_stamps_are_one_at_least_and_no_more_than_loops(stamps: int) -> None:
    room = bytearray(8 * stamps if stamps != 4 else 4)
    with pytest.raises(ValueError, match="no stamps, or more than loops"):
        native_loops.compiled.stamped_ping(
            Script().capsule, a_message(), aligned_buffer(16), 4, room
        )


# Over a real channel: both sides at once, in threads, so the interpreter's lock has to be free.


def ends(name: str, topology: Topology, **more: Any) -> list[Any]:
    """Make the native endpoints of a channel, in the order of its seats."""
    transport = get(name)
    assert isinstance(transport, Transport)
    spec = Spec(64, topology, native=True, **more)
    seats = {
        Topology.LINK: [(Role.CLIENT, 0), (Role.SERVER, 0)],
        Topology.HUB: [*((Role.CLIENT, n) for n in range(spec.parties - 1)), (Role.SERVER, 0)],
    }[topology]
    channel = transport.create(spec)
    tickets = [channel.ticket(*seat) for seat in seats]
    made: list[Any] = [None] * len(seats)

    def attach(number: int) -> None:
        made[number] = transport.attach(tickets[number], time.monotonic() + 5)

    together([lambda number=number: attach(number) for number in range(len(seats))])
    channel.close()
    _channels.append(channel)
    return [native_of(endpoint) for endpoint in made]


_channels: list[Any] = []


@pytest.fixture(autouse=True)
def gone() -> Iterator[None]:
    yield
    while _channels:
        _channels.pop().unlink()


def together(calls: list[Callable[[], object]]) -> None:
    """Run each function in a thread of its own, until all have returned."""
    failed: list[BaseException] = []

    def play(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=play, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert failed == []


def playing(part: Part, endpoint: Any, count: int, clock: Clock) -> Callable[[], object]:
    return lambda: native(part)(endpoint, a_message(64), aligned_buffer(64), count, clock)


@pytest.mark.parametrize("name", ["pipe", "fifo", "unix-stream", "unix-dgram", "tcp", "sysv-queue",
                                  "sysv-queue:types", "posix-queue"])  # fmt: skip
@pytest.mark.parametrize(
    ("near", "far"),
    [(latency.CLIENT, latency.SERVER), (stream.SENDER, stream.RECEIVER)],
    ids=["latency", "stream"],
)
def test_both_sides_run_at_once(name: str, near: Part, far: Part) -> None:
    one, other = ends(name, Topology.LINK)
    together([playing(near, one, 500, RealClock()), playing(far, other, 500, RealClock())])
    one.close()
    other.close()


@pytest.mark.parametrize("name", ["pipe", "unix-stream", "unix-dgram", "socketpair:dgram",
                                  "sysv-queue", "posix-queue"])  # fmt: skip
def test_a_server_and_its_clients_play_at_once(name: str) -> None:
    *clients, server = ends(name, Topology.HUB, parties=4)
    clock = RealClock()
    asking = [playing(latency.CLIENT, client, 200, clock) for client in clients]
    together([*asking, playing(echo.SERVER, server, 600, clock)])
    for endpoint in (*clients, server):
        endpoint.close()


@pytest.mark.parametrize("name", ["pipe", "unix-stream", "unix-dgram", "socketpair:dgram",
                                  "posix-queue", "sysv-queue", "shm:posix+posix-sem",
                                  "shm:posix+futex"])  # fmt: skip
def test_a_client_that_there_is_not_is_no_peer_that_left(name: str) -> None:
    *clients, server = ends(name, Topology.HUB, parties=3)
    # A queue of System V's does not know how many there are: an index is a message's type.
    for index in (2**63 - 1, -1) if name == "sysv-queue" else (2, 2**63 - 1, -1):
        with pytest.raises(OSError, match="Invalid argument"):
            server.send_to(index, memoryview(bytes(64)))
    for endpoint in (*clients, server):
        endpoint.close()


@pytest.mark.parametrize("name", ["pipe", "unix-stream", "unix-dgram", "sysv-queue", "posix-queue"])
@pytest.mark.parametrize("wait", [Wait.BLOCK, Wait.POLL], ids=["blocking", "poll"])
def test_a_signal_interrupts_no_loop(name: str, wait: Wait) -> None:
    """A blocking call resumes after a signal; Python runs its handler after the loop."""
    traits = get(name).traits  # type: ignore[union-attr]
    if wait is Wait.POLL and not traits.pollable:
        pytest.skip("it cannot be waited for with poll(2)")
    one, other = ends(name, Topology.LINK, wait=wait)
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        slow = threading.Thread(target=answer_slowly, args=(other,), daemon=True)
        slow.start()
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        span = native(latency.CLIENT)(one, a_message(64), aligned_buffer(64), 5, RealClock())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    slow.join(5)
    assert span.handled == 5
    assert rung
    one.close()
    other.close()


def answer_slowly(endpoint: Any) -> None:
    """Answer after several signals, which the main thread alone receives."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    buffer = memoryview(bytearray(64))
    for _ in range(5):
        endpoint.recv_into(buffer)
        select.select([], [], [], 0.01)
        endpoint.send(memoryview(bytes(64)))


def test_a_capsule_keeps_what_it_needs() -> None:
    """A capsule keeps its endpoint alive."""
    one, other = ends("pipe", Topology.LINK)
    capsule_of_one = one.capsule
    fds = len(os.listdir("/proc/self/fd"))
    one._endpoint = None
    calls = operations.Calls(capsule_of_one)
    calls.send(bytes(64))
    buffer = bytearray(64)
    assert other.recv_into(memoryview(buffer)) == 64
    assert len(os.listdir("/proc/self/fd")) == fds
    other.close()
