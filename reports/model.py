"""Results -> what a report is made of: measured cells, and the contests they stand in.

A *situation* is all that decides a figure beside the transport and the size:
two figures are held against each other only inside one situation and at one
size, which is a *contest*. Pure functions; no text is formatted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ipcbench.bench.results.axes import (
    FAMILIES,
    FLOOR,
    PATTERNS,
    PLACEMENTS,
    PYTHON,
    RUNTIMES,
    WAITS,
)
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.bench.stats import (
    ENOUGH_ROUNDS,
    Interval,
    holm,
    log_ratios,
    median_interval,
    sign_test,
)

ALPHA = 0.05
LOST = "lost updates"  # the observation of a counter: its share of all updates


def loop_of(runtime: str) -> str:
    """Who runs the timed loop, in words; mind that a language is not its loop."""
    return "Python loop" if runtime == PYTHON else f"{runtime} loop"


def rank(known: Sequence[str], name: str) -> tuple[int, str]:
    """A sorting key: the known names in their order, then the others by the alphabet."""
    return (known.index(name) if name in known else len(known), name)


@dataclass(frozen=True, slots=True)
class Situation:
    """What two figures must have in common before one may be held against the other.

    `depth` is the one asked for; None: each transport's own.
    """

    runtime: str
    pattern: str
    placement: str
    processes: int
    wait: str
    depth: int | None
    in_place: bool  # the receiver reads in the shared slot, without a copy of its own

    @property
    def order(self) -> tuple[object, ...]:
        """A sorting key: as a reader would go through them."""
        return (
            rank(RUNTIMES, self.runtime),
            rank(WAITS, self.wait),
            rank(PATTERNS, self.pattern),
            rank(PLACEMENTS, self.placement),
            self.processes,
            self.depth or 0,
            self.in_place,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell with a figure. `times`: round -> seconds per `facts.per`."""

    cell: Cell
    facts: Facts
    runs: Sequence[Run]  # those that count
    times: Mapping[int, float]
    interval: Interval  # of the times, in seconds

    @property
    def situation(self) -> Situation:
        cell = self.cell
        return Situation(
            cell.runtime,
            cell.pattern,
            cell.placement,
            cell.processes,
            self.facts.wait,
            cell.depth,
            self.facts.in_place,
        )

    @property
    def lost(self) -> Interval | None:
        """The share of updates that a counter lost, over rounds; None for other patterns."""
        shares = [run.observations[LOST] for run in self.runs if LOST in run.observations]
        return median_interval(shares) if shares else None

    @property
    def competes(self) -> bool:
        """Whether its figure is one for the work asked: the floor's is not, nor that of a
        counter without a guard."""
        if self.facts.family == FLOOR or self.cell.twin:
            return False
        if self.lost is None:
            return True
        unharmed = not any(run.observations.get(LOST) for run in self.runs)
        return unharmed and self.facts.wait != "none"

    @property
    def order(self) -> tuple[object, ...]:
        cell = self.cell
        family, runtime = rank(FAMILIES, self.facts.family), rank(RUNTIMES, cell.runtime)
        return (*self.situation.order[2:6], cell.size, runtime, family, cell.id)


def measured(results: Results) -> list[Measured]:
    """All cells that have a figure, twins and the floor too, in a reader's order."""
    found = [_measured(result) for result in results.ok() if result.facts is not None]
    return sorted(found, key=lambda one: one.order)


def _measured(result: CellResult) -> Measured:
    assert result.facts is not None  # a cell with runs was planned
    times = result.by_round()
    interval = median_interval(list(times.values()))
    return Measured(result.cell, result.facts, result.good, times, interval)


def ratios(slower: Measured, quicker: Measured) -> Interval | None:
    """How many times as fast `quicker` is, paired by round; None without a common round."""
    sample = log_ratios(slower.times, quicker.times)
    return median_interval(sample).exp() if sample else None


class Contest(NamedTuple):
    """The transports that did the same thing in the same situation, at one size."""

    situation: Situation
    size: int
    entrants: list[Measured]


def contests(cells: Iterable[Measured]) -> list[Contest]:
    """One for each situation and size, of all that compete."""
    found: dict[tuple[Situation, int], list[Measured]] = {}
    for one in cells:
        if one.competes:
            found.setdefault((one.situation, one.cell.size), []).append(one)
    ordered = sorted(found.items(), key=lambda item: (item[0][0].order, item[0][1]))
    return [Contest(situation, size, entrants) for (situation, size), entrants in ordered]


@dataclass(frozen=True, slots=True)
class Winner:
    """Who was fastest in a contest, and by how much.

    `ratio`: how many times as fast as the runner-up (None: alone). `stranger`:
    the best of all other families, and `far` the ratio to it. `firsts`:
    rounds in which it was faster than all others, of `rounds` that all have.
    `p` is adjusted over the family; None where no test was possible.
    """

    contest: Contest
    best: Measured
    second: Measured | None
    ratio: Interval | None
    stranger: Measured | None
    far: Interval | None
    firsts: int
    rounds: int
    p: float | None

    @property
    def significant(self) -> bool:
        return self.p is not None and self.p <= ALPHA


def winners(cells: Iterable[Measured]) -> list[Winner]:
    """The winner of every contest; Holm's correction runs over all of a loop that could be tested.

    The test is of "there is one that is faster than each other one". Without
    such a one, nobody is fastest of all in more than half of the rounds; let
    q be those chances, each at most 1/2 and together at most 1. The chance
    that somebody comes first in c > n/2 rounds is at most the sum of
    P(Bin(n, q) >= c), which is convex in q up to 1/2, hence greatest where
    two share everything: twice the sign test's p, however many took part.
    """
    found = [_winner(contest) for contest in contests(cells)]
    tested: dict[str, list[float]] = {}
    for one in found:
        if one.p is not None:
            tested.setdefault(one.contest.situation.runtime, []).append(one.p)
    adjusted = {runtime: iter(holm(values)) for runtime, values in tested.items()}
    return [
        one if one.p is None else replace(one, p=next(adjusted[one.contest.situation.runtime]))
        for one in found
    ]


def _winner(contest: Contest) -> Winner:
    best, *others = sorted(contest.entrants, key=lambda one: (one.interval.median, one.cell.id))
    if not others:
        return Winner(contest, best, None, None, None, None, 0, len(best.times), None)
    common = set(best.times).intersection(*(one.times for one in others))
    margins = [min(one.times[key] for one in others) - best.times[key] for key in sorted(common)]
    firsts = sum(margin > 0 for margin in margins)
    p = min(1.0, 2 * sign_test(margins)) if len(margins) >= ENOUGH_ROUNDS else None
    strangers = (one for one in others if one.facts.family != best.facts.family)
    stranger = next(strangers, None)
    far = ratios(stranger, best) if stranger else None
    ratio = ratios(others[0], best)
    return Winner(contest, best, others[0], ratio, stranger, far, firsts, len(common), p)


def ranges(sizes: Iterable[int], all_sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Sizes -> (first, last) of each stretch without a gap among `all_sizes` (ascending)."""
    place = {size: index for index, size in enumerate(all_sizes)}
    stretches: list[tuple[int, int]] = []
    for size in sorted(sizes):
        if stretches and place[size] == place[stretches[-1][1]] + 1:
            stretches[-1] = (stretches[-1][0], size)
        else:
            stretches.append((size, size))
    return stretches
