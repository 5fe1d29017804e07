"""Entries of a journal: one versioned schema.

Each line of `journal.jsonl` is one of these as JSON, with its `kind`. Times
are in seconds unless a name says otherwise. The bounds are checked when an
entry is read: a journal is untrusted, and computations with its numbers must
neither overflow nor run without end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.bounds import (
    Bound,
    Count,
    Number,
    Positive,
    PValue,
    Row,
    Span,
    Text,
)
from ipcbench.bench.results.entries.fingerprint import Fingerprint
from ipcbench.bench.results.entries.machine import MachineInfo

SCHEMA = 2
READABLE = (1, SCHEMA)
MOST_BLOCKS = 10_000  # of one run: its entry must not exceed the longest line
MOST_ROUNDS = 1_000_000
MOST_EXPERIMENTS = 100  # of a sweep
MOST_FIGURES = 1000  # of an experiment, and so many texts and rows
MOST_STAMPS = 10_000  # of a run's tail pass, as a profile asks for them

MISSED, VAIN, TORN = "values missed", "reads in vain", "torn copies"
"""Observations of `latest`: values that no read returned, by all that followed one which was read;
reads that found no newer value, and copies that were discarded, by those and the values read."""

PHASES = tuple(f"{phase}, seconds" for phase in ("create", "attach", "first message", "remove"))
"""Observations of the pattern `set-up`: the seconds of each phase, in their order."""

SLOWEST = "slowest / fastest"
"""Observation: the time of the slowest of several clients or senders by the fastest one's."""

OFFERED, REACHED = "offered rate", "reached rate"
"""Observations of an open loop: messages a second, by the schedule and really sent."""

LAG, LATE, CALL = "sender's lag", "late messages", "time of a send"
"""Observations of an open loop: seconds by which its sender was late by itself, in the mean; the
share of messages for which `send` had kept it too long; seconds of a `send`, in the mean."""

WATCHED, LEFT_OUT = "watched", "watched and left out"
"""Observations of an open loop that is watched for long: seconds whose latencies count, and seconds
in which its sender was late by itself."""

# The metadata of pyperf that differs between runs.
OF_A_RUN = {"date", "duration", "load_avg_1min", "mem_max_rss", "runnable_threads", "uptime"}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a run.

    `adaptive`: the rounds are followed by mini-rounds, of the cells of open contests alone.
    `stamps`: single times of a tail pass, 0: none; five times as many where a loop is fast, and
    fewer where it is slow (`ipcbench.bench.plan.tail`). `tail`: seconds of a tail pass, in older
    journals, which had as many stamps as a run could take in that time. It is never written.
    `watch`: seconds for which the messages of each open loop are watched, over all rounds together.
    """

    values: Annotated[int, msgspec.Meta(ge=1, le=MOST_BLOCKS)]
    warmups: Annotated[int, msgspec.Meta(ge=0, le=MOST_BLOCKS)]
    block: Span
    rounds: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROUNDS)]
    stamps: Annotated[int, msgspec.Meta(ge=0, le=MOST_STAMPS)] = 0
    tail: Span | msgspec.UnsetType = msgspec.UNSET
    adaptive: bool = False
    watch: Span = 0.0


class Entry(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind"):
    """Common root of all entries."""


class Header(Entry, kw_only=True, tag="sweep"):
    """The first entry: all that is needed to repeat the sweep, or to resume it."""

    schema: Count
    version: str
    started: str  # ISO 8601, with the offset
    command: list[str]
    profile: str
    seed: Count
    budget: Span | None
    settings: Settings
    machine: MachineInfo
    clock: str
    plan: str  # digest of the planned cells, which must be the same to resume
    planned: int = 0  # number of cells that follow, measured or skipped
    code: str = ""  # digest of the code that measures
    metadata: dict[str, str | int | float] = {}  # of pyperf, constant during a sweep
    left_out: list[tuple[str, str]] = []  # what the profile does not measure, and why
    keep_disturbed: bool = False  # runs count whatever disturbed them
    experiments: Annotated[list[Text], msgspec.Meta(max_length=MOST_EXPERIMENTS)] = []
    fingerprint: Fingerprint | None = None  # of the machine; None: of an older version


class PlannedEntry(Entry, kw_only=True, tag="cell"):
    """A cell that is measured."""

    cell: Cell
    facts: Facts
    tasks: list[str] = []  # that it serves (`ipcbench.bench.decisions.tasks`)


class Skipped(Entry, kw_only=True, tag="skipped"):
    """A cell that this machine, or the facility, does not support."""

    cell: Cell
    reason: str
    remedy: str


class Calibrated(Entry, kw_only=True, tag="calibrated"):
    """The loops of a block of a cell from now on, and the stamps of its tail pass."""

    cell: str
    loops: Positive
    stamps: Count = 0
    block: Span = 0.0  # seconds that were asked for, with pauses
    warm_up: Span = 0.0  # seconds of the first warm-up, at least; 0: one block
    round: Count = 0  # its blocks were too short or too long, so they were corrected after it
    at: Number = 0.0  # seconds of the sweep so far, with those before a resumption
    usual_foreign: Number = 0.0  # share of foreign time in quiet runs: only the excess counts
    waiting: dict[Count, Number] = {}  # process -> share of a CPU that it took while it waited
    turns: Count = 0  # of a slowed control's delay
    slow_down: Number = 0.0  # share of a round trip that the delay adds, as the calibration found
    capacity: Number = 0.0  # messages a second of a closed loop, of an open loop's cell
    rate: Number = 0.0  # messages a second that an open loop offers


class Usage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Resources that a process used, from the first value's block to the last one's.

    `cpu`: seconds on a CPU (CLOCK_PROCESS_CPUTIME_ID: clock_gettime(2)); the
    rest is from getrusage(2).
    """

    cpu: Number = 0.0
    voluntary: Count = 0  # context switches
    involuntary: Count = 0
    minor_faults: Count = 0
    major_faults: Count = 0


