"""Batches over descriptors and rings, in every way of waiting, and at the ends of a channel."""

from __future__ import annotations

import errno
import os
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ipcbench.transports.contract import PeerGone, Role, Spec, Topology, Wait
from ipcbench.transports.native import built, native_of, operations, translating
from tests.available import available
from tests.native import batches, breaks
from tests.native.ring_breaks import Break
from tests.sampling import SEED, some

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SIZE = 64
TRANSPORTS = [
    "pipe", "fifo", "unix-stream", "tcp", "socketpair", "unix-dgram", "unix-seqpacket",
    "socketpair:dgram", "socketpair:seqpacket", "shm:posix+futex", "shm:posix+posix-sem",
]  # fmt: skip
BYTES = ["pipe", "fifo", "unix-stream", "tcp", "socketpair"]
LIMIT = 30.0  # seconds


class End:
    """A native end, with its calls for several messages."""

    def __init__(self, endpoint: Any) -> None:
        self.endpoint = endpoint
        self._calls = operations.Calls(endpoint.capsule)

    def send_many(self, data: bytes, count: int) -> int:
        sent: int = translating(self._calls.send_many, "send")(data, count)
        return sent

    def recv_many(self, count: int, size: int = SIZE) -> tuple[int, bytes]:
        buffer = bytearray(size)
        return translating(self._calls.recv_many, "receive")(buffer, count), bytes(buffer)


@contextmanager
def channel(name: str, spec: Spec) -> Iterator[list[End]]:
    """Attach all ends of a channel, the receiver (or server) last; skip a wait that it lacks."""
    transport = available(name)
    if not transport.traits.can_wait(spec.wait):
        pytest.skip(f"it cannot wait by {spec.wait.value}")
    senders = range(spec.parties - 1)
    if spec.topology is Topology.FAN_IN:
        seats = [*((Role.SENDER, index) for index in senders), (Role.RECEIVER, 0)]
    else:
        seats = [(Role.CLIENT, 0), (Role.SERVER, 0)]
    with ExitStack() as undo:
        made = transport.create(spec)
        undo.callback(made.unlink)
        undo.callback(made.close)
        tickets = [made.ticket(*seat) for seat in seats]
        found: list[Any] = [None] * len(seats)

        def attach(place: int) -> None:
            found[place] = transport.attach(tickets[place], time.monotonic() + LIMIT)

        _together([lambda place=place: attach(place) for place in range(len(seats))])
        made.close()  # or no end of file would arrive
        hellos = [end.hello() for end in found]
        for end in found:
            undo.callback(end.close)
        _together([lambda end=end: end.connect(hellos, time.monotonic() + LIMIT) for end in found])
        yield [End(native_of(end)) for end in found]


