"""Figures against the length of a block: a figure must not depend on the length.

All lengths of a cell are measured in each round, in random order, each in fresh processes and
with the warm-up that a sweep uses. A round gives one ratio for each length, to the longest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from ipcbench.bench.plan.planner import PlannedCell, plan
from ipcbench.bench.plan.timing import is_crowded, timing_of
from ipcbench.bench.results.axes import CROSS_CORE, SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pyperf_file import measured
from ipcbench.bench.results.records import Settings
from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.stats import median_interval
from ipcbench.bench.sweep.calibration import loops_for
from ipcbench.bench.sweep.candidates import candidate, site
from tests.bench_self.runs import Workers, job_of

SETTINGS = Settings(values=2, warmups=1, block=0.0055, stamps=0, rounds=1)
LOOPS = (90, 300, 900, 3000, 6000)
TIMES = (1, 4, 20)  # lengths of the other cells' blocks, in blocks of a sweep
TRIAL = 100  # loops of the first run of a cell
DEADLINE = 120.0
BOUNDS = 0.95, 1.05

STREAMS = ("pipe", "shm:posix+posix-sem")
PAIRS = ("pipe", "unix-stream", "shm:posix+posix-sem")
CROWDED = (
    ("pairs", "pipe"),
    ("pairs", "shm:posix+posix-sem"),
    ("fan-in", "unix-stream"),
    ("counter", "sysv-sem"),
)


@dataclass
class Lengths:
    """A cell, and its figures by the loops of a block: one of each round."""

    planned: PlannedCell
    loops: Sequence[int]
    times: dict[int, list[float]] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield a line for each length."""
        longest = self.times[max(self.loops)]
        for loops in self.loops:
            own = self.times[loops]
            found = median_interval([one / last for one, last in zip(own, longest, strict=True)])
            excluded = found.high < BOUNDS[0] or found.low > BOUNDS[1]
            yield (
                f"  {self.planned.cell.id:58} {loops:8} loops {human_seconds(median(own)):>8}"
                f"  {found.median:.3f}  {found.low:.3f} to {found.high:.3f}"
                f"  ({found.coverage:.1%}, {found.n} rounds){'  OFF' if excluded else ''}"
            )


def measure(rounds: int, only: str) -> Iterator[str]:
    """Measure all lengths in all rounds; yield the lines of the table."""
    with Workers() as workers:
        found = [one for one in _cells(workers) if only in one.planned.cell.id]
        todo = [(one, loops) for one in found for loops in one.loops]
        for number in range(rounds):
            workers.renew()
            for one, loops in random.Random(number).sample(todo, len(todo)):
                one.times.setdefault(loops, []).append(_run(workers, one.planned, loops))
    for one in found:
        yield from one.lines()


def _cells(workers: Workers) -> Iterator[Lengths]:
    for transport in PAIRS:
        yield Lengths(_planned("latency", transport), LOOPS)
    for transport in STREAMS:
        yield _by_time(workers, _planned("stream", transport, placement=SAME_CORE))
    for pattern, transport in CROWDED:
        planned = _planned(pattern, transport, 8)
        if is_crowded(planned.cell, planned.cpus):
            yield _by_time(workers, planned)


def _by_time(workers: Workers, planned: PlannedCell) -> Lengths:
    unit = _run(workers, planned, TRIAL)
    block = timing_of(planned.cell, planned.cpus, SETTINGS).block
    loops = loops_for(planned.cell, unit, block)
    return Lengths(planned, [loops * times for times in TIMES])


def _planned(
    pattern: str, transport: str, processes: int = 2, placement: str = CROSS_CORE
) -> PlannedCell:
    cell = Cell(
        transport=transport,
        pattern=pattern,
        size=0 if pattern == "counter" else 64,
        processes=processes,
        placement=placement,
    )
    return plan([cell], candidate, site()).cells[0]


def _run(workers: Workers, planned: PlannedCell, loops: int) -> float:
    """Measure the seconds per unit: the median block of a run in fresh processes."""
    reply = workers.parent.run(job_of(planned, loops, SETTINGS, DEADLINE))
    assert reply.failure is None, reply.failure
    return median(measured(reply.suite).values)