class Disturbance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Time that the processes of a run did not get, by cause; None: it cannot be seen here.

    The shares are of `wall`, the seconds from the first value's block to the last one's.
    """

    wall: Number = 0.0
    waited: Number | None = None  # for its CPU, by the process that waited longest
    others: Number | None = None  # of the CPU of which other processes had most
    source: str = ""  # of `others`, on several CPUs: without it, only waits are seen
    kernel: Number | None = None  # ksoftirqd and kworkers: counted as the run's own time
    throttled: Number = 0.0  # seconds that a CPU quota stopped the processes
    quota: str = ""  # the setting that did
    interrupts: Number | None = None  # of one of its CPUs, by ticks
    tasks: Number | None = None  # of the CPU of which others had most, by ticks


class Run(Entry, kw_only=True, tag="run"):
    """A run of a cell: new processes over a new channel.

    `values`: seconds per unit (`Facts.per`), one for each timed block.
    `void`: the reason why the run does not count, or "". `tail`: histogram
    buckets (`ipcbench.bench.results.histogram`) -> counts, of single round trips.
    """

    cell: str
    round: Count
    attempt: Count
    loops: Positive
    inner_loops: Positive
    warmups: list[float]
    values: list[float]
    cpus: list[list[Count]]  # for each process, the CPUs that it could use at the end
    depth: Count | None  # messages that a direction holds, where it counts in messages
    in_flight: Count | None = None  # bytes of messages that it holds before its sender waits
    usage: list[Usage]
    foreign: Number | None  # share of the time that others had; None: it cannot be seen here
    disturbance: Disturbance = msgspec.field(default_factory=Disturbance)
    distance: Number | None = None  # seconds of a cache line between its CPUs, there and back
    tail: dict[Count, Positive] = {}
    observations: dict[str, Number] = {}  # that are not times: lost updates, …
    void: str = ""
    start_up: Number  # from the worker's job to its first timed block
    timed: Number  # inside timed blocks: values and tail, no warm-ups
    wall: Number  # from the start of the worker to its end
    at: Number = 0.0  # as in `Calibrated`
    metadata: dict[str, str | int | float] = {}


class Failed(Entry, kw_only=True, tag="failed"):
    """A failed run: the process, the step, the error, and a remedy."""

    cell: str
    round: Count  # 0: calibration
    who: str
    where: str
    what: str
    remedy: str = ""
    at: Number = 0.0  # as in `Calibrated`


class Round(Entry, kw_only=True, tag="round"):
    """The end of a round.

    `steal`: the largest share that the hypervisor took of one CPU of the sweep. The runs
    that it disturbed do not count: `disturbs`.
    """

    round: Count
    wall: Number
    timed: Number
    steal: Number
    load: Number
    void: str = ""  # the reason why some of its runs do not count, or ""
    stolen: dict[Count, Number] = {}  # CPU -> share that the hypervisor took
    limit: Number = 0.0  # of the share of a process's CPUs; 0: of an older version
    mini: bool = False  # of the cells of open contests alone

    def share(self, cpus: Sequence[Sequence[int]]) -> float:
        """Return the largest share that was stolen from a process, given the CPUs of each.

        Of a process that may use several CPUs, it is their mean.
        """
        shares = (sum(self.stolen.get(cpu, 0.0) for cpu in own) / len(own) for own in cpus if own)
        return max(shares, default=0.0)

    def disturbs(self, run: Run) -> bool:
        """Say if a run of this round does not count."""
        if self.limit:
            return self.share(run.cpus) > self.limit
        return bool(self.void) and run.foreign is None  # the rule of older versions


class Contested(Entry, kw_only=True, tag="contest"):
    """A contest (`ipcbench.bench.decisions.contest.Contest`), fixed before the first run."""

    id: str
    task: str
    family: str
    statement: str = ""
    first: list[str]  # cells
    second: list[str]
    band: Annotated[float, msgspec.Meta(ge=0, le=1)]  # see `Contest`
    asks: Literal["direction", "band"] = "direction"
    level: Annotated[float, msgspec.Meta(gt=0, lt=1)]  # nominal, of its family


class Stand(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The state of a contest after a look.

    `first` and `second`: cell -> the smallest corrected p-value so far of "the other side has a
    cell that is faster"; `tie`: of "the sides are equal"; `p`: of the contest, before Holm's
    correction. `needed`: the rounds that an answer would take; 0: it has one, or no number of
    rounds would do.

    Where the contest asks for the band, `within` and `beyond` are the p-values of "the other side
    is not behind this cell by the band" and of "it is faster by more than the band", by cell of
    either side, and `extent` is the answer, "" while it is open; its verdict may be told before.
    """

    contest: str
    rounds: Count  # those that all of its cells have, and that were judged
    first: dict[str, PValue]
    second: dict[str, PValue]
    tie: PValue
    within: dict[str, PValue] = {}
    beyond: dict[str, PValue] = {}
    p: PValue
    verdict: Literal["faster", "slower", "tie", "undecided"]
    extent: Literal["", "inside", "outside"] = ""
    needed: Count = 0


