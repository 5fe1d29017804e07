"""Entries of a selftest's journal, `selftest.jsonl`, and its reader.

The runs of the gate have folders and journals of their own. Here stand the order, and the delays
that the long runs have measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeAlias

import msgspec

from ipcbench.bench.plan.options import Options
from ipcbench.bench.results.comparison.records import Delta
from ipcbench.bench.results.entries.bounds import Count, Number, Positive, Span, Text
from ipcbench.bench.results.entries.fingerprint import Fingerprint
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.journal import Kind, Unreadable, decoded, lines_of
from ipcbench.bench.results.records import Ended, Entry, Resumed

SELFTEST = Kind("selftest.jsonl", "selftest")
SCHEMA = 1
MOST_RUNS = 1000


class SelftestHeader(Entry, kw_only=True, tag="selftest"):
    """The first entry: all that is needed to resume the selftest.

    Attributes:
        runs: so many runs of the gate; 0: as many as the budget bears.
        budget: seconds after which no further run begins.
        each: seconds of a run of the gate, at most.
        plan: digest of the planned cells.
    """

    schema: Count
    version: Text
    started: Text
    command: list[str]
    seed: Count
    runs: Count
    budget: Span | None
    each: Span
    profile: Text
    options: Options
    delta: Delta
    clock: Text
    keep_disturbed: bool = False
    machine: MachineInfo
    fingerprint: Fingerprint
    plan: Text


class Delayed(Entry, kw_only=True, tag="delayed"):
    """The share that a delay adds to a cell, as one long run has measured it."""

    cell: Text
    asked: Number
    turns: Positive
    share: Number


class Undelayed(Entry, kw_only=True, tag="undelayed"):
    """A cell that could not be slowed, and why: it is slowed in no run."""

    cell: Text
    reason: Text


class Played(Entry, kw_only=True, tag="played"):
    """A run of the gate is over, after so many seconds of the selftest."""

    run: Positive
    at: Span


AnySelftestEntry: TypeAlias = SelftestHeader | Delayed | Undelayed | Played | Resumed | Ended

_decoder: msgspec.json.Decoder[AnySelftestEntry] = msgspec.json.Decoder(AnySelftestEntry)


@dataclass(slots=True)
class Measured:
    """The turns of a delay, and the shares that its long runs have found."""

    turns: int
    shares: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share that the delay adds: the median of its runs."""
        return median(self.shares)


@dataclass(slots=True)
class Selftest:
    """A selftest, as its journal has it.

    `delays`: (cell, share asked for) -> what was measured of the last turns.
    """

    header: SelftestHeader
    delays: dict[tuple[str, float], Measured] = field(default_factory=dict)
    undelayed: dict[str, str] = field(default_factory=dict)
    played: int = 0
    spent: float = 0.0
    ended: bool = False

    def take(self, entry: AnySelftestEntry) -> None:
        """Add an entry. Raises: Unreadable."""
        if isinstance(entry, SelftestHeader):
            raise Unreadable("a second header")
        if isinstance(entry, Delayed):
            key = entry.cell, entry.asked
            found = self.delays.get(key)
            if found is None or found.turns != entry.turns:
                found = self.delays[key] = Measured(entry.turns)
            found.shares.append(entry.share)
        elif isinstance(entry, Undelayed):
            self.undelayed[entry.cell] = entry.reason
        elif isinstance(entry, Played):
            self.played, self.spent = entry.run, entry.at
        elif isinstance(entry, Resumed):
            self.ended = False
        else:
            self.ended = entry.reason != "interrupted"


def load(folder: Path) -> Selftest:
    """Read the folder of a selftest.

    Raises: Unreadable (one line: what is wrong, and where), FileNotFoundError, OSError.
    """
    path = folder / SELFTEST.name
    found: Selftest | None = None
    for number, data in lines_of(folder, SELFTEST):
        entry = decoded(path, number, data, _decoder.decode)
        try:
            if found is None:
                found = Selftest(_header(entry))
            else:
                found.take(entry)
        except Unreadable as error:
            raise Unreadable(f"{path}:{number}: {error}") from error
    assert found is not None  # an empty file is Unreadable
    return found


def _header(entry: AnySelftestEntry) -> SelftestHeader:
    """Check the first entry. Raises: Unreadable."""
    if not isinstance(entry, SelftestHeader):
        raise Unreadable("it begins with no header of a selftest")
    if entry.schema != SCHEMA:
        raise Unreadable(f"written with schema {entry.schema}, this version reads {SCHEMA}")
    if entry.runs > MOST_RUNS:
        raise Unreadable(f"over {MOST_RUNS} runs, more than a selftest has")
    return entry
