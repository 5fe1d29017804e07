"""Tests of bytes in flight: what pipes, sockets and queues state that they hold."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ipcbench.transports.base import PlainEndpoint, bytes_in_flight, held_by, held_by_socket
from ipcbench.transports.base.in_flight import fill
from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.registry import matching
from ipcbench.transports.testing.participants import Participants, in_flight
from ipcbench.transports.testing.subject import TYPICAL
from ipcbench.transports.testing.transfer import LONG, sent_before_it_waits
from tests.available import available

PAGE = os.sysconf("SC_PAGE_SIZE")
PACKET = 1 << 16  # bytes of one over loopback, at most: the length field of IPv4
SOCKETS = ["SOCK_STREAM", "SOCK_SEQPACKET", "SOCK_DGRAM"]


@contextmanager
def a_pipe(capacity: int) -> Iterator[tuple[int, int]]:
    ends = os.pipe2(os.O_NONBLOCK)
    try:
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, capacity)
        yield ends
    finally:
        for fd in ends:
            os.close(fd)


def filled(fd: int, size: int) -> int:
    """Write until a pipe is full; return the bytes written."""
    written = 0
    try:
        while True:
            written += os.write(fd, bytes(size))
    except BlockingIOError:
        return written


def pair(kind: str) -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, getattr(socket, kind))


@pytest.mark.parametrize("pages", [1, 4, 16])
@pytest.mark.parametrize("size", [1, 7, 64, 100, 1000, 2049, PAGE - 1, PAGE])
def test_a_pipe_holds_whole_messages_in_its_pages(size: int, pages: int) -> None:
    with a_pipe(pages * PAGE) as (reading, writing):
        assert held_by(writing, size) == held_by(reading, size) == filled(writing, size)


@pytest.mark.parametrize("size", [PAGE + 1, 5000, 3 * PAGE, 100_000])
def test_a_pipe_holds_its_capacity_of_large_messages_at_most(size: int) -> None:
    with a_pipe(16 * PAGE) as (_, writing):
        stated = held_by(writing, size)
        assert stated == 16 * PAGE
        assert stated / 2 < filled(writing, size) <= stated


@pytest.mark.parametrize("size", [1, 64, 5000, 60_000])
@pytest.mark.parametrize("buffer", [None, 32768])
@pytest.mark.parametrize("kind", SOCKETS)
def test_a_unix_socket_holds_what_a_like_one_took(kind: str, buffer: int | None, size: int) -> None:
    one, other = pair(kind)
    with one, other:
        if buffer is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        held = held_by_socket(one, size)
        assert held == held_by(one.fileno(), size) == sum(fill(one, size))


def test_the_socket_itself_is_left_alone() -> None:
    one, other = pair("SOCK_STREAM")
    with one, other:
        before = os.listdir("/proc/self/fd")
        held_by_socket(one, 64)
        assert os.listdir("/proc/self/fd") == before
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.recv(1)
        assert one.getblocking()


def test_tcp_tunes_its_buffers_so_nothing_is_stated() -> None:
    with socket.socket(socket.AF_INET) as one:
        assert held_by_socket(one, 64) is None
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100_000)
        assert held_by_socket(one, 64) is None


@pytest.mark.parametrize("size", [64, 1000, 5000, 65536])
def test_fixed_buffers_of_tcp_hold_their_bytes_at_most(size: int) -> None:
    with ExitStack() as stack:
        listener, one = (stack.enter_context(socket.socket()) for _ in range(2))
        for each in (listener, one):
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                each.setsockopt(socket.SOL_SOCKET, buffer, 100_000)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        one.connect(listener.getsockname())
        other = stack.enter_context(listener.accept()[0])
        held = held_by_socket(one, size)
        assert held == held_by_socket(other, size) == 400_000  # both are doubled: socket(7)
        sent = 0
        for _ in range(5):  # loopback delivers a little later
            sent += sum(fill(one, size))
            time.sleep(0.02)
        assert held / 4 < sent <= held + 2 * PACKET  # the last one in each buffer: held_by_socket


def test_a_depth_is_counted_in_bytes() -> None:
    end = PlainEndpoint()
    assert bytes_in_flight(end, 64) is None
    end.depth = 10
    assert bytes_in_flight(end, 64) == 640
    assert bytes_in_flight(end, 0) is None


@pytest.mark.parametrize("size", [TYPICAL, LONG])
@pytest.mark.parametrize(
    "name", ["pipe", "pipe:1M", "fifo", "unix-stream", "unix-stream:1M", "socketpair"]
)
def test_a_stream_holds_exactly_what_it_states(name: str, size: int, tmp_path: Path) -> None:
    """The contract leaves a byte stream a margin, for the packets of TCP."""
    with Participants(available(name), Spec(size)) as participants:
        sender = participants.senders[0]
        stated = sender.do(in_flight)
        assert sent_before_it_waits(sender, tmp_path / "sent") == stated // size


@pytest.mark.parametrize("name", [*matching("*"), "shm:posix+posix-sem"])
def test_few_state_none(name: str) -> None:
    """A new transport states what it holds, or this test names it."""
    transport = available(name)
    if Topology.LINK not in transport.traits.topologies or not transport.traits.carries:
        pytest.skip("it carries nothing")
    with Participants(transport, Spec(64)) as participants:
        stated = {actor.do(in_flight) for actor in participants.actors}
    assert len(stated) == 1
    # One that is synchronous holds nothing behind a `send` that has returned.
    silent = name in ("tcp", "tcp6", "zmq:ipc", "nng:ipc") or transport.traits.synchronous
    assert (stated == {None}) is silent


def test_a_datagram_queue_is_as_long_as_the_kernel_allows() -> None:
    longest = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    with Participants(available("unix-dgram"), Spec(64)) as participants:
        assert participants.actors[0].do(in_flight) == (longest + 1) * 64  # unix_recvq_full
