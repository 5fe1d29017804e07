"""What a worker is asked for, and what comes back: the messages around one run."""

from __future__ import annotations

import msgspec

from bench.cell import Cell
from bench.control import Broken, Message
from bench.records import Settings, Usage


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one cell. `loops` 0: find out how many fill a block.

    `cpus`: for each process, the CPUs that it is pinned to. `deadline`:
    seconds after which the watchdog kills the run.
    """

    cell: Cell
    round: int
    loops: int
    settings: Settings
    cpus: list[list[int]]
    polled: bool
    clock: str
    deadline: float


class Phase(Message, tag="phase"):
    """What a worker is at: the watchdog names it when it has to kill."""

    where: str


class Outcome(Message, kw_only=True, tag="outcome"):
    """What a worker found beside pyperf's values: see `bench.records.Run`."""

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

    `suite` is what pyperf's worker wrote, as it is.
    """

    failure: Broken | None = None
    suite: msgspec.Raw = msgspec.Raw(b"null")
    outcome: Outcome | None = None
    wall: float = 0.0
