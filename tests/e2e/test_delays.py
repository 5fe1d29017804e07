"""Cells slowed for the selftest of the gate: a delay in each message, and what it adds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcbench.bench.loops.clock import FAKE, REAL
from ipcbench.bench.results import pyperf_file
from ipcbench.bench.results.axes import NATIVE, PYTHON
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.fork_parent import ForkServer
from ipcbench.bench.workers.job import Job, Outcome, Reply
from ipcbench.transports.native import built
from ipcbench.transports.registry import meaning

SETTINGS = Settings(values=2, warmups=1, block=0.004, rounds=1)
WANTED = 0.5
CELLS = (
    ("pipe", "latency", 64, 2),
    ("shm:posix+futex", "latency", 65536, 2),
    ("unix-stream", "stream", 4096, 2),
    ("pipe", "pairs-latency", 64, 4),
    ("unix-stream", "pairs", 4096, 4),
    ("unix-dgram", "fan-in", 64, 4),
    ("posix-queue", "fan-out", 64, 4),
    ("unix-stream", "echo", 64, 4),
    ("eventfd", "signal", 0, 2),
    ("posix-sem", "counter", 0, 2),
    ("pipe", "self", 4096, 1),
    ("latest:seqlock", "latest", 4096, 3),
    ("file-pread", "file", 65536, 1),
    ("pipe", "set-up", 64, 1),
)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    found = ForkServer()
    yield found
    found.close()


def job(cell: Cell, loops: int, turns: int = 0, clock: str = REAL, pairs: int = 0) -> Job:
    return Job(
        cell=cell,
        round=1,
        loops=loops,
        turns=turns,
        trials=pairs,
        slow_by=WANTED if pairs else 0.0,
        settings=SETTINGS,
        cpus=[[0]] * cell.processes,
        awake=False,
        clock=clock,
        deadline=60.0,
    )


def outcome_of(reply: Reply) -> Outcome:
    assert reply.failure is None
    assert reply.outcome is not None
    return reply.outcome


def a_cell(transport: str, pattern: str, size: int, processes: int, runtime: str) -> Cell:
    return Cell(
        transport=meaning(transport)[0],
        pattern=pattern,
        size=size,
        processes=processes,
        placement="same-core",
        runtime=runtime,
    )


@pytest.mark.parametrize("runtime", [PYTHON, NATIVE])
@pytest.mark.parametrize(("transport", "pattern", "size", "processes"), CELLS)
def test_a_delay_slows_every_pattern_by_about_the_share_that_is_asked_for(
    server: ForkServer, transport: str, pattern: str, size: int, processes: int, runtime: str
) -> None:
    if runtime == NATIVE and (built() is not None or pattern == "set-up"):
        pytest.skip("the loop has no twin, or no native runtime is built here")
    cell = a_cell(transport, pattern, size, processes, runtime)
    loops = pyperf_file.calibrated(server.run(job(cell, 0)).suite)[-1][0]
    for _ in range(3):  # other processes may take the CPU from the blocks of one kind
        found = outcome_of(server.run(job(cell, loops, pairs=12)))
        assert found.turns > 0
        if 0.1 < found.slow_down < 2.5:
            return
    raise AssertionError(f"{found.slow_down:.0%} instead of about {WANTED:.0%}")


@pytest.mark.parametrize("runtime", [PYTHON, NATIVE])
def test_the_time_of_a_made_up_clock(server: ForkServer, runtime: str) -> None:
    if runtime == NATIVE and built() is not None:
        pytest.skip("no native runtime is built here")
    cell = a_cell("pipe", "latency", 64, 2, runtime)
    plain, slow = (
        pyperf_file.measured(server.run(job(cell, 100, turns, FAKE)).suite).values[0]
        for turns in (0, 100)
    )
    assert slow == pytest.approx(1.1 * plain)
    found = outcome_of(server.run(job(cell, 100, clock=FAKE, pairs=4)))
    assert (found.turns, found.slow_down) == (round(1000 * WANTED), WANTED)
