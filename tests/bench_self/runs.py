"""Interleaved runs of a cell, in the real worker, and of the programs it is compared with.

A round has a fresh fork server. In it every side of a comparison runs twice, in order and in
reverse order (a b c, c b a), each time in fresh processes, so that a disturbance affects all
sides. A round gives one ratio.
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Protocol

import msgspec

from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.plan.planner import PlannedCell, plan
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.workers.fork_parent import ForkServer
from ipcbench.bench.workers.job import Job
from ipcbench.transports.kernel_objects.ledger import current
from ipcbench.transports.native.endpoint import built
from tests.reference import build

BLOCK = 0.012  # minimum seconds of a block
TRIAL = 0.002  # the same while the number of loops is searched
SETTINGS = Settings(values=3, warmups=1, block=BLOCK, stamps=0, rounds=1)
DEADLINE = 30.0
NATIVE = "native"
CPU = max(os.sched_getaffinity(0))


def job_of(planned: PlannedCell, loops: int, settings: Settings, deadline: float = DEADLINE) -> Job:
    """Return the job of a run in real time, timed as a sweep with these settings times it."""
    timing = timing_of(planned.cell, planned.cpus, settings)
    return Job(
        cell=planned.cell,
        round=1,
        loops=loops,
        settings=timing.settings,
        warm_up=timing.warm_up,
        cpus=planned.cpus,
        awake=planned.cell.placement == CROSS_CORE_AWAKE,
        clock=REAL,
        deadline=deadline,
    )


class NoRun(Exception):
    """A run without a result; the message is the reason."""


class Side(Protocol):
    """A program that is timed."""

    @property
    def name(self) -> str: ...

    def run(self, loops: int) -> float:
        """Measure a round trip or a message in seconds: the median block of fresh processes.

        Raises: NoRun.
        """


class Workers:
    """The fork server, a fresh one each round. A context manager."""

    def __init__(self) -> None:
        current()  # a ledger that all workers share
        self.parent = ForkServer()

    @cached_property
    def native_missing(self) -> str:
        """The reason why this machine has no native runtime, or "".

        Native runs of multiprocessing must fail, because it has no native operations: one that
        succeeds has measured Python.
        """
        reason = built()
        if reason is not None:
            return reason.reason
        cell = Cell(
            transport="mp-pipe", pattern="latency", size=64, placement=SAME_CORE, runtime=NATIVE
        )
        try:
            Ours(self, cell, [[CPU], [CPU]]).run(16)
        except NoRun:
            return ""
        return "workers have no native runtime: a native run is measured in Python"

    def renew(self) -> None:
        self.parent.close()
        self.parent = ForkServer()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *raised: object) -> None:
        self.parent.close()


class _Suite(msgspec.Struct):
    """The part of a pyperf file that is read here."""

    class Benchmark(msgspec.Struct):
        class OneRun(msgspec.Struct):
            values: list[float] = []

        runs: list[OneRun]

    benchmarks: list[Benchmark]


_suites = msgspec.json.Decoder(_Suite)


@dataclass(frozen=True)
class Ours:
    """A cell, measured by the real worker; `missing` is why it cannot be measured here, or ""."""

    workers: Workers
    cell: Cell
    cpus: list[list[int]]
    missing: str = ""

    @classmethod
    def planned(cls, workers: Workers, cell: Cell) -> Ours:
        """Plan the cell as a sweep does."""
        found = plan([cell], candidate, site())
        if found.cells:
            missing = workers.native_missing if cell.runtime == NATIVE else ""
            return cls(workers, cell, found.cells[0].cpus, missing)
        why = [skip.reason for _, skip in found.skipped]
        return cls(workers, cell, [], (why or ["the transport does not have this pattern"])[0])

    @property
    def name(self) -> str:
        return f"{self.cell.transport} {self.cell.runtime}"

    def run(self, loops: int) -> float:
        if self.missing:
            raise NoRun(self.missing)
        job = Job(
            cell=self.cell,
            round=1,
            loops=loops,
            settings=SETTINGS,
            cpus=self.cpus,
            awake=self.cell.placement == CROSS_CORE_AWAKE,
            clock=REAL,
            deadline=DEADLINE,
        )
        reply = self.workers.parent.run(job)
        if reply.failure is not None:
            raise NoRun(reply.failure.what.partition("\n")[0])
        return median(_suites.decode(reply.suite).benchmarks[0].runs[0].values)


@dataclass(frozen=True)
class Program:
    """A reference program in C for the cell `ours`, with the same size and pinning."""

    source: str
    ours: Ours
    size: int | None = None  # if it differs from the cell's
    depth: int | None = None

    @property
    def name(self) -> str:
        parts = [f"{self.source}.c"]
        if self.size is not None:
            parts.append(f"{self.size} B")
        if self.depth is not None:
            parts.append(f"depth {self.depth}")
        return " ".join(parts)

    def run(self, loops: int) -> float:
        cell, cpus = self.ours.cell, self.ours.cpus
        mode = "pingpong" if cell.pattern in ("latency", "signal") else "stream"
        size = cell.size if self.size is None else self.size
        arguments = [mode, size, loops, SETTINGS.warmups + SETTINGS.values, cpus[0][0], cpus[1][0]]
        arguments += [] if self.depth is None else [self.depth]
        try:
            done = subprocess.run(
                [build.reference(self.source), *map(str, arguments)],
                capture_output=True,
                text=True,
                timeout=DEADLINE,
                check=True,
            )
        except (build.NoCompiler, build.DoesNotCompile, subprocess.TimeoutExpired) as reason:
            raise NoRun(str(reason).partition("\n")[0]) from reason
        except subprocess.CalledProcessError as error:
            raise NoRun(error.stderr.strip()) from error
        values = list(map(float, done.stdout.split()))[SETTINGS.warmups :]
        return median(values) / 1e9


@dataclass(frozen=True)
class Target:
    """The range in which a ratio should be."""

    low: float
    high: float

    def __str__(self) -> str:
        if self.low:
            return f"{self.low:.2f} to {self.high:.2f}"
        return f"{self.high:.2f} at most"

    def verdict(self, found: Interval) -> str:
        if not found.verdict_possible:
            return "too few rounds to say"
        if self.low <= found.low and found.high <= self.high:
            return "met"
        return "missed" if found.high < self.low or self.high < found.low else "open"


@dataclass
class Comparison:
    """A comparison of one side, ours, with others, each with its target or None.

    `times` has the seconds of every side for each round.
    """

    title: str
    side: Ours
    others: Sequence[tuple[Side, Target | None]]
    loops: int = 0
    failure: str = ""
    times: list[list[float]] = field(default_factory=list)

    def calibrate(self) -> None:
        """Find the number of loops at which a block of the fastest side is long enough."""
        self.loops = max(_loops(side) for side in self._sides())

    def measure_round(self) -> None:
        """Measure every side twice and append the means to `times`."""
        sides = self._sides()
        forward = [side.run(self.loops) for side in sides]
        backward = [side.run(self.loops) for side in reversed(sides)]
        self.times.append([(a + b) / 2 for a, b in zip(forward, reversed(backward), strict=True)])

    def _sides(self) -> list[Side]:
        return [self.side, *(other for other, _ in self.others)]

    def median(self, number: int) -> float:
        """Return the median seconds of a side; side 0 is ours."""
        return median(times[number] for times in self.times)

    def ratio(self, number: int) -> Interval:
        """Return our time divided by that of another side, numbered from 1."""
        return median_interval([times[0] / times[number] for times in self.times])


def _loops(side: Side) -> int:
    loops = 16
    while (block := side.run(loops) * loops) < TRIAL:
        loops *= max(2, math.ceil(TRIAL / max(block, 1e-7)))
    return math.ceil(loops * BLOCK / block)


def measure(workers: Workers, comparisons: Sequence[Comparison], rounds: int) -> None:
    """Measure all rounds of all comparisons; record a failure and skip the rest of its rounds."""
    for number in range(rounds):
        if number:
            workers.renew()
        for one in comparisons:
            if one.failure:
                continue
            try:
                if not one.loops:
                    one.calibrate()
                one.measure_round()
            except NoRun as reason:
                one.failure = str(reason)
