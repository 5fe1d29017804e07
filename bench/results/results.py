"""The results of a sweep, read from its journal: ok, skipped, failed; all are kept.

This is what reports read, and the only thing of `bench` beside `stats` that
they know. Everything is validated here: a folder may come from anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from statistics import median

import msgspec

from ipcbench.bench.results.cell import MOST_CELLS, Cell, Facts
from ipcbench.bench.results.histogram import LAST, Counts, merge
from ipcbench.bench.results.journal import Unreadable, read
from ipcbench.bench.results.pyperf_file import LONGEST, are_times
from ipcbench.bench.results.records import (
    MOST_BLOCKS,
    READABLE,
    Calibrated,
    Ended,
    Failed,
    Header,
    PlannedEntry,
    Resumed,
    Round,
    Run,
    Skipped,
)

MOST_NUMBERS = 40_000_000  # of all runs together: about 4 GiB of memory, where each is a bucket
MOST_BESIDE = 1024  # of what stands beside a run's values: processes, observations, metadata


class Status(Enum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    PENDING = "not measured"  # planned, and the sweep ended before its first run


@dataclass(slots=True)
class CellResult:
    """All that is known of one cell."""

    cell: Cell
    facts: Facts | None = None  # None for a skipped cell
    loops: int | None = None
    runs: list[Run] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    skipped: Skipped | None = None

    @property
    def good(self) -> list[Run]:
        """The runs that count: not void."""
        return [run for run in self.runs if not run.void]

    @property
    def status(self) -> Status:
        if self.skipped is not None:
            return Status.SKIPPED
        if self.good:
            return Status.OK
        return Status.FAILED if self.failures or self.runs else Status.PENDING

    def by_round(self) -> dict[int, float]:
        """Round -> seconds per unit: the median of that fresh pair's blocks."""
        return {run.round: median(run.values) for run in self.good}

    def histogram(self) -> Counts:
        """All rounds' single round trips together: bucket -> count."""
        return merge(run.tail for run in self.good)


@dataclass(slots=True)
class Results:
    header: Header
    cells: dict[str, CellResult] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    ended: Ended | None = None
    spent: float = 0.0  # seconds of sweeping, as far as the lines tell

    def ok(self) -> Iterator[CellResult]:
        """The cells that have a figure."""
        return (cell for cell in self.cells.values() if cell.status is Status.OK)

    def with_status(self, status: Status) -> list[CellResult]:
        return [cell for cell in self.cells.values() if cell.status is status]


def load(folder: Path) -> Results:
    """Read a run's folder.

    Raises: Unreadable (one line: what is wrong, and where), FileNotFoundError, OSError.
    """
    lines = read(folder)
    header = next(lines)
    if not isinstance(header, Header):
        raise Unreadable(f"{folder}: a journal begins with one sweep header")
    if header.schema not in READABLE:
        raise Unreadable(
            f"{folder}: written with schema {header.schema}, this version reads "
            f"{' and '.join(map(str, READABLE))}: use the ipcbench that wrote it, or measure again"
        )
    results = Results(header)
    numbers = 0
    try:
        for line in lines:
            _take(results, line)
            numbers += len(line.values) + len(line.tail) if isinstance(line, Run) else 0
            if len(results.cells) > MOST_CELLS:
                raise Unreadable(f"over {MOST_CELLS} cells: measure fewer in a run")
            if numbers > MOST_NUMBERS:
                raise Unreadable(f"over {MOST_NUMBERS} values and buckets: measure fewer in a run")
        _void(results)
    except Unreadable as error:
        where = "" if str(error).startswith(str(folder)) else f"{folder}: "
        raise Unreadable(f"{where}{error}") from error
    return results


def _take(results: Results, line: object) -> None:
    if isinstance(line, Calibrated | Run | Failed):
        results.spent = max(results.spent, line.at)
    if isinstance(line, PlannedEntry | Skipped) and line.cell.id in results.cells:
        raise Unreadable(f"the cell {line.cell.id[:200]!r} is planned twice")
    if isinstance(line, PlannedEntry):
        results.cells[line.cell.id] = CellResult(line.cell, line.facts)
    elif isinstance(line, Skipped):
        results.cells[line.cell.id] = CellResult(line.cell, skipped=line)
    elif isinstance(line, Calibrated):
        _known(results, line.cell).loops = line.loops
    elif isinstance(line, Run):
        _check_run(line)
        runs = _known(results, line.cell).runs
        if runs and runs[0].inner_loops != line.inner_loops:
            raise Unreadable(f"runs of {line.cell[:200]!r} are made of unlike blocks")
        runs.append(line)
    elif isinstance(line, Failed):
        _known(results, line.cell).failures.append(line)
    elif isinstance(line, Round):
        results.rounds.append(line)
    elif isinstance(line, Resumed):
        results.resumed.append(line)
        results.ended = None
    elif isinstance(line, Ended):
        results.ended = line
        results.spent = max(results.spent, line.wall)


def _void(results: Results) -> None:
    """Steal is told by the round: it voids the runs that could not see foreign time."""
    void = {line.round: line.void for line in results.rounds if line.void}
    for result in results.cells.values() if void else ():
        for run in result.runs:
            if run.foreign is None and not run.void:
                run.void = void.get(run.round, "")


def _known(results: Results, cell: str) -> CellResult:
    try:
        return results.cells[cell]
    except KeyError:
        raise Unreadable(
            f"a line speaks of the cell {cell[:200]!r}, which was not planned"
        ) from None


def check_readable(run: Run) -> None:
    """What is written must be readable. Raises: Unreadable."""
    try:
        msgspec.json.decode(msgspec.json.encode(run), type=Run)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise Unreadable(f"a run of {run.cell[:200]!r}: {error}") from error
    _check_run(run)


def _check_run(run: Run) -> None:
    """What all else relies on: no division by zero, no overflow, no bucket out of this world."""
    what = f"a run of {run.cell[:200]!r}"
    if not are_times(run.values):
        raise Unreadable(f"{what} has no values, or some that are no time for one message")
    if not all(0 <= value <= LONGEST for value in run.warmups):
        raise Unreadable(f"{what} has warm-ups that are no times")
    if not all(number <= LAST for number in run.tail):
        raise Unreadable(f"{what} has a histogram with buckets that cannot be")
    if max(len(run.values), len(run.warmups)) > MOST_BLOCKS:
        raise Unreadable(f"{what} has over {MOST_BLOCKS} values")
    beside: list[Sized] = [run.usage, run.observations, run.metadata, run.cpus, *run.cpus]
    if max(map(len, beside)) > MOST_BESIDE:
        raise Unreadable(f"{what} has over {MOST_BESIDE} processes, or of what belongs to one")
