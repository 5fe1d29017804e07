"""native/child_exit.h: a native operation is left when a child ends, and by nothing else."""

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


class Gone(Exception):
    pass


def gone(number: int, frame: object) -> None:
    raise Gone


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
def heard() -> Iterator[Callable[[object], None]]:
    """Sets SIGCHLD's handler for the test."""
    before = signal.getsignal(signal.SIGCHLD)
    yield lambda handler: signal.signal(signal.SIGCHLD, handler)  # type: ignore[arg-type]
    signal.signal(signal.SIGCHLD, before)


def child(play: Callable[[], object]) -> int:
    """A process that plays, and exits."""
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
def test_a_child_s_end_is_heard(
    ends: Ends, heard: Callable[[object], None], wait: Callable[[NativeEndpoint], int]
) -> None:
    heard(gone)
    pid = child(lambda: None)
    with pytest.raises(Gone):
        wait(ends[0])
    os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe", "posix-queue"], indirect=True)
@pytest.mark.parametrize("wait", [drained, received])
def test_a_handler_that_goes_on_gets_an_error(
    ends: Ends, heard: Callable[[object], None], wait: Callable[[NativeEndpoint], int]
) -> None:
    """What was left cannot be taken up again."""
    seen: list[int] = []
    heard(lambda number, frame: seen.append(number))
    pid = child(lambda: None)
    with pytest.raises(OSError) as caught:
        wait(ends[0])
    assert caught.value.errno == errno.ECHILD
    assert seen == [signal.SIGCHLD]
    os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+posix-sem"], indirect=True)
def test_a_child_that_stops_and_goes_on_has_not_ended(
    ends: Ends, heard: Callable[[object], None]
) -> None:
    heard(gone)
    other = ends[1]

    def wakes_us() -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        other.send(memoryview(bytes(SIZE)))
        time.sleep(5)  # until it is killed: its end would be heard

    pid = child(wakes_us)
    waker = child(lambda: (time.sleep(0.1), os.kill(pid, signal.SIGCONT), time.sleep(5)))
    assert drained(ends[0]) == 1
    heard(signal.SIG_DFL)
    for each in (pid, waker):
        os.kill(each, signal.SIGKILL)
        os.waitpid(each, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+posix-sem"], indirect=True)
@pytest.mark.parametrize("wait", [drained, received])
def test_an_end_that_went_unheard_may_be_told_again(
    ends: Ends, heard: Callable[[object], None], wait: Callable[[NativeEndpoint], int]
) -> None:
    """By kill(2), as the fork server does it: bench/workers/fork_parent.py."""
    heard(signal.SIG_DFL)
    pid, us, other = child(lambda: None), os.getpid(), ends[1]
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    heard(gone)

    def tells() -> None:
        time.sleep(0.1)
        os.kill(us, signal.SIGCHLD)
        time.sleep(3)  # who has been left is heard of no more
        other.send(memoryview(bytes(SIZE)))
        time.sleep(5)

    teller = child(tells)
    with pytest.raises(Gone):
        wait(ends[0])
    heard(signal.SIG_DFL)
    os.kill(teller, signal.SIGKILL)
    for each in (pid, teller):
        os.waitpid(each, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+posix-sem"], indirect=True)
def test_a_signal_by_itself_is_no_end(ends: Ends, heard: Callable[[object], None]) -> None:
    seen: list[int] = []
    heard(lambda number, frame: seen.append(number))
    us, other = os.getpid(), ends[1]

    def tells() -> None:
        os.kill(us, signal.SIGCHLD)
        time.sleep(0.1)
        other.send(memoryview(bytes(SIZE)))
        time.sleep(5)

    pid = child(tells)
    assert drained(ends[0]) == 1
    assert seen == [signal.SIGCHLD]
    heard(signal.SIG_DFL)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe", "shm:posix+futex"], indirect=True)
def test_nobody_who_listens_nothing_that_is_left(
    ends: Ends, heard: Callable[[object], None]
) -> None:
    """As in a peer: what its own children do is nobody's affair."""
    heard(signal.SIG_DFL)
    other = ends[1]
    first = child(lambda: None)
    second = child(lambda: (time.sleep(0.1), other.send(memoryview(bytes(SIZE)))))
    assert drained(ends[0]) == 1
    for pid in (first, second):
        os.waitpid(pid, 0)


@pytest.mark.parametrize("ends", ["pipe"], indirect=True)
def test_python_s_handler_is_back_afterwards(ends: Ends, heard: Callable[[object], None]) -> None:
    heard(gone)
    ends[1].send(memoryview(bytes(SIZE)))
    assert drained(ends[0]) == 1
    pid = child(lambda: None)
    with pytest.raises(Gone):
        time.sleep(5)
    os.waitpid(pid, 0)
    assert signal.SIGCHLD not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
