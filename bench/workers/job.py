"""What a worker is asked for, and what comes back: the messages around one run."""

from __future__ import annotations

import msgspec

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings, Usage
from ipcbench.bench.workers.control import Broken, Message

PROTOCOL = 1
"""The version of the messages between the command and the fork parent."""

_encoder = msgspec.json.Encoder()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one cell: its `attempt` in its round. `loops` 0: find out how many fill a block.

    `cpus`: for each process, the CPUs that it is pinned to. `deadline`:
    seconds after which the watchdog kills the run.
    """

    cell: Cell
    round: int
    attempt: int = 1
    loops: int
    settings: Settings
    cpus: list[list[int]]
    awake: bool
    clock: str
    deadline: float

    def encoded(self) -> bytes:
        """As JSON. Axes at their defaults are left out: an older side knows fewer of them."""
        short = _ShortCell(**msgspec.structs.asdict(self.cell))
        return _encoder.encode(msgspec.structs.replace(self, cell=short))


class _ShortCell(Cell, frozen=True, kw_only=True, omit_defaults=True):
    """A cell that is encoded without the axes that are at their defaults."""


class Phase(Message, tag="phase"):
    """What a worker is at: the watchdog names it when it has to kill."""

    where: str


class Outcome(Message, kw_only=True, tag="outcome"):
    """What a worker found beside pyperf's values: see `ipcbench.bench.results.records.Run`."""

    depth: int | None
    usage: list[Usage]
    foreign: float | None
    steal: float
    tail: dict[int, int]
    observations: dict[str, float]
    start_up: float
    timed: float


Report = Phase | Outcome | Broken
"""The lines that a worker writes while it lives."""


class Reply(msgspec.Struct, kw_only=True):
    """What the fork parent answers to a job: `failure`, or the other two.

    `suite` is what pyperf's worker wrote, as it is. `cell` (its id), `round` and `attempt`
    name the job. The first reply answers none: it says that the fork parent is ready, and
    its `protocol`.
    """

    cell: str = ""
    round: int = 0
    attempt: int = 0
    protocol: int = 0
    failure: Broken | None = None
    suite: msgspec.Raw = msgspec.Raw(b"null")
    outcome: Outcome | None = None
    wall: float = 0.0

    def name_after(self, job: Job) -> None:
        """Name the job that this answers."""
        self.cell, self.round, self.attempt = job.cell.id, job.round, job.attempt

    def answers(self, job: Job) -> bool:
        return (self.cell, self.round, self.attempt) == (job.cell.id, job.round, job.attempt)