class Promised(Entry, kw_only=True, tag="promise"):
    """A promise (`ipcbench.bench.decisions.promises`), fixed before the first run."""

    id: str  # its name in the thresholds file
    faster: str  # cells
    than: str
    at_least: Bound | None = None  # of time(than) / time(faster)
    at_most: Bound | None = None
    level: Annotated[float, msgspec.Meta(gt=0, lt=1)]  # nominal, of all promises together


class PromiseStand(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The state of a promise after a look.

    The p-values are the smallest so far, corrected for the looks: of "the ratio is above
    at_least", and so on. `needed`: as in `Stand`.
    """

    promise: str
    rounds: Count  # those that both cells have, and that were judged
    above_least: PValue  # 0 where there is no such bound
    below_most: PValue
    below_least: PValue  # 1 where there is no such bound
    above_most: PValue
    verdict: Literal["kept", "broken", "inconclusive"]
    needed: Count = 0


class Looked(Entry, kw_only=True, tag="look"):
    """A look: all contests, or promises, judged after so many rounds of each."""

    rounds: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROUNDS)]  # of each that is judged
    stands: list[Stand]  # of the contests that were judged anew
    promises: list[PromiseStand] = []  # of the promises that were
    goes_on: list[str] = []  # cells
    left: Number | None = None  # seconds of the budget
    at: Number = 0.0  # as in `Calibrated`


class Observation(Entry, kw_only=True, tag="observation"):
    """The result of an experiment (`ipcbench.bench.experiments`), which is played once a sweep.

    A name of a figure or of a column ends with its unit: "updates lost". An experiment that was
    not played has the reason in `skipped`; one that ended without a result has it in `failed`.
    """

    experiment: Text
    figures: Annotated[dict[Text, Number], msgspec.Meta(max_length=MOST_FIGURES)] = {}
    texts: Annotated[dict[Text, Text], msgspec.Meta(max_length=MOST_FIGURES)] = {}
    rows: Annotated[list[Row], msgspec.Meta(max_length=MOST_FIGURES)] = []
    seconds: Span = 0.0  # that it took
    skipped: Text = ""
    failed: Text = ""
    remedy: Text = ""
    at: Number = 0.0  # as in `Calibrated`


class Resumed(Entry, kw_only=True, tag="resumed"):
    """A continuation of the sweep after a stop."""

    started: str
    command: list[str]
    dropped: str = ""  # an incomplete last line that was removed
    budget: Span | None = None  # of all of it from now on, with the time before; None: as before


def last_budget(first: float | None, resumed: Iterable[Resumed]) -> float | None:
    """Return the seconds that a measurement may take; None: no limit.

    Args:
        first: those that it began with.
        resumed: its continuations, of which the last one with a budget counts.
    """
    given = [one.budget for one in resumed if one.budget is not None]
    return given[-1] if given else first


# "decided": an adaptive sweep has a verdict on each of its contests. "full": the journal has
# reached the largest size that is read.
Reason: TypeAlias = Literal["complete", "decided", "budget", "interrupted", "full"]


class Ended(Entry, kw_only=True, tag="end"):
    """The end of the sweep, or of a part of it that is continued later."""

    reason: Reason
    wall: Number  # seconds of the sweep, with those before a resumption


AnyEntry: TypeAlias = (
    Header
    | PlannedEntry
    | Skipped
    | Contested
    | Promised
    | Calibrated
    | Run
    | Failed
    | Round
    | Looked
    | Observation
    | Resumed
    | Ended
)
