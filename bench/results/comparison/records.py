"""Entries of a comparison's journal, `comparison.jsonl`: one versioned schema.

They share their parts, and most of their lines, with the journal of a sweep
(`ipcbench.bench.results.records`). A round has pairs of runs instead of runs.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.bounds import Count, Number, Positive, Span, Text
from ipcbench.bench.results.entries.fingerprint import Fingerprint
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.records import (
    Calibrated,
    Ended,
    Entry,
    Failed,
    Resumed,
    Round,
    Run,
    Settings,
    Skipped,
)

SCHEMA = 1
BASE: Final = "base"
HEAD: Final = "head"
MOST_PROMISES = 1000  # of a cell
LARGEST_DELTA = 10.0

ArmName: TypeAlias = Literal["base", "head"]
ARMS: tuple[ArmName, ArmName] = (BASE, HEAD)
Promises: TypeAlias = Annotated[list[Text], msgspec.Meta(max_length=MOST_PROMISES)]
Delta: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=LARGEST_DELTA)]


class ArmEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the two arms, as it was prepared.

    `spec`: as it was asked for. `described`: for people, such as a commit and its subject.
    `digest`: identifies what is measured.
    """

    name: ArmName
    spec: Text
    described: Text
    digest: Text
    version: Text
    python: Text
    protocol: Count


class ComparisonHeader(Entry, kw_only=True, tag="comparison"):
    """The first entry: all that is needed to repeat the comparison, or to resume it.

    `pairs`: so many of each cell, whatever the verdicts; 0: until each cell has one.
    """

    schema: Count
    version: str
    started: str  # ISO 8601, with the offset
    command: list[str]
    seed: Count
    budget: Span | None
    delta: Delta  # of a cell without one of its own
    settings: Settings
    machine: MachineInfo
    fingerprint: Fingerprint | None = None
    arms: Annotated[list[ArmEntry], msgspec.Meta(min_length=2, max_length=2)]
    clock: str
    plan: str  # digest of the planned cells, which must be the same to resume
    planned: int = 0  # number of cells that follow, measured or skipped
    code: str = ""  # digest of the code of this command that measures
    # Of pyperf, constant during a comparison.
    metadata: dict[str, str | int | float] = msgspec.field(default_factory=dict)
    keep_disturbed: bool = False  # runs count whatever disturbed them
    pairs: Count = 0
    thresholds: str = ""  # the file of promises that name its cells
    selftest: bool = False  # a run of a selftest, which continues it


class GatedCell(Entry, kw_only=True, tag="gated"):
    """A cell that both arms play.

    `delta`: a slow-down of so large a share is to be found. `promises`: those that name it.
    `cpus`: for each process, those that it may use. `slow_down`: the share by which the head arm is
    slowed on purpose, in a selftest; its calibration has the delay.
    """

    cell: Cell
    facts: Facts
    delta: Delta
    promises: Promises = msgspec.field(default_factory=list)
    cpus: list[list[Count]] = msgspec.field(default_factory=list)
    slow_down: Number = 0.0


class Pair(Entry, kw_only=True, tag="pair"):
    """A pair: a fresh run of each arm, one right after the other.

    `number`: of its round. `first`: the arm that went first, by a coin. `void`: the reason why
    the pair does not count, or "".
    """

    cell: str
    number: Positive
    attempt: Positive
    first: ArmName
    base: Run
    head: Run
    void: str = ""
    at: Number = 0.0  # seconds of the comparison so far, with those before a resumption

    @property
    def runs(self) -> tuple[Run, Run]:
        """The runs of both arms, base first."""
        return self.base, self.head


class ArmFailed(Failed, kw_only=True, tag="arm failed"):
    """A failed run of one arm; `round` 0: its calibration."""

    arm: ArmName


AnyComparisonEntry: TypeAlias = (
    ComparisonHeader | GatedCell | Skipped | Calibrated | Pair | ArmFailed | Round | Resumed | Ended
)
