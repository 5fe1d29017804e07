"""Tests of the reference programs: each mode, reported failures, no leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcbench.transports.shm.layout import default_depth
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.reference import build
from tests.sampling import some

ONE_WAY = {
    "hand_over": "stream",
    "cache_lines": "pingpong",
    "posix_sem_spin": "pingpong",
    "sysv_sem_spin": "pingpong",
    "eventfd_spin": "pingpong",
}  # the floors and the signals, with what each one measures
QUEUES = {"sysv_queue", "sysv_queue_spin", "posix_queue", "posix_queue_spin"}
SIGNALS = {"posix_sem_spin", "sysv_sem_spin", "eventfd_spin"}  # they carry no bytes
RINGS = {name for name in build.NAMES if name.startswith("shm_")} | {"hand_over"}
STREAMS = {one + end for one in ("pipe", "fifo", "tcp", "unix_stream") for end in ("", "_spin")}
PLAYED = [
    (name, mode)
    for name in build.NAMES
    for mode in ("pingpong", "stream")
    if ONE_WAY.get(name, mode) == mode
]
CPUS = sorted(os.sched_getaffinity(0))


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    before = outliving()
    yield
    assert not left_since(before, outliving)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose path is short enough for a socket's name: unix(7)."""
    with tempfile.TemporaryDirectory(prefix="ipc-") as folder:
        yield Path(folder)


def _program(name: str) -> Path:
    try:
        return build.reference(name)
    except build.NoCompiler as reason:
        pytest.skip(str(reason))


def _run(program: Path, *words: object, place: Path) -> subprocess.CompletedProcess[str]:
    """Run a program; it removes its folders for sockets and FIFOs, which are made in `place`."""
    done = subprocess.run(
        [program, *map(str, words)],
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert not list(place.glob("ipcbench-*"))
    return done


def _times(done: subprocess.CompletedProcess[str]) -> list[float]:
    assert (done.returncode, done.stderr) == (0, "")
    return [float(line) for line in done.stdout.splitlines()]


def test_every_facility_has_its_reference() -> None:
    others = {"unix_dgram", "unix_seqpacket", "cache_lines"}
    assert RINGS | STREAMS | QUEUES | SIGNALS | others == set(build.NAMES)


@pytest.mark.parametrize(("name", "mode"), some(PLAYED, 16))
@pytest.mark.parametrize("size", [64, 8192])
def test_it_runs(name: str, mode: str, size: int, place: Path) -> None:
    """More messages than any buffer holds: no process waits for ever."""
    size = 0 if name in SIGNALS else size
    times = _times(_run(_program(name), mode, size, 300, 3, CPUS[0], CPUS[0], place=place))
    assert len(times) == 3
    # The quickest machine takes some nanoseconds to copy 64 bytes twice.
    assert all(time > 5 for time in times), times


@pytest.mark.skipif(len(CPUS) < 2, reason="two CPUs are needed: this process may use one alone")
@pytest.mark.parametrize(("name", "mode"), some(PLAYED, 16))
def test_it_runs_across_cpus(name: str, mode: str, place: Path) -> None:
    size = 0 if name in SIGNALS else 64
    times = _times(_run(_program(name), mode, size, 200, 2, CPUS[-1], CPUS[0], place=place))
    assert len(times) == 2
    assert all(time > 1 for time in times), times


@pytest.mark.parametrize("name", sorted(STREAMS | RINGS))
def test_messages_larger_than_the_buffer(name: str, place: Path) -> None:
    """A message of a mebibyte: streams transfer it in parts, rings have slots for it."""
    (time,) = _times(_run(_program(name), "stream", 1 << 20, 3, 1, CPUS[0], CPUS[0], place=place))
    assert time > 1000  # no machine transfers a terabyte a second


@pytest.mark.parametrize("name", sorted(RINGS))
def test_the_depth_can_be_chosen(name: str, place: Path) -> None:
    times = _times(_run(_program(name), "stream", 64, 100, 2, CPUS[0], CPUS[0], 1, place=place))
    assert len(times) == 2


WITH_DEPTH = """
#define HAS_DEPTH 1
#include "reference.h"
static void create(void) { printf("%zu\\n", depth); exit(0); }
static void attach(enum side me) { (void)me; }
static void put(const char *data, size_t length) { (void)data, (void)length; }
static void take(char *buffer, size_t length) { (void)buffer, (void)length; }
static void destroy(void) { }
"""


@pytest.mark.parametrize("size", [1, 16, 17, 64, 4096, 16384, 65536, (1 << 20) - 1, 1 << 20])
def test_the_default_depth_is_that_of_a_ring(size: int, place: Path) -> None:
    """64 KiB or 4 slots, whichever is more; 2 from 1 MiB on, and 4,096 at most."""
    _program("pipe")
    (place / "depth.c").write_text(WITH_DEPTH)
    done = _run(
        build.compiled(place / "depth.c"), "stream", size, 1, 1, CPUS[0], CPUS[0], place=place
    )
    assert done.stdout == f"{default_depth(size)}\n"


def test_more_bytes_take_longer(place: Path) -> None:
    """The time is that of the transfer: it grows with the size of the messages."""
    program = _program("pipe")
    short = _times(_run(program, "pingpong", 1, 300, 3, CPUS[0], CPUS[0], place=place))
    long = _times(_run(program, "pingpong", 1 << 20, 3, 3, CPUS[0], CPUS[0], place=place))
    assert min(long) > 10 * min(short)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("latency", 64, 1, 1, 0, 0), "usage: pipe pingpong stream SIZE COUNT BLOCKS CPU_A CPU_B"),
        (("stream", 64, 1, 1, 0), "usage: pipe "),
        (("stream", 64, 1, 1, 0, 0, 8), "usage: pipe "),  # a pipe has no depth to choose
        (("stream", 0, 1, 1, 0, 0), "pipe: 0: not a number of 1 or more"),
        (("stream", "64k", 1, 1, 0, 0), "pipe: 64k: not a number of 1 or more"),
    ],
)
def test_wrong_arguments_are_reported(words: tuple[object, ...], why: str, place: Path) -> None:
    done = _run(_program("pipe"), *words, place=place)
    assert done.returncode == 2
    assert done.stderr.startswith(why)
    assert done.stderr.count("\n") == 1


