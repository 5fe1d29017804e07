"""The journal's cost per run, and the command's memory, for 10 to 2,000 cells.

A real sweep of `null` would take minutes and measure forks. The costs that could grow are
those of the schedule, the journal and the command's memory, so the code of a sweep runs here
with ready-made replies.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import msgspec

from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.journal import Journal
from ipcbench.bench.results.records import AnyEntry, Disturbance, Settings, Usage
from ipcbench.bench.sweep.display import Silent
from ipcbench.bench.sweep.schedule import Schedule
from ipcbench.bench.workers.job import Job, Outcome, Reply

CELLS = (10, 100, 500, 2000)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Growth:
    cells: int
    write: float  # seconds a run to append, flush and sync its line
    schedule: float  # seconds a run for everything else
    kept: float  # bytes a cell that the command still uses at the end


class _Parent:
    """A substitute for the fork server that replies without forking."""

    pid = 0

    def run(self, job: Job) -> Reply:
        values = [1e-6] * job.settings.values
        runs = [{"values": values, "warmups": [[1000, 1e-6]]}]
        suite = {"benchmarks": [{"runs": runs}], "metadata": {"date": "2026-01-01 00:00:00"}}
        outcome = Outcome(
            depth=None,
            in_flight=None,
            warmups=[1e-6],
            usage=[Usage(), Usage()],
            foreign=0.0,
            disturbance=Disturbance(),
            waiting={},
            observations={},
            tail=dict.fromkeys(range(200), 7),
            start_up=0.01,
            timed=0.03,
        )
        return Reply(suite=msgspec.Raw(msgspec.json.encode(suite)), outcome=outcome, wall=0.05)

    def close(self) -> None: ...


def _one(cells: int) -> Growth:
    facts = Facts(per="round trip", family="floor", wait="none", copies=0, framing="message")
    plan = [
        PlannedCell(
            Cell(transport="null", pattern="latency", size=size, placement="same-core"),
            facts,
            [[0], [0]],
        )
        for size in range(cells)
    ]
    settings = Settings(values=3, warmups=1, block=0.01, stamps=200, rounds=ROUNDS)
    written = 0.0
    with tempfile.TemporaryDirectory(dir=".") as folder:
        journal = Journal.create(Path(folder))

        def write(line: AnyEntry) -> None:
            nonlocal written
            start = time.perf_counter()
            journal.write(line)
            written += time.perf_counter() - start

        schedule = Schedule(plan, settings, 1, write, Silent(), clock="perf_counter")
        with mock.patch("ipcbench.bench.sweep.schedule.ForkServer", _Parent):
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            start = time.perf_counter()
            schedule.run()
            wall = time.perf_counter() - start
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        journal.close()
    runs = cells * ROUNDS
    return Growth(cells, written / runs, (wall - written) / runs, (after - before) / cells)


def measure() -> list[Growth]:
    return [_one(cells) for cells in CELLS]
