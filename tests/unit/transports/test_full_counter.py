"""Tests of doorbells whose counter cannot take a token, of either runtime."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ipcbench.transports.base.bindings import posix_ipc, sysv_ipc
from ipcbench.transports.contract import PeerGone, Role, Spec
from ipcbench.transports.native import built, native_of
from ipcbench.transports.shm.layout import RingLayout
from tests.available import available

SIZE, DEPTH = 64, 4
MESSAGE = bytes(range(SIZE))

Ends = tuple[Any, Any, Any]


@pytest.fixture(params=["posix-sem", "sysv-sem"])
def transport(request: pytest.FixtureRequest) -> Any:
    return available(f"shm:memfd+{request.param}")


@pytest.fixture
def full(transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill each counter: the sleepers have stale tokens, as many as it holds."""
    binding = posix_ipc if transport.waiter.name == "posix-sem" else sysv_ipc
    initial = [binding.SEMAPHORE_VALUE_MAX] * 2
    monkeypatch.setattr(RingLayout, "counters", property(lambda layout: initial))


@pytest.fixture(params=["python", "native"])
def ends(request: pytest.FixtureRequest, transport: Any) -> Iterator[Ends]:
    """Provide both ends of a link, of one runtime, and the channel."""
    native = request.param == "native"
    if native and built() is not None:
        pytest.skip(str(built()))
    channel = transport.create(Spec(SIZE, depth=DEPTH, native=native))
    made = [
        transport.attach(channel.ticket(role, 0), time.monotonic() + 5)
        for role in (Role.CLIENT, Role.SERVER)
    ]
    client, server = map(native_of, made) if native else made
    yield client, server, channel
    for one in (client, server, *made, channel):
        one.close()
    channel.unlink()


def announce(channel: Any) -> None:
    """Announce at each doorbell that its process sleeps."""
    for process in range(2):
        place = channel._layout.doorbell(process)
        channel._segment.memory[place : place + 4] = b"\1\0\0\0"


@pytest.mark.usefixtures("full")
def test_a_full_counter_needs_no_token(ends: Ends) -> None:
    """A process whose counter has tokens does not sleep: the message arrives without one more."""
    client, server, channel = ends
    buffer = memoryview(bytearray(SIZE))
    for _ in range(2 * DEPTH):  # past the middle and the end of a lap, where the server rings
        announce(channel)
        client.send(MESSAGE)
        announce(channel)
        assert server.recv_into(buffer) == SIZE
        assert buffer == MESSAGE


def test_a_counter_that_was_removed(ends: Ends, transport: Any) -> None:
    """It wakes no process: the peer is gone. One that can be removed early is not needed."""
    client, _, channel = ends
    channel.unlink()
    announce(channel)
    if transport.waiter.unlink_early:
        client.send(MESSAGE)
    else:
        with pytest.raises(PeerGone):
            client.send(MESSAGE)