def test_a_refused_system_call_is_reported(place: Path) -> None:
    done = _run(_program("sysv_queue"), "stream", 1 << 20, 1, 1, CPUS[0], CPUS[0], place=place)
    assert done.returncode == 1
    assert done.stderr.startswith("sysv_queue: msgsnd: Invalid argument\n")


LIAR = """
#include "reference.h"
static int ends[2], mine;
static void create(void) { must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair"); }
static void attach(enum side me) { mine = ends[me]; }
static void put(const char *data, size_t length)
{
    char other[4096];
    memcpy(other, data, length);
    other[length - 1] ^= 1;
    must(send(mine, other, length, 0), "send");
}
static void take(char *buffer, size_t length) { must(recv(mine, buffer, length, 0), "recv"); }
static void destroy(void) { }
"""


@pytest.mark.parametrize("mode", ["pingpong", "stream"])
def test_received_messages_are_compared(mode: str, place: Path) -> None:
    _program("pipe")
    (place / "liar.c").write_text(LIAR)
    done = _run(build.compiled(place / "liar.c"), mode, 64, 5, 1, CPUS[0], CPUS[0], place=place)
    assert done.returncode != 0
    assert "liar: the message received: Bad message" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize(
    "name",
    ["sysv_queue", "shm_sysv_sem", "posix_queue", "shm_posix_sem", "sysv_queue_spin"],
)
def test_killed_it_leaves_nothing(name: str, number: signal.Signals, place: Path) -> None:
    """The other side ends too, and removes the objects of a killed one."""
    before = outliving()
    words = ["pingpong", 64, 1 << 30, 1, CPUS[0], CPUS[0]]
    process = subprocess.Popen([_program(name), *map(str, words)], stderr=subprocess.PIPE)
    try:
        (other,) = _children(process.pid)
        process.send_signal(number)
        process.wait(10)
        _gone(other)
    finally:
        process.kill()
        process.communicate()
    assert not left_since(before, outliving)


def test_the_other_side_s_end_is_noticed(place: Path) -> None:
    words = ["pingpong", 64, 1 << 30, 1, CPUS[0], CPUS[0]]
    process = subprocess.Popen([_program("sysv_queue"), *map(str, words)])
    (other,) = _children(process.pid)
    time.sleep(0.3)  # until both are in the timed loop: before, the start reports the end
    os.kill(other, signal.SIGKILL)
    assert process.wait(10) == 128 + signal.SIGCHLD


def _children(pid: int) -> list[int]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found:
            return list(map(int, found))
        time.sleep(0.01)
    return []


def _gone(pid: int) -> None:
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
        assert time.monotonic() < end, f"{pid} is still there"
        time.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
