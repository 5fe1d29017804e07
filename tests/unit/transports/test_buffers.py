"""Tests of sockets with buffers of a fixed size: `unix-stream:1M`, `tcp:1M`, `tcp6:1M`."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ipcbench.transports.base import remedies
from ipcbench.transports.contract import Limits, Role, Spec, Topology, Transport, Unavailable
from ipcbench.transports.registry import UnknownTransport, get, matching
from ipcbench.transports.sockets import buffers
from tests.available import available

SMALL = 65536  # fits into net.core.wmem_max and rmem_max of all kernels: 212,992 or more
FAMILIES = ("unix-stream", "tcp", "tcp6")


def kernel_size(connection: socket.socket, option: int) -> int:
    return connection.getsockopt(socket.SOL_SOCKET, option)


@contextmanager
def connected(transport: Transport, spec: Spec) -> Iterator[list[Any]]:
    """Yield the server's endpoint or the receiver's, and those of the peers before it."""
    channel = transport.create(spec)
    near, far = {
        Topology.LINK: (Role.CLIENT, Role.SERVER),
        Topology.HUB: (Role.CLIENT, Role.SERVER),
        Topology.FAN_IN: (Role.SENDER, Role.RECEIVER),
    }[spec.topology]
    seats = [(near, index) for index in range(spec.parties - 1)] + [(far, 0)]
    ends = []
    try:
        for role, index in seats:
            ends.append(transport.attach(channel.ticket(role, index), time.monotonic() + 5))
        yield ends
    finally:
        for one in ends:
            one.close()
        channel.close()
        channel.unlink()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("topology", [Topology.LINK, Topology.HUB, Topology.FAN_IN])
def test_every_end_has_the_size(family: str, topology: Topology) -> None:
    transport = available(f"{family}:{SMALL}")
    parties = 2 if topology is Topology.LINK else 3
    with connected(transport, Spec(64, topology, parties=parties)) as ends:
        found = [one for end in ends for one in end._connections]
        assert len(found) == 2 * (parties - 1)
        for one in found:
            assert kernel_size(one, socket.SO_SNDBUF) == 2 * SMALL  # the kernel doubles it
            if family != "unix-stream":  # SO_RCVBUF has no effect there: unix(7)
                assert kernel_size(one, socket.SO_RCVBUF) == 2 * SMALL


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_size_the_kernel_chooses(family: str) -> None:
    with connected(available(family), Spec(64)) as ends:
        for end in ends:
            locks = end._connections[0].getsockopt(socket.SOL_SOCKET, 72)  # SO_BUF_LOCK
            assert locks == 0


@pytest.mark.parametrize("family", ["tcp", "tcp6"])
def test_tcp_has_its_buffers_before_it_connects_and_listens(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scale of a window is agreed with the connection: tcp(7)."""
    transport = available(f"{family}:{SMALL}")
    sizes = []

    class Watched(socket.socket):
        def connect(self, address: Any) -> None:
            sizes.append(kernel_size(self, socket.SO_RCVBUF))
            super().connect(address)

        def listen(self, backlog: int = 1) -> None:
            sizes.append(kernel_size(self, socket.SO_RCVBUF))
            super().listen(backlog)

    monkeypatch.setattr(socket, "socket", Watched)
    with connected(transport, Spec(64)):
        pass
    assert sizes == [2 * SMALL] * 2


@pytest.mark.parametrize("size", [64, 4096, 60000])
def test_a_larger_send_buffer_holds_more(size: int) -> None:
    with (
        connected(available("unix-stream:16K"), Spec(size)) as few,
        connected(available(f"unix-stream:{SMALL}"), Spec(size)) as many,
    ):
        assert 2 * few[0].in_flight < many[0].in_flight


def test_a_receive_buffer_bounds_nothing_of_a_unix_socket() -> None:
    """So it is left alone, and net.core.rmem_max does not matter: unix(7)."""
    held = []
    for receive in (1, SMALL):
        one, other = socket.socketpair()
        with one, other:
            for end in (one, other):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            one.setblocking(False)
            held.append(one.send(bytes(10 * SMALL)))
    assert held[0] == held[1]


# Refusals


