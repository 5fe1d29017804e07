"""Tests of native/child_exit.h: only the exit of a child interrupts a native operation."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.patterns.fan_in import fan_in_receiver
from ipcbench.transports.contract import Role, Spec, Topology, Transport
from ipcbench.transports.native import NativeEndpoint, built, native_of
from ipcbench.transports.registry import get

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SIZE = 64
NAMES = (
    "pipe", "unix-stream", "sysv-queue", "posix-queue", "shm:posix+posix-sem",
    "shm:posix+sysv-sem", "shm:posix+eventfd", "shm:posix+futex", "shm:posix+spin",
)  # fmt: skip
Ends = tuple[NativeEndpoint, NativeEndpoint]


class ChildExited(Exception):
    pass


def interrupt(number: int, frame: object) -> None:
    raise ChildExited


@pytest.fixture(params=NAMES)
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    transport = get(request.param)
    assert isinstance(transport, Transport)
    channel = transport.create(Spec(SIZE, Topology.LINK, 2, native=True))
    tickets = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
    made = [transport.attach(ticket, time.monotonic() + 5) for ticket in tickets]
    channel.close()
    hellos = [end.hello() for end in made]
    for end in made:
        end.connect(hellos, time.monotonic() + 5)
    one, other = map(native_of, made)
    yield one, other
    one.close()
    other.close()
    channel.unlink()


@pytest.fixture
def on_child() -> Iterator[Callable[[object], None]]:
    """Give a function that sets SIGCHLD's handler for the test."""
    before = signal.getsignal(signal.SIGCHLD)
    yield lambda handler: signal.signal(signal.SIGCHLD, handler)  # type: ignore[arg-type]
    signal.signal(signal.SIGCHLD, before)


def child(play: Callable[[], object]) -> int:
    """Fork a process that calls `play`, and exits."""
    pid = os.fork()
    if pid == 0:
        try:
            time.sleep(0.05)
            play()
        finally:
            os._exit(0)
    return pid


def drained(end: NativeEndpoint, count: int = 1) -> int:
    """Receive in a compiled loop."""
    buffer = aligned_buffer(SIZE)
    return native_loops.twin(fan_in_receiver)(
        end, aligned_buffer(SIZE), buffer, count, RealClock()
    ).handled


def received(end: NativeEndpoint) -> int:
    """Receive by one call from Python."""
    got: int = end.recv_into(memoryview(bytearray(SIZE)))
    return got


@pytest.mark.parametrize("wait", [drained, received])
def test_a_child_s_exit_interrupts(
    ends: Ends, on_child: Callable[[object], None], wait: Callable[[NativeEndpoint], int]
) -> None:
    on_child(interrupt)
    pid = child(lambda: None)
    with pytest.raises(ChildExited):
        wait(ends[0])
    os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe", "posix-queue"], indirect=True)
@pytest.mark.parametrize("wait", [drained, received])
def test_after_a_handler_that_returns_there_is_an_error(
    ends: Ends, on_child: Callable[[object], None], wait: Callable[[NativeEndpoint], int]
) -> None:
    """The operation cannot be resumed."""
    seen: list[int] = []
    on_child(lambda number, frame: seen.append(number))
    pid = child(lambda: None)
    with pytest.raises(OSError) as caught:
        wait(ends[0])
    assert caught.value.errno == errno.ECHILD
    assert seen == [signal.SIGCHLD]
    os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+posix-sem"], indirect=True)
def test_a_child_that_stops_and_continues_has_not_ended(
    ends: Ends, on_child: Callable[[object], None]
) -> None:
    other = ends[1]
    go, start = os.pipe()

    def wake() -> None:
        os.read(go, 1)  # a handler that raises in fork(2) would interrupt Python's own hooks
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGSTOP)
        other.send(memoryview(bytes(SIZE)))
        time.sleep(5)  # until it is killed: its exit would interrupt

    pid = child(wake)

    def resume() -> None:
        os.read(go, 1)
        time.sleep(0.4)
        os.kill(pid, signal.SIGCONT)
        time.sleep(5)

    waker = child(resume)
    on_child(interrupt)
    os.write(start, b"12")
    assert drained(ends[0]) == 1
    on_child(signal.SIG_DFL)
    for each in (pid, waker):
        os.kill(each, signal.SIGKILL)
        os.waitpid(each, 0)
    os.close(go)
    os.close(start)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+posix-sem"], indirect=True)
@pytest.mark.parametrize("wait", [drained, received])
def test_a_missed_exit_may_be_signalled_again(
    ends: Ends, on_child: Callable[[object], None], wait: Callable[[NativeEndpoint], int]
) -> None:
    """With kill(2), as the fork server does: bench/workers/fork_parent.py."""
    on_child(signal.SIG_DFL)
    pid, us, other = child(lambda: None), os.getpid(), ends[1]
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    on_child(interrupt)

    def interfere() -> None:
        time.sleep(0.1)
        os.kill(us, signal.SIGCHLD)
        time.sleep(3)  # an interrupted operation receives no more
        other.send(memoryview(bytes(SIZE)))
        time.sleep(5)

    sender = child(interfere)
    with pytest.raises(ChildExited):
        wait(ends[0])
    on_child(signal.SIG_DFL)
    os.kill(sender, signal.SIGKILL)
    for each in (pid, sender):
        os.waitpid(each, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+posix-sem"], indirect=True)
def test_a_signal_without_an_exit_does_not_interrupt(
    ends: Ends, on_child: Callable[[object], None]
) -> None:
    seen: list[int] = []
    on_child(lambda number, frame: seen.append(number))
    us, other = os.getpid(), ends[1]

    def interfere() -> None:
        os.kill(us, signal.SIGCHLD)
        time.sleep(0.1)
        other.send(memoryview(bytes(SIZE)))
        time.sleep(5)

    pid = child(interfere)
    assert drained(ends[0]) == 1
    assert seen == [signal.SIGCHLD]
    on_child(signal.SIG_DFL)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+futex"], indirect=True)
def test_without_a_handler_nothing_is_interrupted(
    ends: Ends, on_child: Callable[[object], None]
) -> None:
    """As in a peer, whose own children do not matter."""
    on_child(signal.SIG_DFL)
    other = ends[1]
    first = child(lambda: None)
    second = child(lambda: (time.sleep(0.1), other.send(memoryview(bytes(SIZE)))))
    assert drained(ends[0]) == 1
    for pid in (first, second):
        os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe"], indirect=True)
def test_python_s_handler_is_back_afterwards(
    ends: Ends, on_child: Callable[[object], None]
) -> None:
    on_child(interrupt)
    ends[1].send(memoryview(bytes(SIZE)))
    assert drained(ends[0]) == 1
    pid = child(lambda: None)
    with pytest.raises(ChildExited):
        time.sleep(5)
    os.waitpid(pid, 0)
    assert signal.SIGCHLD not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
