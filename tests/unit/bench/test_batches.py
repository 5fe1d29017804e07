"""bench.patterns.batch: the calls of the loops with batches, in both runtimes, and their check."""

from __future__ import annotations

import ctypes
import errno
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import MESSAGES, Corrupt, message
from ipcbench.bench.patterns import batch
from ipcbench.bench.patterns.batch import batched, numbers_sent, rows
from ipcbench.bench.patterns.part import Part, Seat
from ipcbench.bench.patterns.table import BATCHED, PATTERNS, Lacking, pattern_of
from ipcbench.bench.results.cell import Cell
from ipcbench.transports.contract import PeerGone
from ipcbench.transports.native import NativeEndpoint, built
from ipcbench.transports.null import NullEndpoint
from tests.plugins.capsules import capsule

SIZE = 64
COUNTS = [(0, 4), (3, 4), (4, 4), (9, 4), (9, 1), (3, 1024)]
needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))


class Script:
    """An endpoint with calls for several messages: each takes as many as the next of `parts`."""

    def __init__(self, parts: Iterable[int] = ()) -> None:
        self.calls: list[str] = []
        self._parts = iter(parts)
        self.capsule = capsule(
            send=lambda at, size: self.send(at),
            recv=self._recv,
            send_many=lambda at, size, count: self.send_many(at, count),
            recv_many=lambda at, size, count: self.recv_many(at, count),
        )

    def _moved(self, letter: str, count: int) -> int:
        self.calls.append(f"{letter}{count}")
        return next(self._parts, count)

    def prepare(self, data: memoryview) -> Any:
        return data

    def send(self, data: Any, /) -> int:
        self.calls.append("s")
        return 0

    def _recv(self, at: int, size: int) -> int:
        self.calls.append("r")
        return size

    def recv_into(self, buffer: memoryview, /) -> int:
        self.calls.append("r")
        return len(buffer)

    def send_many(self, data: Any, count: int, /) -> int:
        return self._moved("S", count)

    def recv_many(self, buffer: Any, count: int, /) -> int:
        return self._moved("R", count)


RUNTIMES = ["python", pytest.param("native", marks=needs_native)]


def run(loop: Any, runtime: str, script: Script, count: int, size: int) -> int:
    buffer = aligned_buffer(SIZE)
    made = loop if runtime == "python" else native_loops.twin(loop)
    handled: int = made(script, buffer, buffer, count, RealClock(), size).handled
    return handled


