"""Tests of `Calls`: the addresses of bytes, operations in place, and views of slots."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.native import built, operations
from ipcbench.transports.sync import futex
from ipcbench.transports.testing.in_place import (
    lend,
    lend_wrongly,
    peek,
    read_after_close,
    scan,
    write_after_close,
)
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import Participants, numbered, receive, send
from tests.available import available
from tests.plugins.capsules import HEADROOM, READ_IN_PLACE, capsule

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SIZE = 100
KINDS = ("shm:posix+posix-sem/in-place", "shm:sysv+sysv-sem/in-place", "shm:memfd+spin/in-place")


def address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


class Places:
    """A capsule that records the addresses its operations get."""

    def __init__(self, arrives: bytes = b"", flags: int = 0) -> None:
        self.places: list[int] = []
        self.sent: list[bytes] = []
        self._arrives = arrives
        functions = {
            "send": self.send,
            "send_to": lambda index, at, size: self.send(at, size),
            "recv": self.recv,
            "recv_from": lambda at, size: self.recv(at, size) * 0,
            "send_many": lambda at, size, count: self.send(at, size) or count - 1,
            "recv_many": lambda at, size, count: self.recv(at, size) and count - 1,
        }
        self.capsule = capsule(flags=flags, **functions)

    def send(self, at: int, size: int) -> int:
        self.places.append(at)
        self.sent.append(ctypes.string_at(at, size))
        return 0

    def recv(self, at: int, size: int) -> int:
        self.places.append(at)
        ctypes.memmove(at, self._arrives, len(self._arrives))
        return len(self._arrives)


# The addresses of the bytes.


def test_a_ring_gets_the_callers_own_bytes() -> None:
    """It needs no headroom, so nothing is copied: the trait `copies` counts the ring's copies."""
    script, data = Places(b"arrived"), bytearray(numbered(1, SIZE))
    calls = operations.Calls(script.capsule, True)
    calls.send(data)
    calls.send_to(0, data)
    assert calls.recv(data) == 7
    assert calls.recv_from(data) == 0
    assert set(script.places) == {address(data)}
    assert script.sent == [numbered(1, SIZE)] * 2
    assert data == b"arrived" + numbered(1, SIZE)[7:]


def test_other_operations_get_their_headroom() -> None:
    script, data = Places(b"arrived"), bytearray(numbered(1, SIZE))
    calls = operations.Calls(script.capsule)
    calls.send(data)
    calls.send_to(0, data)
    assert calls.recv(data) == 7
    assert address(data) not in script.places
    assert all(place % HEADROOM == 0 for place in script.places)
    assert script.sent == [numbered(1, SIZE)] * 2
    assert data == b"arrived" + numbered(1, SIZE)[7:]


def test_no_bytes_at_all() -> None:
    for interruptible in (False, True):
        script = Places()
        calls = operations.Calls(script.capsule, interruptible)
        calls.send(b"")
        assert calls.recv(bytearray()) == 0
        assert script.sent == [b""]


def test_bytes_behind_a_message_of_unknown_length() -> None:
    """A hub reports the client, not the length: bytes behind the message must not change."""
    data = bytearray(b"-" * SIZE)
    calls = operations.Calls(Places(b"arrived").capsule)
    for before in (b"-", b"+"):
        data[:] = before * SIZE
        assert calls.recv_from(data) == 0
        assert data == b"arrived" + before * (SIZE - 7)


def test_several_messages_by_one_call() -> None:
    """It returns how many; the last one received is in the buffer."""
    data = numbered(1, SIZE)
    script, buffer = Places(data), bytearray(SIZE + 1)
    calls = operations.Calls(script.capsule)
    assert calls.send_many(data, 7) == 6
    assert script.sent == [data]
    assert calls.recv_many(buffer, 3) == 2
    assert buffer == data + bytes(1)
    assert all(place % HEADROOM == 0 for place in script.places)


@pytest.mark.parametrize("count", [0, -1])
def test_no_message_by_one_call_is_refused(count: int) -> None:
    script = Places()
    calls = operations.Calls(script.capsule)
    for call in (calls.send_many, calls.recv_many):
        with pytest.raises(ValueError, match=f"1 message at least, not {count}"):
            call(bytearray(SIZE), count)
    assert not script.places


@pytest.mark.parametrize("interruptible", [False, True])
def test_the_flag_of_operations_in_place(interruptible: bool) -> None:
    """Then nothing is copied into the buffer, not even the bytes of an earlier call."""

    def looks(at: int, size: int) -> int:
        return SIZE

    data = bytearray(b"-" * SIZE)
    functions: dict[str, Any] = {"recv": looks, "send": lambda at, size: 0}
    calls = operations.Calls(capsule(flags=READ_IN_PLACE, **functions), interruptible)
    assert calls.in_place is True
    calls.send(b"s" * SIZE)
    assert calls.recv(data) == SIZE
    assert data == b"-" * SIZE
    assert operations.Calls(capsule(**functions), interruptible).in_place is False


# In place, over real rings, each end in a process of its own: an access to memory that is not
# mapped would end it.


@pytest.fixture(params=["python", "native", "atomic"])
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`atomic`: Python, as it goes where loads and stores pass each other."""
    if request.param == "atomic":
        monkeypatch.setattr(futex, "ORDERED", False)
    before = snapshot()
    yield request.param
    assert not left_since(before)


def crew(name: str, runtime: str, **more: Any) -> Participants:
    return Participants(
        available(name), Spec(SIZE, Topology.LINK, native=runtime == "native", **more)
    )


@pytest.mark.parametrize("name", KINDS)
def test_a_slot_outlives_its_endpoint(name: str, runtime: str) -> None:
    one, other = numbered(1, SIZE), numbered(2, SIZE)
    with crew(name, runtime) as both:
        both.senders[0].do(send, one)
        assert both.receiver.do(read_after_close) == one
        assert both.senders[0].do(write_after_close, other) == other


@pytest.mark.parametrize("name", KINDS)
def test_lent_bytes_arrive(name: str, runtime: str) -> None:
    some = [numbered(turn, turn % (SIZE + 1)) for turn in range(0, 999, 7)]
    with crew(name, runtime, depth=3) as both:
        client, server = both.actors
        for there, back in ((client, server), (server, client)):
            there.begin(lend, *some)
            assert back.do(receive, len(some)) == some
            there.answer()
        client.do(lend, *some[:1])
        client.do(send, *some[1:2])
        assert [server.do(peek), server.do(scan)] == [some[0], (len(some[1]), True)]


@pytest.mark.parametrize("name", KINDS)
def test_only_lent_bytes_are_committed(name: str, runtime: str) -> None:
    with crew(name, runtime, depth=1) as both:
        both.senders[0].do(lend_wrongly)
        assert both.receiver.do(receive) == [b"once"]
