"""Tests of admission: unauthenticated peers delay no other, and reach no endpoint."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from ipcbench.transports.contract import (
    Channel,
    Endpoint,
    Role,
    Spec,
    Ticket,
    TimedOut,
    Topology,
)
from ipcbench.transports.registry import get
from ipcbench.transports.testing.actors import Actor

SIZE = 8


def soon() -> float:
    return time.monotonic() + 5


def attach(name: str, ticket: Ticket, deadline: float) -> Any:
    return get(name).attach(ticket, deadline)  # type: ignore[union-attr]


@pytest.fixture(params=["tcp", "tcp6"])
def tcp(request: pytest.FixtureRequest) -> Iterator[tuple[str, Channel]]:
    channel = get(request.param).create(Spec(SIZE))
    yield request.param, channel
    channel.close()
    channel.unlink()


def test_unauthenticated_peers_at_the_port(tcp: tuple[str, Channel]) -> None:
    """One is silent, one sends too little, one guesses; then one with the secret connects."""
    name, channel = tcp
    ticket = channel.ticket(Role.CLIENT, 0)
    address = tuple(ticket.data["address"])
    peers = [socket.create_connection(address) for _ in range(3)]
    peers[1].send(bytes(10))
    peers[2].send(bytes(200))
    client: Endpoint = attach(name, ticket, soon())
    with closing(client), closing(attach(name, channel.ticket(Role.SERVER, 0), soon())) as server:
        for peer in peers:
            with peer:
                peer.settimeout(5)
                with suppress(ConnectionResetError):
                    assert peer.recv(1) == b""
        client.send(client.prepare(memoryview(b"from us!")))
        buffer = memoryview(bytearray(SIZE))
        assert server.recv_into(buffer) == SIZE
        assert bytes(buffer) == b"from us!"


def test_unauthenticated_peers_alone_take_no_seat(tcp: tuple[str, Channel]) -> None:
    name, channel = tcp
    address = tuple(channel.ticket(Role.CLIENT, 0).data["address"])
    with socket.create_connection(address) as peer:
        peer.send(bytes(36))  # as long as a secret and an index
        with pytest.raises(TimedOut):
            attach(name, channel.ticket(Role.SERVER, 0), time.monotonic() + 0.1)


def serve_with_few_descriptors(ticket: Ticket, name: str) -> bool:
    taken = len(list(Path("/proc/self/fd").iterdir()))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 8, hard))
    attach(name, ticket, soon()).close()
    return True


def test_many_silent_unauthenticated_peers(tcp: tuple[str, Channel]) -> None:
    """They may use up the acceptor's descriptors: the authenticated peer is still admitted."""
    name, channel = tcp
    ticket = channel.ticket(Role.CLIENT, 0)
    serving = channel.ticket(Role.SERVER, 0)
    crowd = [socket.create_connection(tuple(ticket.data["address"])) for _ in range(100)]
    with closing(attach(name, ticket, soon())), Actor(lambda: serving) as server:
        serving.close()
        assert server.do(serve_with_few_descriptors, name)
    for peer in crowd:
        peer.close()


def test_an_index_is_taken_once() -> None:
    """A peer that sends a taken index, or one that does not exist, is refused."""
    channel = get("unix-stream").create(Spec(SIZE, Topology.FAN_IN, 3))
    try:
        with socket.socket(socket.AF_UNIX) as wrong:
            wrong.connect(channel.ticket(Role.SENDER, 0).data["path"])
            wrong.send(b"\xff\xff\xff\x7f")
            ends = [attach("unix-stream", channel.ticket(Role.SENDER, 0), soon())]
            with pytest.raises(TimedOut):
                attach("unix-stream", channel.ticket(Role.RECEIVER, 0), time.monotonic() + 0.1)
            ends += [
                attach("unix-stream", channel.ticket(Role.SENDER, i), soon()) for i in (0, 0, 1)
            ]
            ends.append(attach("unix-stream", channel.ticket(Role.RECEIVER, 0), soon()))
            for end in ends:
                end.close()
    finally:
        channel.close()
        channel.unlink()


def test_a_later_connection_waits_for_the_next_acceptor() -> None:
    """Two clients of a link connect to one listener, one after the other: neither is lost."""
    channel = get("unix-stream").create(Spec(SIZE))
    try:
        clients = [attach("unix-stream", channel.ticket(Role.CLIENT, 0), soon()) for _ in range(2)]
        servers = [attach("unix-stream", channel.ticket(Role.SERVER, 0), soon()) for _ in range(2)]
        buffer = memoryview(bytearray(SIZE))
        for client, server in zip(clients, servers, strict=True):
            server.send(server.prepare(memoryview(b"welcome!")))
            assert client.recv_into(buffer) == SIZE
        for end in (*clients, *servers):
            end.close()
    finally:
        channel.close()
        channel.unlink()


def test_another_program_s_datagram_is_dropped() -> None:
    channel = get("unix-dgram").create(Spec(SIZE, Topology.HUB))
    tickets = [channel.ticket(Role.CLIENT, 0), channel.ticket(Role.SERVER, 0)]
    try:
        client, server = (attach("unix-dgram", ticket, soon()) for ticket in tickets)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"foreign", tickets[0].data["path"])
        client.send(client.prepare(memoryview(b"from us!")))
        buffer = memoryview(bytearray(SIZE))
        assert server.recv_from(buffer) == 0
        assert bytes(buffer) == b"from us!"
        client.close()
        server.close()
    finally:
        channel.close()
        channel.unlink()
