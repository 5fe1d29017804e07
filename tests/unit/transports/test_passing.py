"""ipcbench.transports.passing: packets of a process that is not trusted, and refusals."""

from __future__ import annotations

import array
import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    MessageTooLarge,
    Need,
    PeerGone,
    Role,
    Spec,
    TimedOut,
    Transport,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.native import built, native_of
from ipcbench.transports.passing import memfds, process_vm
from ipcbench.transports.registry import get
from ipcbench.transports.testing.leaks import left_since, snapshot

SIZE, DEPTH = 100, 3
LATER = 5.0  # seconds

RUNTIMES = ["python", *(["native"] if built() is None else [])]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Check that each received descriptor is closed, and each file unmapped."""
    before = snapshot()
    yield
    assert not left_since(before)


class Ends(NamedTuple):
    """A server that receives, and the sockets of a client that may send anything."""

    server: Any
    out: socket.socket  # describes messages to the server, and gets its answers
    answers: socket.socket  # gets the server's messages

    def send(self, data: bytes, *fds: int) -> None:
        socket.send_fds(self.out, [data], fds)


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def available(name: str) -> Transport:
    transport = get(name)
    assert isinstance(transport, Transport)
    found = transport.probe()
    if isinstance(found, Unavailable):
        pytest.skip(found.reason)
    return transport


def driven(endpoint: Endpoint, runtime: str) -> Any:
    return native_of(endpoint) if runtime == "native" else endpoint


def open_ends(stack: ExitStack, name: str) -> tuple[Any, socket.socket, socket.socket]:
    transport = available(name)
    channel = transport.create(Spec(SIZE, nowait=not transport.traits.synchronous))
    stack.callback(channel.close)
    server = transport.attach(channel.ticket(Role.SERVER, 0), time.monotonic() + LATER)
    stack.callback(server.close)
    out, answers = (
        stack.enter_context(socket.socket(fileno=fd))
        for fd in channel.ticket(Role.CLIENT, 0).take_fds()
    )
    channel.close()
    return server, out, answers


@pytest.fixture
def passed(request: pytest.FixtureRequest, runtime: str) -> Iterator[Ends]:
    with ExitStack() as stack:
        server, out, answers = open_ends(stack, request.param)
        end = driven(server, runtime)
        stack.callback(end.close)
        yield Ends(end, out, answers)


def file_of(content: bytes, seals: int = memfds.SEALS) -> int:
    fd = memfds.new_memfd()
    os.write(fd, content)
    memfds.seal(fd, seals)
    return fd


def receive(server: Any) -> bytes:
    if hasattr(server, "peek"):
        found = bytes(server.peek())
        server.release()
        return found
    buffer = memoryview(bytearray(SIZE))
    return bytes(buffer[: server.recv_into(buffer)])


def answered(ends: Ends) -> bytes:
    ends.out.setblocking(False)
    return ends.out.recv(8)


both = pytest.mark.parametrize(
    "passed", ["memfd-passed", "memfd-passed/in-place"], indirect=True, ids=["copied", "in-place"]
)


@both
def test_a_sealed_file_is_a_message(passed: Ends) -> None:
    fd = file_of(b"good")
    passed.send(b"\2", fd)
    os.close(fd)
    assert receive(passed.server) == b"good"
    assert answered(passed) == b"\2"


@both
@pytest.mark.parametrize("left_out", [memfds.SEALS, *(1 << bit for bit in (1, 3))])
def test_a_file_that_can_change_is_ignored(passed: Ends, left_out: int) -> None:
    """All seals, F_SEAL_SHRINK, F_SEAL_WRITE: each of them is needed."""
    for content, seals in ((b"evil", memfds.SEALS & ~left_out), (b"good", memfds.SEALS)):
        fd = file_of(content, seals)
        passed.send(b"\0", fd)
        os.close(fd)
    assert receive(passed.server) == b"good"
    with pytest.raises(WouldBlock):
        receive(passed.server)


@both
def test_what_is_no_memfd_is_ignored(passed: Ends, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"evil")
    with (tmp_path / "file").open("rb") as file:
        passed.send(b"\0", file.fileno())
        passed.send(b"\0", passed.out.fileno())
    with pytest.raises(WouldBlock):
        receive(passed.server)


@both
@pytest.mark.parametrize("count", [0, 2, 3, 250])
def test_another_number_of_descriptors_is_ignored(passed: Ends, count: int) -> None:
    fds = [file_of(b"evil") for _ in range(count)]
    passed.send(b"\0", *fds)
    for fd in fds:
        os.close(fd)
    with pytest.raises(WouldBlock):
        receive(passed.server)


@both
def test_a_longer_packet_is_ignored(passed: Ends) -> None:
    fd = file_of(b"evil")
    passed.send(b"\0\0", fd)
    os.close(fd)
    with pytest.raises(WouldBlock):
        receive(passed.server)


@both
def test_a_longer_file_is_lost_alone(passed: Ends) -> None:
    for content in (bytes(SIZE + 1), b"good"):
        fd = file_of(content)
        passed.send(b"\0", fd)
        os.close(fd)
    with pytest.raises(MessageTooLarge):
        receive(passed.server)
    assert receive(passed.server) == b"good"


@both
def test_an_answer_for_no_taken_slot_frees_none(passed: Ends) -> None:
    """The receiver of the server's messages gives back slots that it was not sent."""
    message = passed.server.prepare(memoryview(b"1"))
    for _ in range(8):
        passed.server.send(message)
        _, fds, _, _ = socket.recv_fds(passed.answers, 8, 1)
        os.close(fds[0])
    for answer in (b"\x08", b"\xff", b"\0\0", b"\1"):
        passed.answers.send(answer)
    passed.server.send(message)
    with pytest.raises(WouldBlock):
        passed.server.send(message)
    _, fds, _, _ = socket.recv_fds(passed.answers, 8, 1)
    os.close(fds[0])


