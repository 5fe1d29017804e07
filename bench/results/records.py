"""The lines of a journal: what a sweep writes down, one versioned schema.

Each line of `journal.jsonl` is one of these, as JSON, told apart by its
`kind`. Times are seconds unless a name says otherwise. The bounds hold when a
line is read: a journal may come from anybody, and what is computed from it
must neither overflow nor take for ever.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from ipcbench.bench.results.cell import Cell, Facts

SCHEMA = 2
READABLE = (1, SCHEMA)
MOST_BLOCKS = 10_000  # of one run: its line must not grow past what a reader takes
MOST_ROUNDS = 1_000_000

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]
# Seconds, shares and loads: some may come out below 0 where a clock is corrected.
Number: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]
Span: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e13)]

# What pyperf tells of a run that differs from one run to the next.
OF_A_RUN = {"date", "duration", "load_avg_1min", "mem_max_rss", "runnable_threads", "uptime"}


class MachineInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured on; `hidden` names what the machine does not tell about itself."""

    hostname: str
    kernel: str
    cpu_model: str
    cpus: list[Count]  # the CPUs that we may use
    cpus_online: Count
    memory_bytes: Count
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

    values: Annotated[int, msgspec.Meta(ge=1, le=MOST_BLOCKS)]
    warmups: Annotated[int, msgspec.Meta(ge=0, le=MOST_BLOCKS)]
    block: Span
    tail: Span
    rounds: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROUNDS)]


class Entry(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind"):
    """The common root of all lines."""


class Header(Entry, kw_only=True, tag="sweep"):
    """The first line: what it takes to repeat the sweep, or to resume it."""

    schema: Count
    version: str
    started: str  # ISO 8601, with its offset
    command: list[str]
    profile: str
    seed: Count
    budget: Span | None
    settings: Settings
    machine: MachineInfo
    clock: str
    plan: str  # digest of the planned cells: a resumed sweep must have the same
    planned: int = 0  # how many cells follow, measured or skipped
    code: str = ""  # digest of the sources that measure
    metadata: dict[str, str | int | float] = {}  # pyperf's, of what stays the same


class PlannedEntry(Entry, kw_only=True, tag="cell"):
    cell: Cell
    facts: Facts


class Skipped(Entry, kw_only=True, tag="skipped"):
    """A cell that this machine, or the facility, cannot do; or that the profile leaves out."""

    cell: Cell
    reason: str
    remedy: str


class Calibrated(Entry, kw_only=True, tag="calibrated"):
    cell: str
    loops: Positive
    at: Number = 0.0  # seconds of sweeping until now, those before a resumption included


class Usage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What one process used from before the first value's block until after the last one's.

    `cpu`: its seconds on a CPU, as the scheduler counts them
    (CLOCK_PROCESS_CPUTIME_ID); the rest is from getrusage(2).
    """

    cpu: Number = 0.0
    voluntary: Count = 0  # context switches
    involuntary: Count = 0
    minor_faults: Count = 0
    major_faults: Count = 0


class Run(Entry, kw_only=True, tag="run"):
    """One fresh pair (or more) of processes over one fresh channel.

    `values`: seconds per unit (`Facts.per`), one for each timed block.
    `void`: why the run does not count, "" where it does. `tail`: histogram
    buckets (`ipcbench.bench.results.histogram`) -> counts, of single round trips.
    """

    cell: str
    round: Count
    attempt: Count
    loops: Positive
    inner_loops: Positive
    warmups: list[float]
    values: list[float]
    cpus: list[list[Count]]  # for each process, the CPUs it was pinned to
    depth: Count | None
    usage: list[Usage]
    foreign: Number | None  # share of the timed wall time that others had, same-core alone
    steal: Number = 0.0  # share of all CPUs' time meanwhile that the hypervisor took, in ticks
    tail: dict[Count, Positive] = {}
    observations: dict[str, Number] = {}  # what is no time: updates lost, …
    void: str = ""
    start_up: Number  # fork of the worker -> its first timed block
    timed: Number  # inside timed blocks: values and tail, no warm-ups
    wall: Number  # the worker's whole life
    at: Number = 0.0  # as in `Calibrated`
    metadata: dict[str, str | int | float] = {}


class Failed(Entry, kw_only=True, tag="failed"):
    """A run that came to nothing: who failed, where, what happened, and what would help."""

    cell: str
    round: Count  # 0: while calibrating
    who: str
    where: str
    what: str
    remedy: str = ""
    at: float = 0.0  # as in `Calibrated`


class Round(Entry, kw_only=True, tag="round"):
    """The end of a round. `steal`: share of all CPUs' time that the hypervisor took."""

    round: Count
    wall: Number
    timed: Number
    steal: Number
    load: Number
    void: str = ""  # why the runs that know of no foreign time do not count, "" where they do


class Resumed(Entry, kw_only=True, tag="resumed"):
    started: str
    command: list[str]
    dropped: str = ""  # a torn last line that was cut off


# "full": the journal was about to be larger than a reader takes.
Reason: TypeAlias = Literal["complete", "budget", "interrupted", "full"]


class Ended(Entry, kw_only=True, tag="end"):
    reason: Reason
    wall: Number  # seconds of sweeping, those before a resumption included


AnyEntry: TypeAlias = (
    Header | PlannedEntry | Skipped | Calibrated | Run | Failed | Round | Resumed | Ended
)
