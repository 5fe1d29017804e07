"""Result of a selftest, `selftest.json`: what the gate has found, and what it could have seen.

It is kept by the machine's fingerprint, and later comparisons on that machine read it: so it is
validated like any file of a folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from ipcbench.bench.results.comparison.records import Delta
from ipcbench.bench.results.entries.bounds import Count, Number, Positive, Span, Text
from ipcbench.bench.results.entries.fingerprint import Fingerprint
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.files import write_atomically
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.untrusted import one_line, open_file

NAME = "selftest.json"
SCHEMA = 1
SIZES = (0.05, 0.10)  # by which cells are slowed
POWER = 0.95  # with which the smallest effect is found
LARGEST = 1 << 25  # bytes
MANY = "many processes"  # a class of cells; the others are called by their placement
MOST_CURVE, MOST_OUTCOMES, MOST_CLASSES = 200, 100_000, 20

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Verdict: TypeAlias = Literal["broken", "passed", "inconclusive", "not measured"]


class CellOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdict on a cell in one run of the gate.

    Attributes:
        kind: the class of the cell.
        asked: the share by which it was to be slowed; 0: both arms were equal.
        true: the share that its delay adds, as long runs have measured it.
        ratio: head / base, by the median of the pairs.
    """

    run: Positive
    cell: Text
    kind: Text
    asked: Number = 0.0
    true: Number = 0.0
    verdict: Verdict
    pairs: Count = 0
    ratio: Number = 1.0


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of the cells with an effect that the gate finds, and that it passes."""

    effect: Number
    found: Share
    passed: Share


class Sight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sight of the gate in a class of cells, by resampling the recorded pairs of equal arms.

    `smallest`: the effect that is found 95 times in 100; None: none of those that were tried.
    """

    kind: Text
    cells: Count
    pairs: Count
    smallest: Number | None = None
    curve: Annotated[list[Point], msgspec.Meta(max_length=MOST_CURVE)] = []


class SelftestResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result of a selftest.

    `budget`: seconds of a run of the gate. `spent`: seconds of all of them.
    """

    schema: Count = SCHEMA
    version: Text
    ended: Text  # ISO 8601
    folder: Text = ""
    machine: MachineInfo
    fingerprint: Fingerprint
    clock: Text
    profile: Text
    delta: Delta
    budget: Span
    spent: Span
    runs: Count
    outcomes: Annotated[list[CellOutcome], msgspec.Meta(max_length=MOST_OUTCOMES)]
    sights: Annotated[list[Sight], msgspec.Meta(max_length=MOST_CLASSES)] = []

    @property
    def equal(self) -> list[CellOutcome]:
        """The cells whose arms were equal, of all runs, as far as they were measured."""
        return [one for one in measured(self.outcomes) if not one.asked]

    @property
    def alarms(self) -> list[CellOutcome]:
        """The false alarms."""
        return [one for one in self.equal if one.verdict == "broken"]

    def slowed_by(self, asked: float) -> list[CellOutcome]:
        """Return the cells that were slowed by about this share, as far as they were measured."""
        return [one for one in measured(self.outcomes) if one.asked == asked]

    @property
    def asked(self) -> list[float]:
        """The shares by which cells were slowed, ascending."""
        return sorted({one.asked for one in self.outcomes if one.asked})

    @property
    def hidden(self) -> list[CellOutcome]:
        """The silent passes: cells that were slower by the band or more, and passed."""
        return [
            one
            for one in measured(self.outcomes)
            if one.asked and one.true >= self.delta and one.verdict == "passed"
        ]


def measured(outcomes: Iterable[CellOutcome]) -> list[CellOutcome]:
    """Leave out the cells that failed."""
    return [one for one in outcomes if one.verdict != "not measured"]


def write(result: SelftestResult, path: Path) -> None:
    """Write a result. Raises: OSError."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def read(path: Path) -> SelftestResult:
    """Read a result. Raises: Unreadable (one line), OSError."""
    with open_file(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"{path}: over {LARGEST >> 20} MiB, more than a selftest writes")
    try:
        found = msgspec.json.decode(data, type=SelftestResult)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{path}: {one_line(str(error))}") from error
    if found.schema != SCHEMA:
        raise Unreadable(f"{path}: written with schema {found.schema}, this version reads {SCHEMA}")
    return found
