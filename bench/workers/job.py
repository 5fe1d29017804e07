"""Messages between the command and the fork server: a job, and the reply to it."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import msgspec

from ipcbench.bench.plan.timing import WarmUp
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Disturbance, Settings, Usage
from ipcbench.bench.workers.control import Message, ProcessFailure

PROTOCOL = 7
"""The version of the messages between the command and the fork server."""

_encoder = msgspec.json.Encoder()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one cell: its `attempt` in its round. `loops` 0: calibrate.

    `settings`: those of this run, where `warm_up` is the first of the warm-ups. `stamps`:
    single times of each process in the tail pass, or messages of a long watch of an open loop; 0:
    neither. `turns`: those of a slowed control's delay, or of a delay in each message of another
    cell; 0: none. `trials`: pairs of blocks, without that delay and with it, by which its share
    is measured; where there are no turns, they are chosen before, for the share `slow_by`.
    `rate`: messages a second of an open loop; 0: a closed loop. `cpus`: for each process, the
    CPUs that it is pinned to. `deadline`: seconds after which the watchdog kills the run.
    """

    cell: Cell
    round: int
    attempt: int = 1
    loops: int
    stamps: int = 0
    turns: int = 0
    trials: int = 0
    slow_by: float = 0.0
    rate: float = 0.0
    settings: Settings
    warm_up: WarmUp = WarmUp()
    cpus: list[list[int]]
    awake: bool
    clock: str
    deadline: float

    def encoded(self) -> bytes:
        """Encode as JSON, without what is at its default: an older side knows fewer axes."""
        cell = shortened(self.cell)
        settings = _ShortSettings(**_no_defaults(self.settings))
        return _encoder.encode(msgspec.structs.replace(self, cell=cell, settings=settings))


_jobs: msgspec.json.Decoder[Job] = msgspec.json.Decoder(Job)


class _ShortCell(Cell, frozen=True, kw_only=True, omit_defaults=True):
    """A cell that is encoded without the axes that are at their defaults."""


def shortened(cell: Cell) -> Cell:
    """Return the cell in the form that is encoded without what is at its default."""
    return _ShortCell(**_no_defaults(cell))


def _no_defaults(given: Cell | Settings) -> dict[str, Any]:
    """Return the fields that are not at their defaults.

    `omit_defaults` of msgspec leaves out the default object alone, and no other equal to it: a
    number of a profile, a text of a journal.
    """
    return {
        field.name: value
        for field in msgspec.structs.fields(given)
        if (value := getattr(given, field.name)) != field.default
    }


class _ShortSettings(Settings, frozen=True, kw_only=True, omit_defaults=True):
    """Settings that are encoded without those that are at their defaults."""


class Phase(Message, tag="phase"):
    """The current phase of a worker, which the watchdog names when it kills the run."""

    where: str


class Outcome(Message, kw_only=True, tag="outcome"):
    """Results of a run beside pyperf's values: see `ipcbench.bench.results.records.Run`."""

    depth: int | None
    in_flight: int | None
    warmups: list[float]  # seconds a loop, of the blocks of the first warm-up
    usage: list[Usage]
    foreign: float | None
    disturbance: Disturbance
    waiting: dict[int, float]  # process -> share of a CPU that it took while it waited
    tail: dict[int, int]
    observations: dict[str, float]
    start_up: float
    timed: float
    # For each process, the CPUs that it may use at the end.
    cpus: list[list[int]] = msgspec.field(default_factory=list)
    turns: int = 0  # of the delay
    slow_down: float = 0.0  # the share that it adds, where this run has measured it
    distance: float | None = None  # of its CPUs, in seconds: bench/workers/cpus/distance.py
    moved: str = ""  # the process whose CPUs changed during the run
    lagged: str = ""  # the reason why its sender kept no time


Report = Phase | Outcome | ProcessFailure
"""The lines that a worker writes during a run."""

_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def decoded(job: bytes) -> Job:
    """Decode a job. Raises: msgspec.DecodeError."""
    return _jobs.decode(job)


def send_job(pipe: int, encoded: bytes) -> None:
    """Write a job into a worker's pipe, which is closed behind it. Raises: OSError."""
    _write(pipe, encoded)


def receive_job(pipe: int) -> Job | None:
    """Read a worker's job, up to the end of the pipe; None: there is none for it."""
    with os.fdopen(pipe, "rb") as file:
        written = file.read()
    return decoded(written) if written else None


def write_report(fd: int, line: Report) -> None:
    """Write a line. Raises: OSError.

    A line over PIPE_BUF may be cut by a signal whose handler ends the process with a line of
    its own: pipe(7). So a line begins with a line feed as well.
    """
    _write(fd, b"\n" + _encoder.encode(line) + b"\n")


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def read_reports(written: bytes) -> list[Report]:
    """Return the lines that a worker wrote, without those that were cut."""
    found: list[Report] = []
    for line in written.split(b"\n"):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            found += [_reports.decode(line)] if line else []
    return found


class Reply(msgspec.Struct, kw_only=True):
    """The fork server's answer to a job: `failure`, or the other two.

    `suite` is the output of pyperf's worker. `cell` (its id), `round` and `attempt` name the
    job. The first reply answers no job: it says that the fork server is ready, and names
    its `protocol`, and the `version` and the folder, `package`, of its ipcbench.
    """

    cell: str = ""
    round: int = 0
    attempt: int = 0
    protocol: int = 0
    version: str = ""
    package: str = ""
    failure: ProcessFailure | None = None
    suite: msgspec.Raw = msgspec.Raw(b"null")
    outcome: Outcome | None = None
    wall: float = 0.0

    def name_after(self, job: Job) -> None:
        """Name the job that this reply answers."""
        self.cell, self.round, self.attempt = job.cell.id, job.round, job.attempt

    def answers(self, job: Job) -> bool:
        """Say if this is the reply to that job."""
        return (self.cell, self.round, self.attempt) == (job.cell.id, job.round, job.attempt)
