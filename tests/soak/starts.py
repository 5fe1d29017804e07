"""Starts: each transport is created, attached to, checked and timed briefly, many times.

1,000 times with 2 processes and 100 times with 8, in every pattern that it has; 100 times for
each combination of shared memory that the list of transports leaves out. No start may hang,
fail or leave anything behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.planner import PlannedCell, plan
from ipcbench.bench.results.axes import UNPINNED
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.workers.fork_parent import ForkServer
from ipcbench.bench.workers.job import Job
from ipcbench.transports.kernel_objects.ledger import current
from ipcbench.transports.registry import matching, names
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.soak.trials import Trial

TIMES = {2: 1000, 8: 100}  # processes -> starts of each transport
AT_ONCE = 100  # starts of a trial, which an interrupted soak repeats as a whole
LOOPS = 3
DEADLINE = 20.0  # seconds of one start, which only a hang exceeds
SETTINGS = Settings(values=1, warmups=0, block=0.001, stamps=0, rounds=1)


def patterns(processes: int) -> list[str]:
    """Select patterns so that each arrangement of processes occurs once.

    `pairs` of two processes, for example, is the same as `stream`.
    """
    if processes == 2:
        return ["latency", "stream", "fan-in", "fan-out", "echo", "signal", "counter"]
    return ["pairs", "fan-in", "fan-out", "echo", "counter"]


def cells(name: str, processes: int) -> tuple[list[PlannedCell], str]:
    """Plan the cells of a transport; return them and the reasons for the others."""
    candidates = [
        Cell(
            transport=name,
            pattern=pattern,
            size=64 if PATTERNS[pattern].sized else 0,
            processes=processes,
            placement=UNPINNED,
        )
        for pattern in patterns(processes)
    ]
    found = plan(candidates, candidate, site())
    return found.cells, "; ".join(sorted({skip.reason for _, skip in found.skipped}))


def start(name: str, processes: int, times: int) -> str:
    """Start so many times, the patterns in turn. Raises: AssertionError if a start fails."""
    possible, why_not = cells(name, processes)
    if not possible:
        return f"not here: {why_not}"
    current()  # a ledger that all workers share
    parent = ForkServer()
    try:
        before = outliving()
        for number in range(times):
            planned = possible[number % len(possible)]
            reply = parent.run(_job(planned, number))
            assert reply.failure is None, (
                f"start {number} of {planned.cell.id}: {reply.failure.who}, "
                f"{reply.failure.where}: {reply.failure.what}"
            )
        left = left_since(before, outliving)
        assert not left, f"left behind by {name}: {', '.join(map(str, left))}"
    finally:
        parent.close()
    return f"{times} starts: {', '.join(one.cell.pattern for one in possible)}"


def _job(planned: PlannedCell, number: int) -> Job:
    return Job(
        cell=planned.cell,
        round=number + 1,
        loops=LOOPS,
        settings=SETTINGS,
        cpus=planned.cpus,
        awake=False,
        clock="perf_counter",
        deadline=DEADLINE,
    )


def trials(seed: int) -> Iterator[Trial]:
    listed = names()
    for name in dict.fromkeys([*listed, *matching("shm:*+*")]):
        for processes, times in TIMES.items():
            for number in range(times // AT_ONCE if name in listed else 1):
                yield Trial(
                    f"starts/{name}/{processes}p/{number}", partial(start, name, processes, AT_ONCE)
                )