# The pool.


def pool_of(size: int = SIZE, count: int = 8, seals: int = memfds.POOL_SEALS) -> list[int]:
    fds = [memfds.new_memfd() for _ in range(count)]
    for fd in fds:
        os.truncate(fd, size)
        memfds.seal(fd, seals)
    return fds


@pytest.fixture
def pool(request: pytest.FixtureRequest, runtime: str) -> Iterator[Ends]:
    with ExitStack() as stack:
        server, out, answers = open_ends(stack, request.param)
        fds = pool_of()
        socket.send_fds(out, [b"\0"], fds)
        for fd in fds:
            os.close(fd)
        server.connect([None, None], time.monotonic() + LATER)
        end = driven(server, runtime)
        stack.callback(end.close)
        yield Ends(end, out, answers)


pools = pytest.mark.parametrize(
    "pool", ["memfd-pool", "memfd-pool/in-place"], indirect=True, ids=["copied", "in-place"]
)


@pools
@pytest.mark.parametrize("slot", [8, 255, 1 << 32, (1 << 64) - 1])
def test_an_unknown_slot_is_ignored(pool: Ends, slot: int) -> None:
    pool.send(struct.pack("=QQ", slot, 1))
    pool.send(struct.pack("=QQ", 7, 2))
    assert receive(pool.server) == bytes(2)
    assert answered(pool) == b"\7"


@pools
@pytest.mark.parametrize("length", [SIZE + 1, 1 << 40, (1 << 64) - 1])
def test_a_length_beyond_the_slot_is_lost_alone(pool: Ends, length: int) -> None:
    pool.send(struct.pack("=QQ", 0, length))
    pool.send(struct.pack("=QQ", 1, 3))
    with pytest.raises(MessageTooLarge):
        receive(pool.server)
    assert receive(pool.server) == bytes(3)
    assert answered(pool) == b"\0"


@pools
def test_a_packet_of_another_length_is_ignored(pool: Ends) -> None:
    for data in (b"\0", bytes(15), bytes(17), bytes(100)):
        pool.send(data)
    with pytest.raises(WouldBlock):
        receive(pool.server)


@pools
def test_descriptors_of_a_packet_are_not_kept(pool: Ends) -> None:
    """The kernel drops those for which a receiver gives no room."""
    pool.send(struct.pack("=QQ", 0, 1), pool.out.fileno(), pool.out.fileno())
    assert receive(pool.server) == bytes(1)


@pytest.mark.parametrize(
    "fds",
    [
        lambda: pool_of(seals=0),
        lambda: pool_of(size=SIZE - 1),
        lambda: pool_of(count=7),
        lambda: pool_of(count=9),
        list,
    ],
    ids=["not sealed", "too small", "too few", "too many", "none"],
)
def test_another_pool_is_refused(fds: Callable[[], list[int]]) -> None:
    with ExitStack() as stack:
        server, out, _ = open_ends(stack, "memfd-pool")
        made = fds()
        socket.send_fds(out, [b"\0"], made)
        for fd in made:
            os.close(fd)
        with pytest.raises(PeerGone):
            server.connect([None, None], time.monotonic() + LATER)


def test_no_pool_comes() -> None:
    with ExitStack() as stack:
        server, out, _ = open_ends(stack, "memfd-pool")
        with pytest.raises(TimedOut):
            server.connect([None, None], time.monotonic() + 0.05)
        out.close()
        with pytest.raises(PeerGone):
            server.connect([None, None], time.monotonic() + LATER)


# The memory of a process.


