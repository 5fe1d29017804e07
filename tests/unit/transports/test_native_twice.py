"""Tests of Endpoint.native called twice: the operations continue where the first ones were."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest

from ipcbench.transports.contract import Role, Spec, Topology, WouldBlock
from ipcbench.transports.native import built, native_of
from ipcbench.transports.testing.leaks import mappings
from tests.available import available

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

CARRIERS = (
    "pipe", "unix-stream", "unix-dgram", "sysv-queue", "posix-queue", "shm:posix+posix-sem",
    "shm:sysv+sysv-sem", "shm:memfd+eventfd", "shm:posix+futex", "shm:posix+spin",
    "shm:posix+posix-sem/in-place", "shm:posix+futex/in-place",
)  # fmt: skip
SIGNALS = ("posix-sem", "sysv-sem", "eventfd", "futex")
SIZE = 64


def ends(name: str, topology: Topology) -> tuple[Any, list[Any]]:
    transport = available(name)
    size, depth = (0, None) if topology is Topology.SIGNAL else (SIZE, 4)
    spec = Spec(size, topology, native=True, nowait=True, depth=depth)
    channel = transport.create(spec)
    seats = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
    return channel, [transport.attach(seat, time.monotonic() + 5) for seat in seats]


@pytest.mark.parametrize("side", [0, 1], ids=["client", "server"])
@pytest.mark.parametrize("name", CARRIERS)
def test_messages_go_on(name: str, side: int) -> None:
    channel, made = ends(name, Topology.LINK)
    buffer = memoryview(bytearray(SIZE))
    called = list(map(native_of, made))
    for number in range(11):
        sender, receiver = called
        sender.send(memoryview(bytes([number]) * SIZE))
        if hasattr(receiver, "peek"):
            assert bytes(receiver.peek()) == bytes([number]) * SIZE
            receiver.release()
        else:
            assert receiver.recv_into(buffer) == SIZE
            assert buffer == bytes([number]) * SIZE
        called[side] = native_of(made[side])
    for end in made:
        end.close()
    channel.close()
    channel.unlink()


@pytest.mark.parametrize("side", [0, 1], ids=["client", "server"])
@pytest.mark.parametrize("name", SIGNALS)
def test_turns_go_on(name: str, side: int) -> None:
    channel, made = ends(name, Topology.SIGNAL)
    called = list(map(native_of, made))
    for _ in range(3):
        one, other = called
        one.notify()
        other.wait()
        other.notify()
        one.wait()
        called[side] = native_of(made[side])
        with pytest.raises(WouldBlock):  # one notification is taken once
            called[side].wait()
    for end in made:
        end.close()
    channel.close()
    channel.unlink()


MAPPED = (
    "shm:posix+posix-sem", "shm:sysv+sysv-sem", "shm:memfd+eventfd", "shm:mp+posix-sem",
    "shm:posix+futex", "shm:posix+spin", "shm:file+spin-block", "shm:posix+futex/in-place",
    "shm:posix+posix-sem/in-place",
)  # fmt: skip
TAKEN = ("nothing", "capsule", "end", "calls")


def taken(what: str, end: Any) -> object:
    """Take native operations from an end, in one of the ways in which they are used."""
    if what == "nothing":
        return None
    if what == "capsule":
        return end.native(), end.native()
    made = native_of(end)
    if what == "end":
        return made
    return (made.notify, made.wait) if hasattr(made, "notify") else (made.send, made.recv_into)


@pytest.mark.parametrize("what", TAKEN)
@pytest.mark.parametrize("name", [*MAPPED, "futex", "posix-sem"])
def test_a_dropped_end_maps_nothing(name: str, what: str) -> None:
    """The last reference may be to the end or to its operations; nothing was closed."""
    before = mappings()
    signals = name in SIGNALS
    channel, made = ends(name, Topology.SIGNAL if signals else Topology.LINK)
    channel.close()
    channel.unlink()
    gone = [weakref.ref(end) for end in made]
    held = [taken(what, end) for end in made]
    made.clear()
    if what != "nothing":
        assert None not in [each() for each in gone]  # by the operations
        assert mappings() - before
    held.clear()
    gc.collect()
    assert [each() for each in gone] == [None, None]
    assert mappings() - before == set()


def test_a_view_keeps_its_slot_mapped() -> None:
    before = mappings()
    channel, made = ends("shm:posix+futex/in-place", Topology.LINK)
    channel.close()
    channel.unlink()
    (near, far), views = map(native_of, made), []
    near.send(memoryview(b"x" * SIZE))
    views.append(far.peek())
    del near, far
    made.clear()
    gc.collect()
    assert views[0] == b"x" * SIZE
    views.clear()
    gc.collect()
    assert mappings() - before == set()


@pytest.mark.parametrize("name", ["shm:posix+posix-sem", "shm:posix+futex"])
def test_a_closed_end_is_released(name: str) -> None:
    channel, made = ends(name, Topology.LINK)
    gone = [weakref.ref(end) for end in made]
    for end in made:
        assert end.native() is not None
        end.close()
    del end
    made.clear()
    gc.collect()
    assert [each() for each in gone] == [None, None]
    channel.close()
    channel.unlink()
