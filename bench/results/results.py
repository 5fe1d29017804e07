"""Results of a sweep, read from its journal: measured, skipped and failed cells.

Reports read them. Everything is validated here: a folder is untrusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from statistics import median

from ipcbench.bench.results.cell import MOST_CELLS, Cell, Facts
from ipcbench.bench.results.entries.checks import check_observation, check_run
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
    PromiseStand,
    Resumed,
    Round,
    Run,
    Skipped,
    Stand,
    last_budget,
)

MOST_NUMBERS = 40_000_000  # of all runs together: about 4 GiB of memory if each is a bucket
MOST_CONTESTS = 10_000  # of a sweep
MOST_PROMISES = 10_000  # of a sweep
MOST_PAIRS = 1_000_000  # of two cells that are compared, of all contests together
MOST_STANDS = 100_000  # of all looks together
MOST_LOOKS = 20  # at one contest or promise: each takes time when the run is read
LONGEST_NAME = 1000  # characters


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


class _PromiseLines:
    """The promises of a sweep, and their newest states."""

    def __init__(self) -> None:
        self.promises: dict[str, Promised] = {}
        self._judged: dict[str, PromiseStand] = {}
        self._looks: Counter[str] = Counter()

    def add(self, entry: Promised, measured: Callable[[str], bool]) -> None:
        """Add a promise; `measured`: tells whether a cell is. Raises: Unreadable."""
        what = f"the promise {entry.id[:200]!r}"
        if not 0 < len(entry.id) <= LONGEST_NAME or not entry.id.isprintable():
            raise Unreadable(f"{what} has no valid name")
        if entry.id in self.promises:
            raise Unreadable(f"{what} stands twice")
        _check_measured(what, (entry.faster, entry.than), measured)
        if entry.faster == entry.than or entry.at_least is entry.at_most is None:
            raise Unreadable(f"{what} has one cell alone, or no bound")
        self.promises[entry.id] = entry
        if len(self.promises) > MOST_PROMISES:
            raise Unreadable(f"over {MOST_PROMISES} promises: measure fewer in a run")

    def take(self, stand: PromiseStand) -> None:
        """Take the newest state of a promise. Raises: Unreadable."""
        what = f"a look at the promise {stand.promise[:200]!r}"
        if stand.promise not in self.promises:
            raise Unreadable(f"{what}, which was not planned")
        self._looks[stand.promise] += 1
        kept = max(stand.above_least, stand.below_most)
        shown = {"kept": kept, "broken": min(stand.below_least, stand.above_most)}
        p, level = 2 * shown.get(stand.verdict, 0.0), self.promises[stand.promise].level
        _check_look(what, self._looks[stand.promise], p <= level)
        before = self._judged.get(stand.promise)
        self._judged[stand.promise] = stand
        if before is None:
            return
        # Holm's correction may decide a promise when another one is judged.
        fewest = before.rounds + (stand.verdict == "inconclusive")
        if before.verdict != "inconclusive" or stand.rounds < fewest:
            raise Unreadable(f"{what} after its verdict, or at no more rounds than before")


class _Judgements:
    """The contests and promises of a sweep, and the looks at them, checked."""

    def __init__(self) -> None:
        self.contests: dict[str, Contested] = {}
        self.of_promises = _PromiseLines()
        self.looks: list[Looked] = []
        self._pairs = self._stands = 0
        self._judged: dict[str, Stand] = {}  # contest -> its newest state
        self._looks: Counter[str] = Counter()  # contest -> its states

    def add(self, entry: Contested, measured: Callable[[str], bool]) -> None:
        """Add a contest; `measured`: tells whether a cell is. Raises: Unreadable."""
        what = f"the contest {entry.id[:200]!r}"
        for name in (entry.id, entry.task, entry.family):
            if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise Unreadable(f"{what} has no valid id, task or family")
        if len(entry.statement) > LONGEST_NAME or entry.id in self.contests:
            raise Unreadable(f"{what} stands twice, or its statement has no valid name")
        cells = [*entry.first, *entry.second]
        if not entry.first or not entry.second or len(set(cells)) < len(cells):
            raise Unreadable(f"{what} has an empty side, or a cell twice")
        _check_measured(what, cells, measured)
        self._pairs += len(entry.first) * len(entry.second)
        self.contests[entry.id] = entry
        if len(self.contests) > MOST_CONTESTS or self._pairs > MOST_PAIRS:
            raise Unreadable(
                f"over {MOST_CONTESTS} contests, or {MOST_PAIRS} pairs of cells in them: measure "
                "fewer in a run"
            )

    def look(self, entry: Looked, measured: Callable[[str], bool]) -> None:
        """Add a look; `measured`: as in `add`. Raises: Unreadable."""
        self._stands += len(entry.stands) + len(entry.promises)
        if self._stands > MOST_STANDS:
            raise Unreadable(f"over {MOST_STANDS} verdicts on contests: measure fewer in a run")
        _check_measured("a look", entry.goes_on, measured)
        for stand in entry.stands:
            self._check(stand)
            self._judged[stand.contest] = stand
        for promise in entry.promises:
            self.of_promises.take(promise)
        self.looks.append(entry)

    def _check(self, stand: Stand) -> None:
        what = f"a look at the contest {stand.contest[:200]!r}"
        contest = self.contests.get(stand.contest)
        if contest is None:
            raise Unreadable(f"{what}, which was not planned")
        if not (
            stand.first.keys() <= {*contest.first} and stand.second.keys() <= {*contest.second}
        ):
            raise Unreadable(f"{what} names a cell that is on no side, or on the other one")
        self._looks[stand.contest] += 1
        agrees = 2 * _shown(stand) <= contest.level and _answers(contest, stand)
        _check_look(what, self._looks[stand.contest], agrees)
        before = self._judged.get(stand.contest)
        if before is None:
            return
        names = ("first", "second", "within", "beyond")
        if not all(_fell(getattr(before, name), getattr(stand, name)) for name in names):
            raise Unreadable(f"{what} lacks a cell that it had, or its p-value has risen")
        # Holm's correction may decide a contest when another one of its family is judged.
        told = before.verdict, before.extent
        fewest = before.rounds + (told == (stand.verdict, stand.extent))
        closed = before.extent or (before.verdict != "undecided" and contest.asks != "band")
        stays = before.verdict in ("undecided", stand.verdict)
        if closed or not stays or stand.rounds < fewest:
            raise Unreadable(f"{what} after its verdict, or at no more rounds than before")


def _shown(stand: Stand) -> float:
    """Return the largest p-value that its verdict and its answer about the band rest on."""
    first, second = (max(side.values(), default=1.0) for side in (stand.first, stand.second))
    verdict = {"faster": second, "slower": first, "tie": stand.tie}.get(stand.verdict, 0.0)
    beaten = stand.second if stand.verdict == "faster" else stand.first
    outside = max((stand.beyond.get(cell, 1.0) for cell in beaten), default=1.0)
    return max(verdict, {"inside": stand.tie, "outside": outside}.get(stand.extent, 0.0))


def _answers(contest: Contested, stand: Stand) -> bool:
    """Tell whether a state answers the question of its contest, and no other one."""
    if contest.asks != "band":
        return not (stand.within or stand.beyond or stand.extent)
    allowed = {"undecided": ("",), "tie": ("inside",)}
    cells = {*stand.first, *stand.second}
    return cells == {*stand.within} == {*stand.beyond} and stand.extent in allowed.get(
        stand.verdict, ("", "inside", "outside")
    )


def _check_look(what: str, looks: int, agrees: bool) -> None:
    """Check the number of looks, and that a verdict agrees with its p-value. Raises: Unreadable."""
    if looks > MOST_LOOKS:
        raise Unreadable(f"{what} follows {MOST_LOOKS} others, more than any sweep takes")
    if not agrees:
        raise Unreadable(f"{what} gives a verdict that its p-values do not allow")


def _fell(before: Mapping[str, float], now: Mapping[str, float]) -> bool:
    """Tell whether no p-value of a cell is missing, or larger than before."""
    return before.keys() <= now.keys() and all(now[cell] <= before[cell] for cell in before)


def _check_measured(what: str, cells: Iterable[str], measured: Callable[[str], bool]) -> None:
    for cell in cells:
        if not measured(cell):
            raise Unreadable(f"{what} names the cell {cell[:200]!r}, which is not measured")


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
    contests = _Judgements()
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
    results: Results, contests: _Judgements, entry: Contested | Promised | Looked, *, begun: bool
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