def _together(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()


def message(number: int, size: int = SIZE) -> bytes:
    return bytes([number & 0xFF]) * size


def send_all(end: End, numbers: range, times: int) -> None:
    for number in numbers:
        left = times
        while left > 0:
            left -= end.send_many(message(number), left)


@pytest.mark.parametrize("wait", list(Wait)[1:], ids=lambda wait: wait.value)
@pytest.mark.parametrize("name", TRANSPORTS)
def test_batches_arrive_in_order(name: str, wait: Wait) -> None:
    with channel(name, Spec(SIZE, Topology.LINK, native=True, wait=wait)) as (near, far):
        sender = threading.Thread(target=send_all, args=(near, range(50), 97), daemon=True)
        sender.start()
        received = 0
        while received < 50 * 97:
            taken, found = far.recv_many(64)
            assert 1 <= taken <= 64
            received += taken
            assert found == message((received - 1) // 97)
        sender.join(LIMIT)
        assert not sender.is_alive()


@pytest.mark.parametrize("wait", list(Wait)[1:], ids=lambda wait: wait.value)
@pytest.mark.parametrize("name", TRANSPORTS)
def test_batches_of_several_senders_arrive(name: str, wait: Wait) -> None:
    spec = Spec(SIZE, Topology.FAN_IN, parties=3, native=True, wait=wait)
    with channel(name, spec) as (one, other, receiver):
        senders = [
            threading.Thread(target=send_all, args=(end, numbers, 97), daemon=True)
            for end, numbers in ((one, range(30)), (other, range(100, 130)))
        ]
        for sender in senders:
            sender.start()
        received, seen = 0, {False: 0, True: 100}
        while received < 2 * 30 * 97:
            taken, found = receiver.recv_many(64)
            received += taken
            assert found == message(found[0])
            assert found[0] >= seen[found[0] >= 100]
            seen[found[0] >= 100] = found[0]
        assert received == 2 * 30 * 97
        for sender in senders:
            sender.join(LIMIT)
            assert not sender.is_alive()


@pytest.mark.parametrize("name", BYTES)
def test_the_rest_of_the_last_message_is_awaited_and_no_further_one(name: str) -> None:
    """Of two messages and a part, a call takes three, once the rest of the third is there."""
    with channel(name, Spec(SIZE, Topology.LINK, native=True)) as (near, far):
        writing = near.endpoint._endpoint._writing[0]
        fd = writing if isinstance(writing, int) else writing.fileno()
        os.write(fd, message(1) + message(2) + message(3)[:5])
        found: list[tuple[int, bytes]] = []
        receiver = threading.Thread(target=lambda: found.append(far.recv_many(9)), daemon=True)
        receiver.start()
        receiver.join(0.05)
        assert receiver.is_alive()
        os.write(fd, message(3)[5:])
        receiver.join(LIMIT)
        assert found == [(3, message(3))]


@pytest.mark.parametrize(
    "name", [name for name in TRANSPORTS if "dgram" not in name and name[:3] != "shm"]
)
def test_the_messages_before_an_end_of_file_are_taken(name: str) -> None:
    with channel(name, Spec(SIZE, Topology.LINK, native=True)) as (near, far):
        sent = 0
        while sent < 3:
            sent += near.send_many(message(7), 3 - sent)
        near.endpoint.close()
        received = 0
        while received < 3:
            taken, found = far.recv_many(16)
            received += taken
            assert found == message(7)
        for _ in range(2):
            with pytest.raises(PeerGone):
                far.recv_many(16)


@pytest.mark.parametrize("name", ["pipe", "fifo"])
def test_a_write_to_a_shared_pipe_is_atomic(name: str) -> None:
    """Writes of over PIPE_BUF bytes of several senders interleave: pipe(7)."""
    spec = Spec(1000, Topology.FAN_IN, parties=3, native=True)
    with channel(name, spec) as (one, _, receiver):
        assert one.send_many(message(1, 1000), 64) == select.PIPE_BUF // 1000
        assert receiver.recv_many(64, 1000) == (select.PIPE_BUF // 1000, message(1, 1000))
    with channel(name, Spec(1000, Topology.LINK, native=True)) as (near, far):
        assert near.send_many(message(1, 1000), 20) == 20
        assert far.recv_many(64, 1000) == (20, message(1, 1000))


@pytest.mark.parametrize("name", BYTES)
@pytest.mark.parametrize("size", [(1 << 20) - 1, (1 << 20) + 1])
def test_a_message_that_fills_a_batch_is_sent_by_itself(name: str, size: int) -> None:
    with channel(name, Spec(size, Topology.LINK, native=True)) as (near, far):
        sent: list[int] = []
        sender = threading.Thread(
            target=lambda: sent.append(near.send_many(message(5, size), 4)), daemon=True
        )
        sender.start()
        assert far.recv_many(4, size) == (1, message(5, size))
        sender.join(LIMIT)
        assert sent == [1]


@pytest.mark.parametrize("name", ["unix-dgram", "unix-seqpacket"])
def test_a_message_that_is_too_large_is_not_sent(name: str) -> None:
    with channel(name, Spec(SIZE, Topology.LINK, native=True)) as (near, _):
        with pytest.raises(OSError) as raised:
            operations.Calls(near.endpoint.capsule).send_many(bytes(SIZE + 1), 2)
        assert raised.value.errno == errno.EMSGSIZE


def test_datagrams_of_no_bytes_are_counted() -> None:
    with channel("unix-dgram", Spec(0, Topology.LINK, native=True)) as (near, far):
        assert near.send_many(b"", 3) == 3
        assert far.recv_many(16, 0) == (3, b"")


# Breaks.


@pytest.mark.parametrize("name", batches.CHECKS)
def test_a_check(name: str) -> None:
    batches.CHECKS[name]()


@pytest.mark.parametrize(
    "one", some(batches.BREAKS, 1, random.Random(SEED)), ids=lambda one: one.name
)
def test_a_broken_batch_is_found(one: Break) -> None:
    reason = breaks.lacking(one)
    if reason:
        pytest.skip(reason)
    said = breaks.run_broken(one, "tests.native.batches", one.shape, SEED)
    assert said.startswith("found"), said


@pytest.mark.parametrize("one", batches.BREAKS, ids=lambda one: one.name)
def test_the_text_of_a_break_is_in_the_source(one: Break) -> None:
    assert breaks.applied(one) != (breaks.ROOT / one.file).read_text()
