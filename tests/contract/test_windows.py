"""Echoes with as many messages under way as both rings hold: no process waits for ever.

A sender of a ring is not woken for each slot that is freed. So a process that waits for a free slot
must first wake the sender whose messages it has received: it may be the one that it waits for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.native import built
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import (
    Participants,
    Seat,
    go_native,
    numbered,
    receive,
    send,
)
from tests.available import available
from tests.sampling import some

SIZE, CLIENTS = 64, 2
RINGS = (
    "shm:memfd+futex",
    "shm:memfd+spin-block",
    "shm:memfd+eventfd",
    "shm:posix+posix-sem",
    "shm:sysv+sysv-sem",
    "shm:memfd+futex/in-place",
    "shm:memfd+eventfd-counted",
)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = snapshot()
    yield
    assert not left_since(before)


def echo(seat: Seat, messages: int) -> None:
    for _ in range(messages):
        send(seat, *receive(seat))


def serve(seat: Seat, messages: int) -> None:
    buffer = memoryview(bytearray(seat.size))
    for _ in range(messages):
        seat.calls.send_to(seat.calls.recv_from(buffer), buffer)


def ask(seat: Seat, window: int, more: int) -> list[bytes]:
    """Send a window of messages, then one for each that returns; return all that returned."""
    for number in range(window):
        send(seat, numbered(number, SIZE))
    found = []
    for number in range(window, window + more):
        found += receive(seat)
        send(seat, numbered(number, SIZE))
    return found + receive(seat, window)


def crew(name: str, topology: Topology, depth: int, native: tuple[bool, ...]) -> Participants:
    spec = Spec(SIZE, topology, len(native), depth=depth, native=any(native))
    made = Participants(available(name), spec, driven=False)
    for actor, wanted in zip(made.actors, native, strict=True):
        if wanted:
            actor.do(go_native)
    return made


@pytest.fixture(params=["python", "native", "mixed"])
def mixture(request: pytest.FixtureRequest) -> tuple[bool, bool]:
    """Return which of the two sides are native."""
    missing = built()
    if request.param != "python" and missing is not None:
        pytest.skip(str(missing))
    return request.param == "native", request.param != "python"


@pytest.mark.parametrize("depth", some([1, 2, 4, 5, 64], 3))
@pytest.mark.parametrize("name", some(RINGS, 4))
def test_a_link(name: str, depth: int, mixture: tuple[bool, bool]) -> None:
    window, more = 2 * depth + 1, 3 * depth
    with crew(name, Topology.LINK, depth, mixture) as both:
        asks, answers = both.actors
        answers.begin(echo, window + more)
        expected = [numbered(number, SIZE) for number in range(window + more)]
        assert asks.do(ask, window, more) == expected
        answers.answer()


@pytest.mark.parametrize("depth", some([1, 4, 5], 2))
@pytest.mark.parametrize("name", some([name for name in RINGS if "in-place" not in name], 3))
def test_a_hub(name: str, depth: int, mixture: tuple[bool, bool]) -> None:
    window, more = 2 * depth, 3 * depth  # the message that the server holds may be another client's
    clients, server = mixture
    with crew(name, Topology.HUB, depth, (*[clients] * CLIENTS, server)) as all_three:
        *asking, serving = all_three.actors
        serving.begin(serve, CLIENTS * (window + more))
        for client in asking:
            client.begin(ask, window, more)
        expected = [numbered(number, SIZE) for number in range(window + more)]
        for client in asking:
            assert client.answer() == expected
        serving.answer()
