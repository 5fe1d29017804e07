"""Channels with a Python and a native endpoint: a ring has one layout and one protocol for both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.native import built
from ipcbench.transports.sync import futex
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import (
    Participants,
    go_native,
    numbered,
    receive,
    send,
)
from tests.available import available

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SIZE, DEPTH = 100, 4
RINGS = (
    "shm:posix+posix-sem",
    "shm:sysv+sysv-sem",
    "shm:memfd+eventfd",
    "shm:posix+futex",
    "shm:memfd+spin",
    "shm:posix+spin-block",
    "shm:sysv+posix-sem/huge",
    "shm:posix+sysv-sem-counted",
    "shm:memfd+eventfd-counted",
)
SEVERAL = (
    "shm:posix+posix-sem",
    "shm:posix+futex",
    "shm:memfd+eventfd",
    "shm:memfd+eventfd-counted",
)
OTHERS = (
    "pipe", "unix-seqpacket", "unix-dgram", "socketpair:dgram", "sysv-queue", "posix-queue",
    "memfd-passed", "memfd-pool", "process-vm", "vmsplice",
)  # fmt: skip
IN_PLACE = (
    "shm:posix+posix-sem/in-place", "shm:posix+futex/in-place", "memfd-passed/in-place",
    "memfd-pool/in-place",
)  # fmt: skip
LENGTHS = (SIZE, 1, 0, SIZE - 1, 64) * 5  # several times round the ring


@pytest.fixture(autouse=True)
def nothing_left(huge_pages: None) -> Iterator[None]:
    before = snapshot()
    yield
    assert not left_since(before)


def mixed(parties: int) -> list[tuple[bool, ...]]:
    """List all mixtures of Python (False) and native (True) participants."""
    return [mix for mix in product((False, True), repeat=parties) if len(set(mix)) > 1]


def crew(
    name: str, topology: Topology, native: tuple[bool, ...], depth: int | None
) -> Participants:
    spec = Spec(SIZE, topology, len(native), depth=depth, native=True)
    made = Participants(available(name), spec, driven=False)
    for actor, wanted in zip(made.actors, native, strict=True):
        if wanted:
            actor.do(go_native)
    return made


def runtimes(native: tuple[bool, ...]) -> str:
    return " ".join("native" if each else "python" for each in native)


@pytest.mark.parametrize("native", mixed(2), ids=runtimes)
@pytest.mark.parametrize("name", RINGS)
def test_a_ring_between_two_runtimes(name: str, native: tuple[bool, ...]) -> None:
    some = [numbered(place, length) for place, length in enumerate(LENGTHS)]
    with crew(name, Topology.LINK, native, DEPTH) as both:
        assert both.carry(*some) == some
        assert both.carry(*some, back=True) == some


@pytest.mark.parametrize("native", mixed(2), ids=runtimes)
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str, native: tuple[bool, ...]) -> None:
    some = [numbered(place, length) for place, length in enumerate(LENGTHS)]
    with crew(name, Topology.LINK, native, DEPTH) as both:
        assert both.carry(*some) == some


@pytest.mark.parametrize("native", mixed(2), ids=runtimes)
@pytest.mark.parametrize("name", OTHERS)
def test_a_handle_between_two_runtimes(name: str, native: tuple[bool, ...]) -> None:
    some = [numbered(place, SIZE) for place in range(50)]
    with crew(name, Topology.LINK, native, None) as both:
        assert both.carry(*some) == some
        assert both.carry(*some, back=True) == some


@pytest.mark.parametrize("native", mixed(3), ids=runtimes)
@pytest.mark.parametrize("name", SEVERAL)
def test_lanes_of_two_runtimes(name: str, native: tuple[bool, ...]) -> None:
    """Each sender has a lane of its own; all ring one doorbell."""
    if not (futex.ORDERED or native[-1]):
        pytest.skip("Python receives from several lanes on x86-64 only")
    each = 10 * DEPTH
    with crew(name, Topology.FAN_IN, native, DEPTH) as all_three:
        for index, sender in enumerate(all_three.senders):
            messages = [bytes([index, number]) + bytes(SIZE - 2) for number in range(each)]
            sender.begin(send, *messages)
        found = all_three.receiver.do(receive, 2 * each)
        for sender in all_three.senders:
            sender.answer()
    numbers: dict[int, list[int]] = defaultdict(list)
    for message in found:
        numbers[message[0]].append(message[1])
    assert numbers == {index: list(range(each)) for index in range(2)}