LOOPS = {
    "S": [batch.batched_stream_sender, batch.batched_fan_in_sender],
    "R": [batch.batched_stream_receiver, batch.batched_fan_in_receiver],
}
END = {batch.batched_stream_sender: ["r"], batch.batched_stream_receiver: ["s"]}
ALL = [pytest.param(letter, loop, id=loop.__name__) for letter in LOOPS for loop in LOOPS[letter]]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("count", "size"), COUNTS)
@pytest.mark.parametrize(("letter", "loop"), ALL)
def test_the_last_batch_is_what_is_left(
    letter: str, loop: Any, count: int, size: int, runtime: str
) -> None:
    script = Script()
    assert run(loop, runtime, script, count, size) == count
    wanted = [f"{letter}{size}"] * (count // size)
    wanted += [f"{letter}{count % size}"] * (count % size > 0)
    assert script.calls == wanted + END.get(loop, [])


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("loop", LOOPS["S"])
def test_the_rest_of_a_batch_is_sent(loop: Any, runtime: str) -> None:
    """A call that takes a part is followed by one for the rest, and that by the next batch."""
    script = Script([3, 1, 12, 16, 5, 4])
    assert run(loop, runtime, script, 41, 16) == 41
    assert script.calls[:6] == ["S16", "S13", "S12", "S16", "S9", "S4"]
    assert script.calls[6:] == END.get(loop, [])


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("loop", LOOPS["R"])
def test_a_receiver_takes_what_is_there_and_no_more_than_is_due(loop: Any, runtime: str) -> None:
    script = Script([3, 1, 16, 9, 2])
    assert run(loop, runtime, script, 31, 16) == 31
    assert script.calls[:5] == ["R16", "R16", "R16", "R11", "R2"]
    assert script.calls[5:] == END.get(loop, [])


@needs_native
@pytest.mark.parametrize(("letter", "loop"), ALL)
@pytest.mark.parametrize("moved", [0, 5, -errno.EPIPE])
def test_a_wrong_number_ends_a_block(letter: str, loop: Any, moved: int) -> None:
    """An operation that has moved none, or more than it was asked for, would never end it."""
    with pytest.raises((OSError, PeerGone)) as raised:
        run(loop, "native", Script([moved]), 8, 4)
    assert isinstance(raised.value, PeerGone if moved < 0 else OSError)


@needs_native
@pytest.mark.parametrize("size", [0, -1, 1025])
def test_a_batch_has_1_to_1024_messages(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 1024"):
        run(batch.batched_fan_in_sender, "native", Script(), 1, size)


@needs_native
def test_an_end_without_the_call_is_refused() -> None:
    for loop, name in (
        (batch.batched_stream_sender, "send_many"),
        (batch.batched_fan_in_receiver, "recv_many"),
    ):
        script = Script()
        script.capsule = capsule(send=lambda *_: 0, recv=lambda *_: 0)
        with pytest.raises(TypeError, match=f"no native {name}"):
            run(loop, "native", script, 1, 4)


# The pattern.


def a_cell(pattern: str, size: int, payload: str = "hot") -> Cell:
    return Cell(
        transport="pipe", pattern=pattern, size=SIZE, placement="same-core", runtime="native",
        batch=size, payload=payload,
    )  # fmt: skip


def test_a_batch_of_new_messages_is_unknown() -> None:
    """One call sends the same bytes several times: such a cell of a journal is not read."""
    with pytest.raises(Lacking, match="has no stream with payload fresh and batch 16"):
        pattern_of(a_cell("stream", 16, "fresh"))


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_patterns_with_batches_have_loops_of_their_own(name: str) -> None:
    if not PATTERNS[name].open_loop:  # it has no pace closed
        assert pattern_of(a_cell(name, 1)) is PATTERNS[name]
    if name not in BATCHED:
        with pytest.raises(Lacking, match=f"has no {name} with "):
            pattern_of(a_cell(name, 16))
        return
    found = pattern_of(a_cell(name, 16))
    assert not found.single
    assert found.least == 16
    for seat, plain in zip(found.seats(4), PATTERNS[name].seats(4), strict=True):
        assert seat.part.name == f"batched_{plain.part.name}"
        assert seat.part.arguments == (16,)
        assert seat.part.stamped is None
        assert (seat.role, seat.index, seat.share) == (plain.role, plain.index, plain.share)
        assert (seat.part.starts, seat.part.ends) == (plain.part.starts, plain.part.ends)


# The check. Its operations are made in Python, so that they can have faults.


class Post:
    """A native end in memory: it returns given messages, and keeps those sent."""

    def __init__(self, inbox: Iterable[bytes] = (), most: int = 1024) -> None:
        self.inbox = deque(inbox)
        self.sent: list[bytes] = []
        self._most = most
        self.end = NativeEndpoint(
            NullEndpoint(),
            capsule(
                send=self.send, recv=self.recv, send_many=self.send_many, recv_many=self.recv_many
            ),
        )

    def send(self, at: int, size: int) -> int:
        self.sent.append(ctypes.string_at(at, size))
        return 0

    def send_many(self, at: int, size: int, count: int) -> int:
        self.sent += [ctypes.string_at(at, size)] * min(count, self._most)
        return min(count, self._most)

    def recv(self, at: int, size: int) -> int:
        if not self.inbox:
            return -errno.EPIPE
        found = self.inbox.popleft()
        ctypes.memmove(at, found, min(size, len(found)))
        return len(found)

    def recv_many(self, at: int, size: int, count: int) -> int:
        taken = 0
        while taken < min(count, self._most) and self.inbox and len(self.inbox[0]) == size:
            self.recv(at, size)
            taken += 1
        if taken:
            return taken
        return -errno.EBADMSG if self.inbox else -errno.EPIPE


def part_of(pattern: str, number: int, size: int) -> Part:
    return batched(PATTERNS[pattern], size).seats(2)[number].part


def check(pattern: str, number: int, post: Post, *, index: int = 0, share: int = 1) -> None:
    part = part_of(pattern, number, 16)
    part.check(post.end, Seat(0, PATTERNS[pattern].seats(2)[number].role, index, part, share), SIZE)


def sent(index: int = 0, size: int = SIZE) -> list[bytes]:
    """Return the messages that a sender sends for the check."""
    return [message(index, 0, number, size) for number in numbers_sent(16, size)]


def test_a_row_is_no_multiple_of_a_batch() -> None:
    assert rows(16, SIZE) == [17, 15]
    assert rows(64, 1 << 20) == [16, 16]
    assert rows(2, 1 << 30) == [2, 1]
    assert numbers_sent(2, SIZE) == [MESSAGES] * 3 + [MESSAGES + 1] + list(range(MESSAGES))


@needs_native
@pytest.mark.parametrize("most", [1, 5, 16, 1024])
def test_both_ends_of_a_stream_agree(most: int) -> None:
    back = [message(0, 1, number, SIZE) for number in range(MESSAGES)]
    near, far = Post(back, most), Post(sent(), most)
    check("stream", 0, near)
    assert near.sent == sent()
    check("stream", 1, far)
    assert far.sent == back
    assert not far.inbox


def mixed(senders: int) -> list[bytes]:
    turns = zip(*(sent(index) for index in range(senders)), strict=True)
    return list(chain.from_iterable(turns))


@needs_native
@pytest.mark.parametrize("most", [1, 5, 16, 1024])
def test_the_senders_of_a_fan_in_and_their_receiver_agree(most: int) -> None:
    for index in range(3):
        post = Post(most=most)
        check("fan-in", 1, post, index=index)
        assert post.sent == sent(index)
    post = Post(mixed(3), most)
    check("fan-in", 0, post, share=3)
    assert not post.inbox


@needs_native
def test_small_messages_of_a_fan_in_are_compared_by_their_bytes() -> None:
    part = part_of("fan-in", 0, 16)
    seat = Seat(0, PATTERNS["fan-in"].seats(2)[0].role, 0, part, 2)
    small = [one for pair in zip(sent(0, 1), sent(1, 1), strict=True) for one in pair]
    part.check(Post(small).end, seat, 1)
    with pytest.raises(Corrupt, match="changed"):
        part.check(Post([b"\xfe"] * len(small)).end, seat, 1)


Fault = Callable[[list[bytes]], list[bytes]]

FAULTS: dict[str, Fault] = {
    "one too few": lambda found: found[1:],
    "one of the second row too few": lambda found: found[:20] + found[21:],
    "one too many": lambda found: found[:1] + found,
    "the last one of a row changed": lambda found: [*found[:16], bytes(SIZE), *found[17:]],
    "the rows in another order": lambda found: [*found[17:32], *found[:17], *found[32:]],
    "one cut": lambda found: [found[0][:-1], *found[1:]],
    "one longer": lambda found: [*found[:20], found[20] + b"+", *found[21:]],
}


@needs_native
@pytest.mark.parametrize("pattern", ["stream", "fan-in"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(pattern: str, fault: str) -> None:
    """A message too few is the end of file of this inbox, and a wait in a channel."""
    number = PATTERNS[pattern].seats(2)[0].role.value == "client"
    with pytest.raises((Corrupt, PeerGone)):
        check(pattern, int(number), Post(FAULTS[fault](sent())))


@needs_native
@pytest.mark.parametrize("moved", [0, 17])
def test_a_wrong_number_of_a_call_is_found(moved: int) -> None:
    post = Post(sent())
    post.end = NativeEndpoint(NullEndpoint(), capsule(recv_many=lambda *_: moved))
    with pytest.raises(Corrupt, match=f"took {moved}"):
        check("fan-in", 0, post)
