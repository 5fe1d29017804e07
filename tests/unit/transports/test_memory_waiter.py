"""Tests of the waiters in shared memory that C alone can use: handlers, closing, deaths."""

from __future__ import annotations

import ctypes
import mmap
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import pytest

from ipcbench.transports.contract import Role, Spec, Topology, Transport, Unavailable
from ipcbench.transports.native import WaitPolicy, built, operations
from ipcbench.transports.registry import get
from ipcbench.transports.shm.layout import COUNTER_OFFSET, LINE_PAIR
from ipcbench.transports.sync import memory_waiter, mutexes
from ipcbench.transports.sync.memory_waiter import MemoryWaiter, try_in_memory
from ipcbench.transports.testing.actors import Actor, eventually

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

MUTEXES = ("pthread-mutex", "robust-mutex", "futex-mutex", "spin-lock")
KINDS = ("pthread-cond", *MUTEXES)


class Handled(Exception):
    """Raised by a signal's handler."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise Handled after so many seconds."""

    def handler(_: int, frame: FrameType | None) -> None:
        raise Handled

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def memory() -> Iterator[mmap.mmap]:
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        yield memory


def taken(kind: str, memory: mmap.mmap) -> MemoryWaiter:
    """Make one that the next `wait` has to wait for."""
    waiter = MemoryWaiter(kind, memoryview(memory), 1)
    waiter.wait()
    return waiter


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_ends_a_wait(kind: str, memory: mmap.mmap) -> None:
    waiter = taken(kind, memory)
    began = time.monotonic()
    with alarm(0.1), pytest.raises(Handled):
        waiter.wait()
    assert time.monotonic() - began < 5
    waiter.notify()
    waiter.wait()
    waiter.close()


def test_a_handler_ends_spinning_on_an_own_cpu(memory: mmap.mmap) -> None:
    waiter = MemoryWaiter("spin-lock", memoryview(memory), 1, WaitPolicy(exclusive_cpu=True))
    waiter.wait()
    with alarm(0.1), pytest.raises(Handled):
        waiter.wait()
    waiter.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_that_returns_ends_no_wait(kind: str, memory: mmap.mmap) -> None:
    waiter, calls = taken(kind, memory), []

    def handler(_: int, frame: FrameType | None) -> None:
        calls.append(1)
        if len(calls) == 3:
            waiter.notify()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        waiter.wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(calls) >= 3
    waiter.notify()
    waiter.close()


@pytest.mark.parametrize("kind", KINDS)
def test_closing_in_a_handler(kind: str, memory: mmap.mmap) -> None:
    """The memory stays mapped until the call that waits has ended."""
    waiter = taken(kind, memory)

    def handler(_: int, frame: FrameType | None) -> None:
        waiter.close()
        with pytest.raises(BufferError):
            memory.close()
        raise Handled

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Handled):
            waiter.wait()
    finally:
        signal.signal(signal.SIGALRM, before)
    memory.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_one_is_refused(kind: str, memory: mmap.mmap) -> None:
    waiter = MemoryWaiter(kind, memoryview(memory), 1)
    waiter.close()
    waiter.close()
    for call in (waiter.wait, waiter.notify, waiter.try_wait):
        with pytest.raises(ValueError, match="closed"):
            call()
    with pytest.raises(ValueError, match="closed"):
        waiter.guard(None)
    memory.close()


@pytest.mark.parametrize("kind", MUTEXES)
def test_a_capsule_keeps_the_memory(kind: str, memory: mmap.mmap) -> None:
    waiter = MemoryWaiter(kind, memoryview(memory), 1)
    calls = operations.Calls(waiter.guard(None))
    waiter.close()
    with pytest.raises(BufferError):
        memory.close()
    calls.acquire()
    calls.leave()
    del calls
    memory.close()


def test_no_counter_is_a_guard_and_no_guard_a_counter(memory: mmap.mmap) -> None:
    for kind in KINDS:
        waiter = MemoryWaiter(kind, memoryview(memory), 1)
        call: Any = waiter.native if kind in MUTEXES else waiter.guard
        with pytest.raises(TypeError, match=f"a {kind} is no"):
            call(WaitPolicy())
        waiter.close()


