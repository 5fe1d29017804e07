"""The time from fork to the first timed block: a worker of two processes, channel checked."""

from __future__ import annotations

from ipcbench.bench.plan.profile import Settings
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.bench.workers.fork_parent import ForkServer
from ipcbench.bench.workers.job import Job
from ipcbench.transports.kernel_objects.ledger import current

STARTS = 60
NAMES = ("pipe", "unix-stream", "sysv-queue", "shm:posix+posix-sem")


def measure() -> dict[str, Interval]:
    """Measure transport -> interval of the seconds from fork to the first timed block."""
    settings = Settings(values=1, warmups=1, block=0.001, stamps=0, rounds=1)
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    current()  # a ledger that all workers share
    parent = ForkServer()
    try:
        for _ in range(STARTS):
            for name, starts in found.items():
                cell = Cell(transport=name, pattern="latency", size=64, placement="same-core")
                reply = parent.run(_job(cell, settings))
                assert reply.outcome is not None, reply.failure
                starts.append(reply.outcome.start_up)
    finally:
        parent.close()
    return {name: median_interval(starts) for name, starts in found.items()}


def _job(cell: Cell, settings: Settings) -> Job:
    return Job(
        cell=cell,
        round=1,
        loops=100,
        settings=settings,
        cpus=[[0], [0]],
        awake=False,
        clock="perf_counter",
        deadline=10.0,
    )