@pytest.fixture
def reader(runtime: str) -> Iterator[Ends]:
    """A server that reads this very process."""
    with ExitStack() as stack:
        server, out, answers = open_ends(stack, "process-vm")
        out.send(b"\0")
        hello = server.hello()
        server.connect([hello, hello], time.monotonic() + LATER)
        end = driven(server, runtime)
        stack.callback(end.close)
        yield Ends(end, out, answers)


def named(content: array.array[int]) -> bytes:
    address, count = content.buffer_info()
    return struct.pack("=QQ", address, count)


def test_memory_that_is_not_there_is_ignored(reader: Ends) -> None:
    good = array.array("B", b"good")
    for address, length in ((0, 10), (4096, SIZE), ((1 << 64) - 8, 8)):
        reader.send(struct.pack("=QQ", address, length))
    reader.send(b"\0")
    reader.send(named(good))
    assert receive(reader.server) == b"good"
    assert answered(reader) == b"\0"


def test_a_message_longer_than_the_buffer_is_lost_alone(reader: Ends) -> None:
    good = array.array("B", b"good")
    reader.send(struct.pack("=QQ", 4096, 1 << 60))
    reader.send(named(good))
    with pytest.raises(MessageTooLarge):
        receive(reader.server)
    assert receive(reader.server) == b"good"


def test_memory_of_a_sender_that_has_ended_is_not_trusted(reader: Ends) -> None:
    """Another process may have its pid: here it is this one."""
    good = array.array("B", b"good")
    reader.send(named(good))
    reader.out.close()
    with pytest.raises(PeerGone):
        receive(reader.server)


def test_another_process_of_the_same_pid() -> None:
    """A pid of another PID namespace may name any process here."""
    with ExitStack() as stack:
        server, out, _ = open_ends(stack, "process-vm")
        out.send(b"\0")
        other = server.hello() | {"token": "0" * 32}
        with pytest.raises(Unavailable, match="PID namespace"):
            server.connect([other, other], time.monotonic() + LATER)


@pytest.mark.parametrize(
    ("scope", "number", "text"),
    [
        (2, errno.EPERM, "kernel.yama.ptrace_scope=1"),
        (3, errno.EPERM, "restart the machine"),
        (0, errno.EPERM, "seccomp"),
        (1, errno.EPERM, "seccomp"),
        (2, errno.ENOSYS, "seccomp"),
    ],
)
def test_a_refusal_says_what_suffices(
    monkeypatch: pytest.MonkeyPatch, scope: int, number: int, text: str
) -> None:
    monkeypatch.setattr(process_vm, "sysctl", lambda name: scope)
    found = process_vm.refusal(OSError(number, os.strerror(number)))
    assert text in found.remedy


def test_a_refused_reading_is_found_by_the_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    transport = get("process-vm")
    assert isinstance(transport, Transport)
    monkeypatch.setattr(process_vm, "read_memory", refuse)
    assert isinstance(transport.probe(), Unavailable)


# The pages of a buffer.


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_spliced_message_of_a_foreign_writer(runtime: str) -> None:
    """A header in pieces, a message that is too long, and one that never ends."""
    transport = available("vmsplice")
    with ExitStack() as stack:
        channel = transport.create(Spec(SIZE))
        stack.callback(channel.close)
        server = transport.attach(channel.ticket(Role.SERVER, 0), time.monotonic() + LATER)
        stack.callback(server.close)
        out, *others = channel.ticket(Role.CLIENT, 0).take_fds()
        channel.close()
        for fd in others:
            stack.callback(os.close, fd)
        end = driven(server, runtime)
        stack.callback(end.close)
        os.write(out, struct.pack("=Q", 2 * SIZE) + bytes(2 * SIZE))
        with pytest.raises(MessageTooLarge):
            receive(end)
        os.write(out, struct.pack("=Q", 4)[:3])
        child = os.fork()
        if not child:
            time.sleep(0.05)
            os.write(out, struct.pack("=Q", 4)[3:] + b"good")
            os._exit(0)
        assert receive(end) == b"good"
        os.waitpid(child, 0)
        os.write(out, struct.pack("=Q", SIZE) + b"half")
        os.close(out)
        with pytest.raises(PeerGone):
            receive(end)


@pytest.mark.parametrize("name", ["memfd-passed", "memfd-pool/in-place"])
def test_the_bound_of_the_depth_is_that_of_a_channel(name: str) -> None:
    transport = available(name)
    limits = transport.probe()
    assert isinstance(limits, Limits)
    assert limits.depth is not None
    most = limits.depth.value
    assert most is not None
    transport.create(Spec(SIZE, depth=most)).close()
    with pytest.raises(Unavailable) as caught:
        transport.create(Spec(SIZE, depth=most + 1))
    if most < 256:  # an answer is one byte, whatever the socket holds
        assert limits.depth.remedy_for(Need(SIZE, most + 1)) == caught.value.remedy
    assert limits.depth.remedy_for(Need(SIZE, 257)) == ""
