"""Comparison of two arms, read from its journal: pairs of runs, cell by cell.

Everything is validated here: a folder is untrusted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from statistics import median

import msgspec

from ipcbench.bench.results.cell import MOST_CELLS, Cell, Facts
from ipcbench.bench.results.comparison.records import (
    ARMS,
    SCHEMA,
    AnyComparisonEntry,
    ArmEntry,
    ArmFailed,
    ArmName,
    ComparisonHeader,
    GatedCell,
    Pair,
)
from ipcbench.bench.results.entries.checks import check_run
from ipcbench.bench.results.journal import COMPARISON, Unreadable, decoded, lines_of
from ipcbench.bench.results.records import (
    Calibrated,
    Ended,
    Failed,
    Resumed,
    Round,
    Run,
    Skipped,
    last_budget,
)

MOST_NUMBERS = 10_000_000  # of all runs together
MOST_PAIRS = 10_000  # of a cell: each is judged when a comparison is read

_decoder: msgspec.json.Decoder[AnyComparisonEntry] = msgspec.json.Decoder(AnyComparisonEntry)


@dataclass(slots=True)
class ComparedCell:
    """A cell of a comparison: its pairs, void ones included, in their order."""

    cell: Cell
    facts: Facts | None = None  # None for a skipped cell
    delta: float = 0.0
    promises: list[str] = field(default_factory=list)
    cpus: list[list[int]] = field(default_factory=list)
    slow_down: float = 0.0  # share by which the head arm is slowed, in a selftest
    calibrated: Calibrated | None = None
    pairs: list[Pair] = field(default_factory=list)
    failures: list[ArmFailed] = field(default_factory=list)
    skipped: Skipped | None = None
    ended: set[int] = field(default_factory=set)  # rounds that are complete, of the comparison

    @property
    def good(self) -> list[Pair]:
        """The pairs that count, in their order: not void, and of rounds that are complete."""
        return [pair for pair in self.pairs if not pair.void and pair.number in self.ended]

    def differences(self) -> list[tuple[float, ArmName]]:
        """Return ln(head / base) of each pair that counts, and the arm that went first."""
        return [(difference(pair), pair.first) for pair in self.good]

    def runs(self, arm: ArmName) -> list[Run]:
        """Return the runs of an arm that count."""
        return [getattr(pair, arm) for pair in self.good]


@dataclass(slots=True)
class Comparison:
    """A comparison, by cell."""

    header: ComparisonHeader
    cells: dict[str, ComparedCell] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    ended: Ended | None = None
    spent: float = 0.0  # seconds of the comparison, as far as its entries say

    @property
    def budget(self) -> float | None:
        """The seconds that the comparison may take, also where it was resumed with others."""
        return last_budget(self.header.budget, self.resumed)

    def arm(self, name: ArmName) -> ArmEntry:
        """Return an arm by its name."""
        return next(arm for arm in self.header.arms if arm.name == name)

    @property
    def measured(self) -> list[ComparedCell]:
        """The cells that are measured: those without a skip."""
        return [cell for cell in self.cells.values() if cell.skipped is None]


def difference(pair: Pair) -> float:
    """Return ln(head / base) of a pair, by the medians of the blocks."""
    return log(median(pair.head.values) / median(pair.base.values))


def is_comparison(folder: Path) -> bool:
    """Tell whether a folder holds a comparison."""
    return os.path.lexists(folder / COMPARISON.name)


def load(folder: Path) -> Comparison:
    """Read the folder of a comparison.

    Raises: Unreadable (one line: what is wrong, and where), FileNotFoundError, OSError.
    """
    path = folder / COMPARISON.name
    comparison: Comparison | None = None
    numbers = 0
    for number, data in lines_of(folder, COMPARISON):
        entry = decoded(path, number, data, _decoder.decode)
        try:
            if comparison is None:
                comparison = Comparison(_header(entry))
                continue
            _take(comparison, entry)
            if isinstance(entry, Pair):
                numbers += sum(len(run.values) + len(run.tail) for run in entry.runs)
            if numbers > MOST_NUMBERS:
                raise Unreadable(f"over {MOST_NUMBERS} values: compare fewer cells at once")
        except Unreadable as error:
            raise Unreadable(f"{path}:{number}: {error}") from error
    assert comparison is not None  # an empty file is Unreadable
    if len(comparison.cells) < (planned := comparison.header.planned):
        # Else those that are left could pass.
        raise Unreadable(
            f"{path}: {len(comparison.cells)} of {planned} planned cells: compare anew"
        )
    _void(comparison)
    return comparison


def _header(entry: AnyComparisonEntry) -> ComparisonHeader:
    """Check the first entry. Raises: Unreadable."""
    if not isinstance(entry, ComparisonHeader):
        raise Unreadable("it begins with no header of a comparison")
    if entry.schema != SCHEMA:
        raise Unreadable(
            f"written with schema {entry.schema}, this version reads {SCHEMA}: use the ipcbench "
            "that wrote it, or compare again"
        )
    if tuple(arm.name for arm in entry.arms) != ARMS:
        raise Unreadable("its arms are not base and head")
    return entry


def _take(comparison: Comparison, entry: AnyComparisonEntry) -> None:
    """Add an entry behind the header. Raises: Unreadable."""
    if isinstance(entry, ComparisonHeader):
        raise Unreadable("a second header")
    if isinstance(entry, Calibrated | Pair | Failed):
        comparison.spent = max(comparison.spent, entry.at)
    if isinstance(entry, GatedCell | Skipped):
        _plan(comparison, entry)
    elif isinstance(entry, Calibrated):
        _known(comparison, entry.cell).calibrated = entry
    elif isinstance(entry, Pair):
        _take_pair(_known(comparison, entry.cell), entry)
        if comparison.rounds and entry.number <= comparison.rounds[-1].round:
            raise Unreadable(f"a pair of round {entry.number} stands behind the end of it")
    elif isinstance(entry, ArmFailed):
        _known(comparison, entry.cell).failures.append(entry)
    elif isinstance(entry, Round):
        _take_round(comparison, entry)
    elif isinstance(entry, Resumed):
        comparison.resumed.append(entry)
        comparison.ended = None
    else:
        comparison.ended = entry
        comparison.spent = max(comparison.spent, entry.wall)


def _plan(comparison: Comparison, entry: GatedCell | Skipped) -> None:
    """Add a cell. Raises: Unreadable."""
    identity = entry.cell.id
    if identity in comparison.cells:
        raise Unreadable(f"the cell {identity[:200]!r} is planned twice")
    if len(comparison.cells) == MOST_CELLS:
        raise Unreadable(f"over {MOST_CELLS} cells: compare fewer at once")
    if isinstance(entry, Skipped):
        comparison.cells[identity] = ComparedCell(entry.cell, skipped=entry)
        return
    comparison.cells[identity] = ComparedCell(
        entry.cell,
        facts=entry.facts,
        delta=entry.delta,
        promises=entry.promises,
        cpus=entry.cpus,
        slow_down=entry.slow_down,
    )


def _take_pair(cell: ComparedCell, pair: Pair) -> None:
    """Add a pair; its runs have the same blocks, and no two pairs of a round count."""
    what = f"a pair of {pair.cell[:200]!r}"
    for run in pair.runs:
        check_run(run)
        if (run.cell, run.round, run.attempt) != (pair.cell, pair.number, pair.attempt):
            raise Unreadable(f"{what} has a run of another cell, round or attempt")
    if len({(run.loops, run.inner_loops) for run in pair.runs}) > 1:
        raise Unreadable(f"{what} has runs with blocks of different sizes")
    if any(run.void for run in pair.runs) and not pair.void:
        raise Unreadable(f"{what} counts, though one of its runs does not")
    if cell.pairs:
        last = cell.pairs[-1]
        later = pair.number > last.number or (pair.number == last.number and last.void)
        if not later or last.base.inner_loops != pair.base.inner_loops:
            raise Unreadable(f"{what} follows one of its round that counts, or of a later one")
    if len(cell.pairs) == MOST_PAIRS:
        raise Unreadable(f"over {MOST_PAIRS} pairs of {pair.cell[:200]!r}, more than are judged")
    cell.pairs.append(pair)


def _take_round(comparison: Comparison, line: Round) -> None:
    last = comparison.rounds[-1].round if comparison.rounds else 0
    if line.round <= last:
        raise Unreadable(f"round {line.round} ends behind round {last}")
    comparison.rounds.append(line)


def _void(comparison: Comparison) -> None:
    """Apply the ends of the rounds to their pairs: what the hypervisor has disturbed is void."""
    ended = {line.round for line in comparison.rounds}
    stolen = {line.round: line for line in comparison.rounds if line.void}
    for cell in comparison.cells.values():
        cell.ended = ended
        for pair in cell.pairs:
            line = stolen.get(pair.number)
            if line is not None and not pair.void and any(map(line.disturbs, pair.runs)):
                pair.void = line.void


def _known(comparison: Comparison, cell: str) -> ComparedCell:
    try:
        found = comparison.cells[cell]
    except KeyError:
        found = None
    if found is None or found.skipped is not None:
        raise Unreadable(f"an entry names the cell {cell[:200]!r}, which is not measured")
    return found


def pairs_of(comparison: Comparison) -> Iterator[Pair]:
    """Yield the pairs of all cells, void ones included."""
    return (pair for cell in comparison.cells.values() for pair in cell.pairs)