def cut_to(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let setsockopt(2) cut a buffer to a size, as the kernel does: net/core/sock.c."""

    class Cutting(socket.socket):
        def setsockopt(self, level: int, option: int, value: Any, *rest: Any) -> None:
            buffer = level == socket.SOL_SOCKET and option in (socket.SO_SNDBUF, socket.SO_RCVBUF)
            super().setsockopt(level, option, min(value, most) if buffer else value, *rest)

    monkeypatch.setattr(socket, "socket", Cutting)


@pytest.mark.parametrize(
    ("family", "cut"),
    [
        ("unix-stream", ["net.core.wmem_max"]),
        ("tcp", ["net.core.wmem_max", "net.core.rmem_max"]),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_buffers_that_are_cut(
    family: str, cut: list[str], inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    available(family)
    monkeypatch.setattr(remedies, "in_container", lambda: inside)
    monkeypatch.setattr(remedies, "_writable", lambda name: False)
    cut_to(SMALL, monkeypatch)
    transport = get(f"{family}:1M")
    found = transport.probe()
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("no buffers of 1048576 bytes: the send buffer has 65536 bytes")
    assert re.findall(r"\((.*?)\)", found.reason) == cut
    remedy = f"sysctl -w {' '.join(f'{name}=1048576' for name in cut)}"
    assert found.remedy == (f"on the container's host: {remedy}" if inside else remedy)
    with pytest.raises(Unavailable) as caught:
        transport.create(Spec(64))
    assert str(caught.value) == str(found)
    assert isinstance(get(f"{family}:64K").probe(), Limits)


def test_only_the_setting_that_cuts_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "in_container", lambda: False)
    monkeypatch.setattr(buffers, "BOTH", ())
    with socket.socket() as one:
        sizes = {buffers.SEND: 4 * SMALL, buffers.RECEIVE: SMALL}
        monkeypatch.setattr(buffers, "_size", lambda _, buffer: sizes[buffer])
        with pytest.raises(Unavailable) as caught:
            buffers.fix([one], 2 * SMALL, (buffers.SEND, buffers.RECEIVE))
        assert caught.value.remedy == f"sysctl -w net.core.rmem_max={2 * SMALL}"
        assert one.fileno() == -1  # closed


@pytest.mark.parametrize("family", FAMILIES)
def test_this_machine_s_own_bound(family: str) -> None:
    """The size at the bound is available, and one byte more is not; no override is used."""
    available(family)
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers.LARGEST)
        most = kernel_size(one, socket.SO_SNDBUF) // 2
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers.LARGEST)
        least = min(most, kernel_size(one, socket.SO_RCVBUF) // 2)
    if most >= buffers.LARGEST:
        pytest.skip("net.core.wmem_max bounds nothing here")
    assert isinstance(get(f"{family}:{least}").probe(), Limits)
    found = get(f"{family}:{most + 1}").probe()
    assert isinstance(found, Unavailable)
    assert f"net.core.wmem_max={most + 1}" in found.remedy


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", ["1024M", "9999999999M"])
def test_a_size_beyond_the_kernel_s_numbers(family: str, size: str) -> None:
    found = get(f"{family}:{size}").probe()
    assert isinstance(found, Unavailable)
    assert found.reason.endswith("bytes is more than the kernel allows, 1073741823")
    assert found.remedy == "ask for a smaller one"  # no setting would suffice


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", ["0", "", "banana", "99T", "1G", "-1", "1m", "01M", "1M "])
def test_no_such_size(family: str, size: str) -> None:
    with pytest.raises(UnknownTransport) as caught:
        get(f"{family}:{size}")
    assert str(caught.value) == f"no buffer {size!r}: write {family}:1M or {family}:256K"


@pytest.mark.parametrize("kind", ["", "stream", "1M", "datagram"])
def test_no_such_pair(kind: str) -> None:
    with pytest.raises(UnknownTransport, match="socketpair:dgram and socketpair:seqpacket") as one:
        get(f"socketpair:{kind}")
    assert "\n" not in str(one.value)


def test_they_are_listed() -> None:
    listed = set(matching("*"))
    assert {"unix-stream:1M", "tcp:1M", "socketpair:dgram", "socketpair:seqpacket"} <= listed
