"""Results of a sweep, read from its journal: measured, skipped and failed cells.

Reports read them. Everything is validated here: a folder is untrusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from statistics import median

from ipcbench.bench.results.cell import MOST_CELLS, Cell, Facts
from ipcbench.bench.results.entries.checks import check_observation, check_run
from ipcbench.bench.results.entries.judgements import Judgements
from ipcbench.bench.results.journal import Unreadable, read
from ipcbench.bench.results.records import (
    READABLE,
    Calibrated,
    Contested,
    Ended,
    Failed,
    Header,
    Looked,
    Observation,
    PlannedEntry,
    Promised,
    Resumed,
    Round,
    Run,
    Skipped,
    last_budget,
)

MOST_NUMBERS = 40_000_000  # of all runs together: about 4 GiB of memory if each is a bucket


class Status(Enum):
    """Status of a cell."""

    OK = "ok"
    DISTURBED = "disturbed"  # every run is void
    FAILED = "failed"
    SKIPPED = "skipped"
    PENDING = "not measured"  # the sweep ended before its first run


@dataclass(slots=True)
class CellResult:
    """The runs, failures and facts of a cell."""

    cell: Cell
    facts: Facts | None = None  # None for a skipped cell
    tasks: list[str] = field(default_factory=list)  # none in older journals
    loops: int | None = None
    stamps: int = 0
    usual_foreign: float = 0.0  # share of foreign time in quiet runs
    waiting: dict[int, float] = field(default_factory=dict)  # process -> share of a CPU
    turns: int = 0  # of a slowed control's delay
    slow_down: float = 0.0  # the share that it adds
    rates: tuple[float, float] = (0.0, 0.0)  # of an open loop: capacity, and messages a second
    rescaled: list[int] = field(default_factory=list)  # rounds after which the loops changed
    runs: list[Run] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    skipped: Skipped | None = None

    @property
    def good(self) -> list[Run]:
        """The runs that count, which are not void."""
        return [run for run in self.runs if not run.void]

    @property
    def status(self) -> Status:
        if self.skipped is not None:
            return Status.SKIPPED
        if self.good:
            return Status.OK
        if self.runs:
            return Status.DISTURBED
        return Status.FAILED if self.failures else Status.PENDING

    @property
    def disturbed(self) -> bool:
        """True where fewer than half of the measured rounds count: its figure has no verdict."""
        measured, good = ({run.round for run in runs} for runs in (self.runs, self.good))
        return 2 * len(good) < len(measured)

    def by_round(self) -> dict[int, float]:
        """Return the seconds per unit of each round: the median of its run's blocks."""
        return {run.round: median(run.values) for run in self.good}


@dataclass(slots=True)
class Results:
    """The results of a sweep, by cell.

    `contests`: id -> contest; none in a journal of an older version. `promises`: name -> promise,
    of a sweep of promised cells. `looks`: in their order. `observations`: by experiment.
    """

    header: Header
    cells: dict[str, CellResult] = field(default_factory=dict)
    contests: dict[str, Contested] = field(default_factory=dict)
    promises: dict[str, Promised] = field(default_factory=dict)
    looks: list[Looked] = field(default_factory=list)
    observations: dict[str, Observation] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    ended: Ended | None = None
    spent: float = 0.0  # seconds of the sweep, as far as its entries say

    @property
    def budget(self) -> float | None:
        """The seconds that the sweep may take, also where it was resumed with others."""
        return last_budget(self.header.budget, self.resumed)

    def ok(self) -> Iterator[CellResult]:
        """Yield the cells that have a figure."""
        return (cell for cell in self.cells.values() if cell.status is Status.OK)

    def is_measured(self, cell: str) -> bool:
        """Tell whether the sweep measures a cell of that id."""
        return cell in self.cells and self.cells[cell].skipped is None

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
    contests = Judgements()
    results = Results(
        header,
        contests=contests.contests,
        promises=contests.of_promises.promises,
        looks=contests.looks,
    )
    numbers = 0
    try:
        for line in lines:
            if isinstance(line, Contested | Promised | Looked):
                _judge(results, contests, line, begun=numbers > 0)
            else:
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


def _judge(
    results: Results, contests: Judgements, entry: Contested | Promised | Looked, *, begun: bool
) -> None:
    """Add a contest, a promise or a look. Raises: Unreadable."""
    if isinstance(entry, Looked):
        results.spent = max(results.spent, entry.at)
        contests.look(entry, results.is_measured)
        return
    what = "promise" if isinstance(entry, Promised) else "contest"
    if begun:  # they are fixed before anything is known of them
        raise Unreadable(f"the {what} {entry.id[:200]!r} comes after the first run")
    if isinstance(entry, Promised):
        contests.of_promises.add(entry, results.is_measured)
    else:
        contests.add(entry, results.is_measured)


def _take(results: Results, entry: object) -> None:
    """Add an entry of the journal. Raises: Unreadable."""
    if isinstance(entry, Calibrated | Run | Failed | Observation):
        results.spent = max(results.spent, entry.at)
    if isinstance(entry, PlannedEntry | Skipped) and entry.cell.id in results.cells:
        raise Unreadable(f"the cell {entry.cell.id[:200]!r} is planned twice")
    if isinstance(entry, PlannedEntry):
        results.cells[entry.cell.id] = CellResult(entry.cell, entry.facts, entry.tasks)
    elif isinstance(entry, Skipped):
        results.cells[entry.cell.id] = CellResult(entry.cell, skipped=entry)
    elif isinstance(entry, Calibrated):
        result = _known(results, entry.cell)
        result.loops, result.rates = entry.loops, (entry.capacity, entry.rate)
        result.stamps, result.usual_foreign = entry.stamps, entry.usual_foreign
        result.turns, result.slow_down = entry.turns, entry.slow_down
        if entry.round:
            result.rescaled.append(entry.round)
        else:
            result.waiting = entry.waiting
    elif isinstance(entry, Run):
        check_run(entry)
        runs = _known(results, entry.cell).runs
        if runs and runs[0].inner_loops != entry.inner_loops:
            raise Unreadable(f"runs of {entry.cell[:200]!r} have blocks of different sizes")
        runs.append(entry)
    elif isinstance(entry, Failed):
        _known(results, entry.cell).failures.append(entry)
    elif isinstance(entry, Observation):
        check_observation(entry, results.header.experiments, results.observations)
        results.observations[entry.experiment] = entry
    elif isinstance(entry, Round):
        results.rounds.append(entry)
    elif isinstance(entry, Resumed):
        results.resumed.append(entry)
        results.ended = None
    elif isinstance(entry, Ended):
        results.ended = entry
        results.spent = max(results.spent, entry.wall)


def _void(results: Results) -> None:
    """Apply the steal of a round to the runs that it disturbed."""
    rounds = {line.round: line for line in results.rounds if line.void}
    for result in results.cells.values() if rounds else ():
        for run in result.runs:
            line = rounds.get(run.round)
            if line is not None and not run.void and line.disturbs(run):
                run.void = line.void


def _known(results: Results, cell: str) -> CellResult:
    try:
        return results.cells[cell]
    except KeyError:
        raise Unreadable(f"an entry names the cell {cell[:200]!r}, which was not planned") from None
