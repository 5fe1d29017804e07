"""The lines of a journal: what a sweep writes down, one versioned schema.

Each line of `journal.jsonl` is one of these, as JSON, told apart by its
`kind`. Times are seconds unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from bench.cell import Cell, Facts

SCHEMA = 1


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured on; `hidden` names what the machine does not tell about itself."""

    hostname: str
    kernel: str
    cpu_model: str
    cpus: list[int]  # the CPUs that we may use
    cpus_online: int
    memory_bytes: int
    virtualization: str  # "" where none was found
    python: str
    hidden: list[str] = []
    settings: dict[str, str] = {}  # what decides results: governor, idle driver, limits …

    @property
    def fingerprint(self) -> str:
        """Machines with the same one may be compared: CPU, kernel series, Python."""
        series = ".".join(self.kernel.split(".")[:2])
        python = ".".join(self.python.split(".")[:2])
        return f"{self.cpu_model} x{self.cpus_online}, Linux {series}, Python {python}"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is made. `tail`: seconds of the pass that stamps each message, 0: none."""

    values: int
    warmups: int
    block: float
    tail: float
    rounds: int


class Line(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind"):
    """The common root of all lines."""


class Header(Line, kw_only=True, tag="sweep"):
    """The first line: what it takes to repeat the sweep, or to resume it."""

    schema: int
    version: str
    started: str  # ISO 8601, with its offset
    command: list[str]
    profile: str
    seed: int
    budget: float | None
    settings: Settings
    machine: Machine
    clock: str
    plan: str  # digest of the planned cells: a resumed sweep must have the same
    metadata: dict[str, str | int | float] = {}  # pyperf's, of what stays the same


class Planned(Line, kw_only=True, tag="cell"):
    cell: Cell
    facts: Facts


class Skipped(Line, kw_only=True, tag="skipped"):
    """A cell that this machine, or the facility, cannot do; or that the profile leaves out."""

    cell: Cell
    reason: str
    remedy: str


class Calibrated(Line, kw_only=True, tag="calibrated"):
    cell: str
    loops: int


class Usage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What one process used from before the first value's block until after the last one's.

    `cpu`: its seconds on a CPU, as the scheduler counts them
    (CLOCK_PROCESS_CPUTIME_ID); the rest is from getrusage(2).
    """

    cpu: float = 0.0
    voluntary: int = 0  # context switches
    involuntary: int = 0
    minor_faults: int = 0
    major_faults: int = 0


class Run(Line, kw_only=True, tag="run"):
    """One fresh pair (or more) of processes over one fresh channel.

    `values`: seconds per unit (`Facts.per`), one for each timed block.
    `void`: why the run does not count, "" where it does. `tail`: histogram
    buckets (`bench.histogram`) -> counts, of single round trips.
    """

    cell: str
    round: int
    attempt: int
    loops: int
    inner_loops: int
    warmups: list[float]
    values: list[float]
    cpus: list[list[int]]  # for each process, the CPUs it was pinned to
    depth: int | None
    usage: list[Usage]
    foreign: float | None  # share of the timed wall time that others had, same-core alone
    steal: float = 0.0  # share of all CPUs' time meanwhile that the hypervisor took, in ticks
    tail: dict[int, int] = {}
    observations: dict[str, float] = {}  # what is no time: updates lost, …
    void: str = ""
    start_up: float  # fork of the worker -> its first timed block
    timed: float  # inside timed blocks: values and tail, no warm-ups
    wall: float  # the worker's whole life
    metadata: dict[str, str | int | float] = {}


class Failed(Line, kw_only=True, tag="failed"):
    """A run that came to nothing: who failed, where, what happened, and what would help."""

    cell: str
    round: int  # 0: while calibrating
    who: str
    where: str
    what: str
    remedy: str = ""


class Round(Line, kw_only=True, tag="round"):
    """The end of a round. `steal`: share of all CPUs' time that the hypervisor took."""

    round: int
    wall: float
    timed: float
    steal: float
    load: float
    void: str = ""  # why the runs that know of no foreign time do not count, "" where they do


class Resumed(Line, kw_only=True, tag="resumed"):
    started: str
    command: list[str]
    dropped: str = ""  # a torn last line that was cut off


Reason: TypeAlias = Literal["complete", "budget", "interrupted"]


class Ended(Line, kw_only=True, tag="end"):
    reason: Reason
    wall: float


AnyLine: TypeAlias = (
    Header | Planned | Skipped | Calibrated | Run | Failed | Round | Resumed | Ended
)
