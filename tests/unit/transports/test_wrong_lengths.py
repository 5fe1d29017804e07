"""Byte streams: lengths that `prepare` has not seen, and buffers of ends that spin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ipcbench.transports.contract import MessageTooLarge, Role, Spec, Wait
from ipcbench.transports.registry import transport

SIZE = 64
STREAMS = ("pipe", "unix-stream", "socketpair")


@contextmanager
def link(name: str, wait: Wait, *, own_framing: bool = False) -> Iterator[tuple[Any, Any]]:
    """Attach both ends of a link in this process: the client and the server."""
    chosen, deadline = transport(name), time.monotonic() + 10
    with ExitStack() as stack:
        channel = stack.enter_context(chosen.create(Spec(SIZE, wait=wait, own_framing=own_framing)))
        tickets = [stack.enter_context(channel.ticket(Role.CLIENT, 0))]
        tickets.append(stack.enter_context(channel.ticket(Role.SERVER, 0)))
        client, server = (
            stack.enter_context(chosen.attach(ticket, deadline)) for ticket in tickets
        )
        yield client, server


@pytest.mark.parametrize("wait", [Wait.BLOCK, Wait.SPIN])
@pytest.mark.parametrize("name", STREAMS)
class TestStreams:
    @pytest.mark.parametrize("length", [1, SIZE - 1, SIZE + 1, 3 * SIZE])
    def test_sent_without_prepare(self, name: str, wait: Wait, length: int) -> None:
        """The bytes have gone, but the sender learns it, instead of the receiver's waiting."""
        with link(name, wait) as (client, _), pytest.raises(ValueError, match=f"{length} bytes"):
            client.send(memoryview(bytes(length)))

    def test_small_buffer(self, name: str, wait: Wait) -> None:
        with link(name, wait) as (client, server):
            for number in (1, 2):
                client.send(client.prepare(memoryview(bytes([number]) * SIZE)))
            with pytest.raises(MessageTooLarge, match=f"{SIZE} bytes for 3"):
                server.recv_into(memoryview(bytearray(3)))
            buffer = memoryview(bytearray(SIZE))
            assert server.recv_into(buffer) == SIZE
            assert buffer == bytes([2]) * SIZE

    def test_large_buffer(self, name: str, wait: Wait) -> None:
        with link(name, wait) as (client, server):
            for _ in range(2):
                client.send(client.prepare(memoryview(bytes(SIZE))))
            with pytest.raises(ValueError, match="a buffer of 200"):
                server.recv_into(memoryview(bytearray(200)))

    def test_own_framing(self, name: str, wait: Wait) -> None:
        """Parts of any length are sent and received as the program likes."""
        with link(name, wait, own_framing=True) as (client, server):
            for part in (b"a", b"bcd", b"efgh"):
                client.send(client.prepare(memoryview(part)))
            with pytest.raises(MessageTooLarge):
                client.prepare(memoryview(bytes(SIZE + 1)))
            buffer = memoryview(bytearray(5))
            assert server.recv_into(buffer) == 5
            assert buffer == b"abcde"
            assert server.recv_into(buffer[:0]) == 0
            assert server.recv_into(buffer[:3]) == 3
            assert buffer[:3] == b"fgh"
