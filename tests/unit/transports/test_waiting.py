"""Tests of the ways of waiting that a spec may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from ipcbench.transports.base import (
    send_if_room,
    serve,
    waiting,
    waiting_call,
    waiting_receive,
)
from ipcbench.transports.base.multiplexing import Gathered
from ipcbench.transports.contract import Spec, Wait, WouldBlock


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    found = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    yield found
    for fd in found:
        os.close(fd)


def test_a_receive_that_blocks_is_left_as_it_is() -> None:
    assert waiting_receive(len, 0, Spec(8)) is len
    assert waiting_receive(len, 0, Spec(8, nowait=True)) is len


@pytest.mark.parametrize(("nowait", "timeout"), [(False, None), (True, 0)])
def test_a_facility_s_own_poll_is_called_first(nowait: bool, timeout: float | None) -> None:
    calls: list[Any] = []

    def receive(buffer: memoryview) -> int:
        calls.append(len(buffer))
        return 3

    asked = Spec(8, wait=Wait.POLL, nowait=nowait)
    recv_into = waiting_receive(receive, calls.append, asked)
    assert recv_into(memoryview(bytearray(8))) == 3
    assert calls == [timeout, 8]


def test_a_descriptor_is_polled(ends: tuple[int, int]) -> None:
    recv_into = waiting_receive(
        lambda buffer: os.readv(ends[0], [buffer]), ends[0], Spec(8, wait=Wait.POLL)
    )
    os.write(ends[1], bytes(8))
    assert recv_into(memoryview(bytearray(8))) == 8


def test_a_descriptor_is_polled_without_an_argument(
    ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an argument would be in every measurement of poll(2)."""
    calls: list[tuple[Any, ...]] = []

    class Poller:
        register = staticmethod(lambda *_: None)
        poll = staticmethod(lambda *arguments: calls.append(arguments))

    monkeypatch.setattr(waiting.select, "poll", Poller)
    recv_into = waiting_receive(len, ends[0], Spec(8, wait=Wait.POLL))
    recv_into(memoryview(bytes(8)))
    assert calls == [()]


def test_the_call_of_a_waiter() -> None:
    class Waiter:
        wait, try_wait, poll_wait = "wait", "try", "poll"

    assert waiting_call(Waiter, Spec(8)) == "wait"
    assert waiting_call(Waiter, Spec(8, wait=Wait.POLL)) == "poll"
    assert waiting_call(Waiter, Spec(8, wait=Wait.POLL, nowait=True)) == "try"


def test_a_send_without_room_would_block(ends: tuple[int, int]) -> None:
    send = send_if_room(ends[1], lambda data: None)
    send(b"x")
    with pytest.raises(BlockingIOError):
        while True:
            os.write(ends[1], bytes(4096))
    with pytest.raises(WouldBlock):
        send(b"x")


def test_a_hub_s_server_names_the_client() -> None:
    class End:
        send: Any
        recv_into: Any
        recv_from: Any
        send_to: Any

    sent: list[tuple[int, Any]] = []
    senders = [lambda data, to=to: sent.append((to, data)) for to in range(2)]
    end = End()
    serve(end, Gathered(lambda buffer: 8, lambda buffer: 1), senders)
    end.send_to(1, b"x")
    assert sent == [(1, b"x")]
    assert (end.recv_into(memoryview(b"")), end.recv_from(memoryview(b""))) == (8, 1)
    with pytest.raises(TypeError, match="send_to"):
        end.send(b"x")
