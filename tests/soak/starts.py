"""Starts: each transport created, attached to, checked and timed for a moment, over and over.

1,000 times with 2 processes, 100 times with 8, in every pattern that it can play; what the list
of transports leaves out of shared memory's product, 100 times each. No start may hang or fail,
and none may leave anything.
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
from ipcbench.bench.workers.fork_parent import ForkParent
from ipcbench.bench.workers.job import Job
from ipcbench.transports.kernel_objects.ledger import current
from ipcbench.transports.registry import matching, names
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.soak.trials import Trial

TIMES = {2: 1000, 8: 100}  # processes -> starts of each transport
AT_ONCE = 100  # starts of a trial: what an interrupted soak has to play again
LOOPS = 3
DEADLINE = 20.0  # seconds of one start: a hang, whatever the machine
SETTINGS = Settings(values=1, warmups=0, block=0.001, tail=0.0, rounds=1)


def patterns(processes: int) -> list[str]:
    """`pairs` of two processes is `stream`, and so on: each way of sitting together once."""
    if processes == 2:
        return ["latency", "stream", "fan-in", "fan-out", "echo", "signal", "counter"]
    return ["pairs", "fan-in", "fan-out", "echo", "counter"]


def cells(name: str, processes: int) -> tuple[list[PlannedCell], str]:
    """What the transport can play here, and why it can play nothing."""
    asked = [
        Cell(
            transport=name,
            pattern=pattern,
            size=64 if PATTERNS[pattern].carries else 0,
            processes=processes,
            placement=UNPINNED,
        )
        for pattern in patterns(processes)
    ]
    found = plan(asked, candidate, site())
    return found.cells, "; ".join(sorted({skip.reason for _, skip in found.skipped}))


def start(name: str, processes: int, times: int) -> str:
    """So many starts, the patterns in turn. Raises: AssertionError where one is not as it must."""
    possible, why_not = cells(name, processes)
    if not possible:
        return f"not here: {why_not}"
    current()  # a ledger that all workers share
    parent = ForkParent()
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
