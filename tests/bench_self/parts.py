"""The time of a run beside its blocks, by part, of cells of two processes.

Marks in the real processes say when each step begins and ends (`traced_server`). A step's time
is that of the worker alone, without the steps inside it, and without the blocks' own time: a
step in which it waits for its peer takes what the peer takes.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from unittest import mock

from ipcbench.bench.plan.planner import PlannedCell, plan
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, NATIVE, PYTHON, SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.workers import fork_parent
from ipcbench.bench.workers.job import Reply
from ipcbench.transports.kernel_objects.ledger import current
from tests.bench_self.runs import job_of
from tests.bench_self.traced_server import MARKS

TRANSPORTS = ("pipe", "unix-stream", "shm:posix+futex", "mp-queue")
SETTINGS = Settings(values=2, warmups=1, block=0.0055, stamps=0, rounds=1)
LOOPS = 50  # of a block: its length does not matter, and is subtracted
BETWEEN = 0.004  # seconds that the command takes for its journal between two runs, about
REQUEST, REPLY = "request", "reply"
ENDS, FORK = "server: ends", "server: fork"  # beside the command's own work


STEPS = (
    REQUEST,
    "set-up",
    "create",
    "fork of the peers",
    "attach",
    "hello, connect",
    "check",
    "account",
    "pyperf",
    "blocks",
    "stop",
    "outcome",
    REPLY,
)


@dataclass
class Parts:
    """The seconds of each step in each run of a cell."""

    cell: Cell
    steps: list[Counter[str]] = field(default_factory=list)
    cpu: float = 0.0  # of all processes, a run
    faults: float = 0.0

    def of(self, step: str) -> float:
        """Return the median seconds of a step."""
        return median(steps[step] for steps in self.steps)

    @property
    def beside(self) -> float:
        """The median seconds of a run beside its blocks, from the job to the reply."""
        return median(
            sum(seconds for step, seconds in steps.items() if step not in (ENDS, FORK))
            for steps in self.steps
        )


def lines(rounds: int, only: str) -> Iterator[str]:
    """Yield a table: a line for each part, a column for each cell."""
    for one in measure(rounds, only):
        cell = one.cell
        yield (
            f"  {cell.transport} {cell.runtime} {cell.placement}: {one.beside * 1e3:.1f} ms; "
            f"{one.cpu * 1e3:.1f} ms of CPU time, {one.faults:.0f} page faults"
        )
        yield "    " + ", ".join(f"{step} {one.of(step) * 1e3:.2f}" for step in STEPS)
        yield (
            f"    and while the command writes its journal: ends of the processes "
            f"{one.of(ENDS) * 1e3:.2f}, fork of the next worker {one.of(FORK) * 1e3:.2f}"
        )


def measure(rounds: int, only: str) -> Iterator[Parts]:
    """Run each cell so often, interleaved; yield its parts."""
    current()  # a ledger that all workers share
    with tempfile.NamedTemporaryFile() as marks, mock.patch.dict(os.environ, {MARKS: marks.name}):
        module = "tests.bench_self.traced_server"
        with mock.patch.object(fork_parent, "MODULE", module):
            server = fork_parent.ForkServer()
        try:
            cells = [cell for cell in _cells() if only in cell.cell.id]
            found = {one.cell.id: Parts(one.cell) for one in cells}
            for number in range(rounds + 1):
                for one in cells:
                    steps = _run(server, one, Path(marks.name))
                    if number:  # the first one imports the transport
                        found[one.cell.id].steps.append(steps)
            for one in cells:
                _count(server, one, found[one.cell.id], rounds)
        finally:
            server.close()
    yield from found.values()


def _cells() -> Iterator[PlannedCell]:
    cells = [
        Cell(transport=name, pattern="latency", size=64, placement=placement, runtime=runtime)
        for name in TRANSPORTS
        for runtime in (PYTHON, NATIVE)
        for placement in (SAME_CORE, CROSS_CORE_AWAKE)
    ]
    yield from plan(cells, candidate, site()).cells


def _ask(server: fork_parent.ForkServer, planned: PlannedCell) -> Reply:
    reply = server.run(job_of(planned, LOOPS, SETTINGS))
    assert reply.outcome is not None, reply.failure
    return reply


def _run(server: fork_parent.ForkServer, planned: PlannedCell, marks: Path) -> Counter[str]:
    """Return the seconds of each step of one run."""
    time.sleep(BETWEEN)
    before = marks.stat().st_size
    began = time.monotonic_ns()
    reply = _ask(server, planned)
    ended = time.monotonic_ns()
    assert reply.outcome is not None
    time.sleep(BETWEEN)
    lines = marks.read_text()[before:].splitlines()
    return _steps(lines, server.pid, began, ended, _blocks(reply))


def _blocks(reply: Reply) -> float:
    outcome = reply.outcome
    assert outcome is not None
    return outcome.timed + LOOPS * sum(outcome.warmups)


def _steps(lines: list[str], server: int, began: int, ended: int, blocks: float) -> Counter[str]:
    found: Counter[str] = Counter()
    marks = [(int(pid), step, way, int(at)) for pid, step, way, at in map(_fields, lines)]
    worker = next(pid for pid, step, way, _ in marks if step == "set-up" and way == "<")
    found[REQUEST] = next(at for pid, _, _, at in marks if pid == worker) - began
    stack: list[str] = []
    last = 0
    for pid, step, way, at in marks:
        if pid == worker:
            if stack:
                found[stack[-1]] += at - last
            stack.append(step) if way == "<" else stack.pop()
            last = at
    found[REPLY] = ended - last
    entered: dict[str, int] = {}
    for pid, step, way, at in marks:
        if pid == server and at > ended - 1_000_000 and step in (ENDS, FORK):
            if way == "<":
                entered[step] = at
            elif step in entered:
                found[step] += at - entered.pop(step)
    seconds = Counter({step: value * 1e-9 for step, value in found.items()})
    seconds["blocks"] -= blocks
    return seconds


def _fields(line: str) -> list[str]:
    return line.split("\t")


def _count(server: fork_parent.ForkServer, planned: PlannedCell, parts: Parts, runs: int) -> None:
    """Count the CPU time and the page faults of a run: a busy machine changes them least."""
    before = _spent(server.pid)
    for _ in range(runs):
        _ask(server, planned)
    after = _spent(server.pid)
    parts.cpu, parts.faults = ((b - a) / runs for a, b in zip(before, after, strict=True))


def _spent(pid: int) -> tuple[float, int]:
    """Read the CPU time and the minor faults of a server and its children: proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return cpu, int(fields[7]) + int(fields[8])