def test_a_counter_fits_behind_its_doorbell() -> None:
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    MemoryWaiter("pthread-cond", memoryview(memory)[COUNTER_OFFSET:LINE_PAIR], 0).close()
    memory.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_library_that_shares_none_is_the_reason(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(memory_waiter, "MemoryWaiter", refuse)
    reason = try_in_memory(kind)
    assert isinstance(reason, Unavailable)
    assert f"a process-shared {kind}" in reason.reason


# A mutex that is left locked by an end that is closed. In a process of its own, since the next
# lock of a robust mutex may write to memory that is gone.
CLOSED_INSIDE = """
import time
from ipcbench.transports.contract import Role, Spec, Topology
from ipcbench.transports.registry import get

guard, ends = get("robust-mutex"), []
for _ in range(20):
    channel = guard.create(Spec(0, Topology.GUARD, 2))
    ends = [guard.attach(channel.ticket(Role.MEMBER, index), time.monotonic() + 5)
            for index in range(2)]
    if NATIVE:
        from ipcbench.transports.native import native_of
        native_of(ends[0]).acquire()
    else:
        ends[0].acquire()
    ends[0].close()
    ends[1].acquire()
    ends[1].release()
    ends[1].close()
    channel.close()
"""


@pytest.mark.parametrize("native", [False, True])
def test_an_end_closed_inside_leaves_a_robust_mutex(native: bool) -> None:
    program = CLOSED_INSIDE.replace("NATIVE", str(native))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", MUTEXES)
def test_a_guard_needs_the_compiled_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = Unavailable("not built", "build it")
    monkeypatch.setattr(mutexes, "built", lambda: reason)
    transport = get(name)
    assert isinstance(transport, Transport)
    assert transport.probe() is reason
    with pytest.raises(Unavailable, match="not built"):
        transport.create(Spec(0, Topology.GUARD))


# Deaths at the condition variable: what native/cond_counter.h says.


def opened(memory: mmap.mmap) -> MemoryWaiter:
    return MemoryWaiter("pthread-cond", memoryview(memory), None)


def take(waiter: MemoryWaiter) -> None:
    waiter.wait()


def test_tokens_outlive_a_killed_waiter(memory: mmap.mmap) -> None:
    """A token added after it is there for the next process, which looks before it sleeps."""
    waiter = MemoryWaiter("pthread-cond", memoryview(memory), 0)
    with ExitStack() as stack:
        stack.callback(waiter.close)
        killed = stack.enter_context(Actor(lambda: opened(memory)))
        killed.begin(take)
        assert killed.waits(0.1) and eventually(killed.asleep)
        killed.kill()
        waiter.notify()
        follower = stack.enter_context(Actor(lambda: opened(memory)))
        follower.do(take)


def lock(memory: mmap.mmap) -> None:
    """Lock the mutex of the counter, which it begins with."""
    mutex = ctypes.c_char.from_buffer(memory)
    assert ctypes.CDLL(None).pthread_mutex_lock(ctypes.byref(mutex)) == 0


def test_a_process_killed_inside_leaves_no_lock(memory: mmap.mmap) -> None:
    waiter = MemoryWaiter("pthread-cond", memoryview(memory), 1)
    with ExitStack() as stack:
        stack.callback(waiter.close)
        for _ in range(2):
            with Actor(lambda: lock(memory)) as holder:
                assert eventually(holder.asleep)
                holder.kill()
            waiter.notify()
            waiter.wait()
        waiter.wait()


def test_a_member_outlives_its_owner() -> None:
    """The owner's handles are closed before the first acquire."""
    for name in MUTEXES:
        transport = get(name)
        assert isinstance(transport, Transport)
        with ExitStack() as stack:
            channel = transport.create(Spec(0, Topology.GUARD))
            ticket = channel.ticket(Role.MEMBER, 0)
            channel.close()
            member: Any = transport.attach(ticket, time.monotonic() + 5)
            stack.callback(member.close)
            member.acquire()
            member.release()
