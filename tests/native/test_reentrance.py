"""Calls in the middle of calls: by a signal's handler, by an operation, and by another thread.

Python runs handlers after a call has copied its message and before its operation.
"""

from __future__ import annotations

import ctypes
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.native import built, native_of, operations
from ipcbench.transports.sync import futex
from ipcbench.transports.testing.participants import seats
from tests.available import available
from tests.plugins.capsules import capsule

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

KINDS = (
    "pipe", "unix-stream", "unix-seqpacket", "unix-dgram", "sysv-queue", "posix-queue",
    "shm:posix+posix-sem", "shm:memfd+eventfd", "shm:memfd+futex", "shm:memfd+spin",
)  # fmt: skip
SIZE = 4096
PERIOD = 0.0002  # seconds between two signals
SECONDS = 0.6  # of a storm
FEW = 50  # signals that a storm has at least


def message(mark: int, number: int) -> bytes:
    """Make a message all of whose bytes change with its mark and its number."""
    return bytes([mark, number % 251]) * (SIZE // 2)


def link(name: str, stack: ExitStack, *, native: bool = True) -> list[Any]:
    """Attach both ends of a link in this process; their calls are compiled."""
    transport = available(name)
    spec = Spec(SIZE, Topology.LINK, native=native, depth=8 if name.startswith("shm:") else None)
    channel = transport.create(spec)
    stack.callback(channel.unlink)
    stack.callback(channel.close)
    deadline = time.monotonic() + 10
    ends: list[Any] = [transport.attach(channel.ticket(*seat), deadline) for seat in seats(spec)]
    hellos = [end.hello() for end in ends]
    for end in ends:
        stack.callback(end.close)
        end.connect(hellos, deadline)
    return [native_of(end) for end in ends] if native else ends


@contextmanager
def storm(handler: Callable[[], None]) -> Iterator[None]:
    """Call the handler at each of many signals."""
    before = signal.signal(signal.SIGALRM, lambda number, frame: handler())
    signal.setitimer(signal.ITIMER_REAL, PERIOD, PERIOD)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Handler:
    """A handler that sends and receives over ends of its own, and compares."""

    def __init__(self, near: Any, far: Any) -> None:
        self.near, self.far = near, far
        self.count = 0
        self.replaced = 0
        self.busy = False
        self.buffer = memoryview(bytearray(SIZE))

    def __call__(self) -> None:
        if self.busy:  # the next signal, within this handler
            return
        self.busy = True
        self.count += 1
        sent = message(2, self.count)
        self.near.send(sent)
        self.far.recv_into(self.buffer)
        self.replaced += self.buffer != sent
        self.busy = False


def replaced(near: Any, far: Any, handler: Handler) -> int:
    """Send and receive during a storm; return the number of messages that were replaced."""
    buffer, number, wrong = memoryview(bytearray(SIZE)), 0, 0
    end = time.monotonic() + SECONDS
    with storm(handler):
        while time.monotonic() < end or (handler.count < FEW and time.monotonic() < end + 20):
            number += 1
            sent = message(1, number)
            near.send(sent)
            far.recv_into(buffer)
            wrong += buffer != sent
    return wrong


@pytest.mark.parametrize("name", KINDS)
def test_a_handler_uses_other_ends_of_the_kind(name: str) -> None:
    with ExitStack() as stack:
        handler = Handler(*link(name, stack))
        assert replaced(*link(name, stack), handler) == 0
        assert handler.count >= FEW
        assert handler.replaced == 0


@pytest.mark.parametrize("name", ["shm:memfd+futex", "shm:memfd+spin"])
def test_a_handler_uses_other_ends_of_python_over_atomics(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(futex, "ORDERED", False)
    with ExitStack() as stack:
        handler = Handler(*link(name, stack, native=False))
        assert replaced(*link(name, stack, native=False), handler) == 0
        assert handler.count >= FEW
        assert handler.replaced == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_handler_sends_over_the_end_itself(name: str) -> None:
    """Each message arrives once, as it was sent."""
    with ExitStack() as stack:
        near, far = link(name, stack)
        buffer, number = memoryview(bytearray(SIZE)), 0
        sent = received = 0  # by the handler, and from it

        def handler() -> None:
            nonlocal sent
            if sent == received:  # at most one is under way, so there is space
                sent += 1
                near.send(message(2, sent))

        end = time.monotonic() + SECONDS
        with storm(handler):
            while time.monotonic() < end or (sent < FEW and time.monotonic() < end + 20):
                number += 1
                near.send(message(1, number))
                while far.recv_into(buffer) and buffer[0] == 2:
                    received += 1
                    assert buffer == message(2, received)
                assert buffer == message(1, number)
        assert sent >= FEW
        assert received >= sent - 1


# An operation that calls its own end, at a place that is the same each time.


def test_a_message_of_a_call_within_a_call_replaces_none() -> None:
    """The inner one is longer: room of the outer one must not be freed."""
    arrived: list[bytes] = []

    def send(at: int, size: int) -> int:
        if size == 8:
            calls.send(b"i" * 100_000)
        arrived.append(ctypes.string_at(at, size))
        return 0

    calls = operations.Calls(capsule(send=send))
    for _ in range(3):
        calls.send(b"o" * 8)
    assert arrived == [b"i" * 100_000, b"o" * 8] * 3


def test_a_message_received_within_a_call_replaces_none() -> None:
    def recv(at: int, size: int) -> int:
        ctypes.memset(at, ord("o" if size == 8 else "i"), size)
        if size == 8:
            assert calls.recv(inner) == len(inner)
        return size

    inner, outer = bytearray(100_000), bytearray(8)
    calls = operations.Calls(capsule(recv=recv))
    for _ in range(3):
        assert calls.recv(outer) == 8
        assert (bytes(outer), bytes(inner)) == (b"o" * 8, b"i" * 100_000)
        inner[:], outer[:] = bytes(100_000), bytes(8)


def test_a_slot_is_lent_and_committed_once() -> None:
    slot = bytearray(64)
    view = (ctypes.c_char * len(slot)).from_buffer(slot)
    refused: list[str] = []

    def again(call: Callable[..., Any]) -> None:
        with pytest.raises(ValueError, match=r"loan|lent") as caught:
            call(8)
        refused.append(str(caught.value))

    def loan(place: int, size: int) -> int:
        again(calls.loan)
        again(calls.commit)
        ctypes.c_void_p.from_address(place).value = ctypes.addressof(view)
        return 0

    def commit(size: int) -> int:
        again(calls.loan)
        again(calls.commit)
        return 0

    calls = operations.Calls(capsule(loan=loan, commit=commit))
    for _ in range(2):
        calls.loan(8)[:] = b"lent ..."
        calls.commit(8)
    assert bytes(slot[:8]) == b"lent ..."
    assert len(refused) == 8


def test_a_failed_loan_lends_nothing() -> None:
    calls = operations.Calls(capsule(loan=lambda place, size: -11, commit=lambda size: 0))
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            calls.loan(8)
    with pytest.raises(ValueError, match="that many are not lent"):
        calls.commit(8)
