"""bench.workers.barrier: the processes that start a block are released together, each time."""

from __future__ import annotations

import mmap
import os
import signal
import time
from pathlib import Path

import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.barrier import SPINS, Barrier, spins_of
from ipcbench.bench.workers.fork_parent import ForkServer
from ipcbench.bench.workers.job import Job
from ipcbench.bench.workers.process import die_with
from ipcbench.transports.sync import futex
from tests.e2e.command import alive, children, wait_for

BLOCKS = 300
SOON = 30.0  # seconds

needs_futex = pytest.mark.skipif(not futex.usable(), reason="futex(2) cannot be used here")


@pytest.fixture
def memory() -> memoryview:
    return memoryview(mmap.mmap(-1, mmap.PAGESIZE))


@needs_futex
@pytest.mark.parametrize("spins", [0, SPINS])
def test_every_process_passes_every_block(memory: memoryview, spins: int) -> None:
    """A process that arrives late finds its release; one that sleeps is woken."""
    barrier = Barrier(memory[256:])
    passed = [memory[8 * number : 8 * number + 8].cast("Q") for number in range(4)]
    pids = []
    for mine in passed:
        pid = os.fork()
        if pid == 0:
            for number in range(1, BLOCKS + 1):
                barrier.wait(number, spins)
                mine[0] = number
            os._exit(0)
        pids.append(pid)
    deadline = time.monotonic() + SOON
    try:
        for number in range(1, BLOCKS + 1):
            if number % 3 == 0:
                time.sleep(0.001)  # time to fall asleep; without it, the release often comes first
            assert all(one[0] == number - 1 for one in passed)
            barrier.release(number)
            while any(one[0] < number for one in passed):
                assert time.monotonic() < deadline, f"block {number}: {[*passed]}"
                os.sched_yield()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@needs_futex
def test_the_death_of_the_worker_ends_a_peer_at_the_barrier(memory: memoryview) -> None:
    worker = os.fork()
    if worker == 0:
        parent = os.getpid()
        if os.fork() == 0:
            die_with(parent)
            memory[0] = 1
            Barrier(memory[256:]).wait(1, 0)
            os._exit(0)
        signal.pause()
    try:
        wait_for("the peer has started", lambda: memory[0])
        peers = children(worker)
        assert len(alive(peers)) == 1
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    wait_for("the peer has ended", lambda: not alive(peers))


def test_a_process_spins_on_a_cpu_of_its_own_alone() -> None:
    assert spins_of([1], [[1], [0]]) == SPINS
    assert spins_of([1], [[1], [0], [1]]) == 0
    assert spins_of([0, 1], [[0, 1], [0, 1]]) == 0


def a_job(pattern: str, transport: str, processes: int, loops: int = 20) -> Job:
    cpu = max(os.sched_getaffinity(0))
    return Job(
        cell=Cell(
            transport=transport,
            pattern=pattern,
            size=0 if pattern == "counter" else 64,
            processes=processes,
            placement="same-core",
        ),
        round=1,
        loops=loops,
        settings=Settings(values=5, warmups=1, block=0.001, rounds=1),
        cpus=[[cpu]] * processes,
        awake=False,
        clock="perf_counter",
        deadline=SOON,
    )


@pytest.mark.parametrize(
    ("pattern", "transport", "processes"),
    [("counter", "posix-sem", 6), ("fan-in", "pipe", 5), ("pairs", "pipe", 6)],
)
@pytest.mark.parametrize("by_message", [False, True])
def test_a_run_of_many_processes(
    pattern: str,
    transport: str,
    processes: int,
    by_message: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Messages are the barrier where futex(2) cannot be used."""
    if by_message:
        (tmp_path / "sitecustomize.py").write_text(
            "from ipcbench.transports.sync import futex\n"
            "futex.usable, futex.sleep_at, futex.wake_at = lambda: False, None, None\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = ForkServer()
    try:
        reply = server.run(a_job(pattern, transport, processes))
    finally:
        server.close()
    assert reply.failure is None
    assert reply.outcome is not None
    assert len(reply.outcome.usage) == processes
