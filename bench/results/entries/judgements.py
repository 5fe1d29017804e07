"""Contests and promises of a sweep, and the looks at them, checked: a journal is untrusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import Contested, Looked, Promised, PromiseStand, Stand

MOST_CONTESTS = 10_000  # of a sweep
MOST_PROMISES = 10_000  # of a sweep
MOST_PAIRS = 1_000_000  # of two cells that are compared, of all contests together
MOST_STANDS = 100_000  # of all looks together
MOST_LOOKS = 20  # at one contest or promise: each takes time when the run is read
LONGEST_NAME = 1000  # characters


class PromiseLines:
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


class Judgements:
    """The contests and promises of a sweep, and the looks at them, checked."""

    def __init__(self) -> None:
        self.contests: dict[str, Contested] = {}
        self.of_promises = PromiseLines()
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
