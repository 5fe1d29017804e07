"""Tests of a row of messages through compiled loops: their content, and the check of streams."""

from __future__ import annotations

import ctypes
import errno
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import MESSAGES, Corrupt, message, row
from ipcbench.bench.loops.native_loops import twin
from ipcbench.bench.patterns import fan_in, latency, stream
from ipcbench.bench.patterns.part import Part, Seat
from ipcbench.transports.contract import MessageTooLarge, PeerGone, Role, Spec, Topology
from ipcbench.transports.native import NativeEndpoint, built, native_of
from ipcbench.transports.null import NullEndpoint
from tests.available import available
from tests.plugins.capsules import capsule

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SIZE = 64


@pytest.fixture(params=["spin", "futex", "spin-block", "posix-sem"])
def ring(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """Attach both native ends of a ring of four slots."""
    transport = available(f"shm:posix+{request.param}")
    channel = transport.create(Spec(SIZE, Topology.LINK, depth=4, native=True))
    tickets = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
    ends = [native_of(transport.attach(ticket, time.monotonic() + 5)) for ticket in tickets]
    yield ends[0], ends[1]
    for end in ends:
        end.close()
    channel.close()
    channel.unlink()


def a_room(data: bytes) -> memoryview:
    made = aligned_buffer(len(data))
    made[:] = data
    return made


def test_rows_go_round_the_ring(ring: tuple[Any, Any]) -> None:
    """Rows of any length, up to many times the ring's: no message is lost or repeated."""
    near, far = ring
    counts = [1, 2, 3, 4, 5, 9, 100, 7]

    def sends() -> None:
        for number, count in enumerate(counts):
            data = a_room(message(0, 0, number, SIZE))
            twin(fan_in.fan_in_sender)(near, data, data, count, RealClock())

    sender = threading.Thread(target=sends, daemon=True)
    sender.start()
    for number, count in enumerate(counts):
        buffer = aligned_buffer(SIZE)
        twin(fan_in.fan_in_receiver)(far, buffer, buffer, count, RealClock())
        assert bytes(buffer) == message(0, 0, number, SIZE)
    sender.join(20)
    assert not sender.is_alive()


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("length", [SIZE - 1, 0])
def test_another_length_in_a_row_is_an_error(ring: tuple[Any, Any], at: int, length: int) -> None:
    near, far = ring
    for number in range(3):
        near.send(memoryview(bytes(length if number == at else SIZE)))
    buffer = aligned_buffer(SIZE)
    with pytest.raises(OSError, match="a message of another length arrived") as raised:
        twin(fan_in.fan_in_receiver)(far, buffer, buffer, 3, RealClock())
    assert raised.value.errno == errno.EBADMSG


def test_too_long_a_message_in_a_row_is_an_error(ring: tuple[Any, Any]) -> None:
    near, far = ring
    for _ in range(2):
        near.send(memoryview(bytes(SIZE)))
    buffer = aligned_buffer(SIZE - 1)
    with pytest.raises(MessageTooLarge):
        twin(fan_in.fan_in_receiver)(far, buffer, buffer, 2, RealClock())


# The check. Its operations are made in Python, so that they can have faults.


class Post:
    """A native end in memory: it returns given messages, and keeps those sent."""

    def __init__(self, inbox: list[bytes]) -> None:
        self.inbox = deque(inbox)
        self.sent: list[bytes] = []
        self.end = NativeEndpoint(NullEndpoint(), capsule(send=self.send, recv=self.recv))

    def send(self, at: int, size: int) -> int:
        self.sent.append(ctypes.string_at(at, size))
        return 0

    def recv(self, at: int, size: int) -> int:
        if not self.inbox:
            return -errno.EPIPE
        found = self.inbox.popleft()
        ctypes.memmove(at, found, min(size, len(found)))
        return len(found)


def seat(part: Part, index: int = 0, share: int = 1) -> Seat:
    return Seat(0, Role.CLIENT, index, part, share)


def check(end: Any, where: Seat, size: int) -> list[int]:
    return where.part.check(end, where, size)


def sent(size: int, index: int = 0) -> list[bytes]:
    """Return the messages that a stream's sender sends for the check."""
    in_a_row = [message(index, 0, MESSAGES, size)] * row(Post([]).end, size)
    return in_a_row + [message(index, 0, number, size) for number in range(MESSAGES)]


def back(size: int) -> list[bytes]:
    return [message(0, 1, number, size) for number in range(MESSAGES)]


@pytest.mark.parametrize("size", [0, 1, 12, SIZE, 64 * 1024, 1 << 20])
def test_both_ends_of_a_stream_agree(size: int) -> None:
    near, far = Post(back(size)), Post(sent(size))
    check(near.end, seat(stream.SENDER), size)
    check(far.end, seat(stream.RECEIVER), size)
    assert near.sent == sent(size)
    assert far.sent == back(size)
    assert not near.inbox
    assert not far.inbox


def test_no_round_trip_is_sent_in_a_row() -> None:
    near = Post(back(SIZE))
    check(near.end, seat(latency.CLIENT), SIZE)
    assert near.sent == sent(SIZE)[-MESSAGES:]
    assert row(NullEndpoint(), SIZE) == 0


@pytest.mark.parametrize("size", [1, SIZE])
def test_senders_and_their_receiver_agree(size: int) -> None:
    senders = [Post([]) for _ in range(3)]
    for index, sender in enumerate(senders):
        check(sender.end, seat(fan_in.SENDER, index), size)
        assert sender.sent == sent(size, index)
    mixed = [one for turn in zip(*(sender.sent for sender in senders), strict=True) for one in turn]
    check(Post(mixed).end, seat(fan_in.RECEIVER, share=3), size)
    with pytest.raises((Corrupt, PeerGone)):
        check(Post(mixed[1:]).end, seat(fan_in.RECEIVER, share=3), size)


FAULTS = {
    "one too few": lambda found: found[1:],
    "one too many": lambda found: found[:1] + found,
    "the last one changed": lambda found: [
        *found[: -MESSAGES - 1],
        bytes(SIZE),
        *found[-MESSAGES:],
    ],
    "one cut": lambda found: [found[0][:-1], *found[1:]],
    "one longer": lambda found: [found[0] + b"+", *found[1:]],
    "all of them zeros": lambda found: [bytes(SIZE)] * len(found[:-MESSAGES]) + found[-MESSAGES:],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_row_are_found(fault: str) -> None:
    post = Post(FAULTS[fault](sent(SIZE)))
    with pytest.raises(Corrupt):
        check(post.end, seat(stream.RECEIVER), SIZE)
