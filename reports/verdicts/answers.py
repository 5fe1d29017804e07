"""Answers to the tasks of users: the tier of each situation, and the contests behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ipcbench.bench.decisions import ranks
from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.contest import LOOKS, Times
from ipcbench.bench.decisions.contests import band_of
from ipcbench.bench.decisions.ranks import Entrant, Standing
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.tasks import TASKS, Task, tasks_of
from ipcbench.bench.results.axes import PLACEMENTS, RUNTIMES
from ipcbench.bench.results.results import Results
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.estimates import MOST_ROUNDS
from ipcbench.reports.model import Measured, grouped, rank, situation_order
from ipcbench.reports.verdicts.contests import Comparison

MOST_ENTRANTS = 60  # of a tier: the fastest
MOST_TIERS = 400


@dataclass(frozen=True, slots=True)
class Tier:
    """The transports of a task in one situation; `cells`: id -> cell, of all entrants."""

    situation: Situation
    found: ranks.Tier
    cells: Mapping[str, Measured]

    @property
    def members(self) -> Sequence[Entrant]:
        """The entrants that no other one beats by more than the band, the fastest first."""
        return self.found.members

    @property
    def only(self) -> Measured | None:
        """The single member, None where there are several."""
        return self.cells[self.members[0].cell] if len(self.members) == 1 else None

    def count(self, standing: Standing) -> int:
        return sum(one.standing is standing for one in self.found.entrants)


@dataclass(frozen=True, slots=True)
class Answer:
    """A task with its tiers and contests, in the order of placements and runtimes."""

    task: str
    question: str
    tiers: Sequence[Tier]
    comparisons: Sequence[Comparison]


def answers(
    results: Results, comparisons: Iterable[Comparison], cells: Iterable[Measured]
) -> list[Answer]:
    """Return the answers to all tasks that have contests or tiers, in the order of tasks."""
    contests: dict[str, list[Comparison]] = {}
    for one in comparisons:
        contests.setdefault(one.contest.task, []).append(one)
    tiers: dict[str, list[Tier]] = {}
    for name, tier in islice(_tiers(results, list(cells)), MOST_TIERS):
        tiers.setdefault(name, []).append(tier)
    return [
        _answer(name, tiers.get(name, []), contests.get(name, []))
        for name in sorted(contests.keys() | tiers.keys(), key=lambda one: rank(tuple(TASKS), one))
    ]


def _answer(name: str, tiers: Sequence[Tier], comparisons: Sequence[Comparison]) -> Answer:
    question = TASKS[name].question if name in TASKS else name
    return Answer(
        name,
        question,
        sorted(tiers, key=lambda one: situation_order(one.situation)),
        sorted(comparisons, key=lambda one: (_place(one.situation), one.order)),
    )


def _place(one: Situation) -> tuple[object, ...]:
    return rank(PLACEMENTS, one.placement), rank(RUNTIMES, one.runtime)


class Ranking:
    """Tiers of the cells of a run, by the tests of contests."""

    def __init__(self, results: Results, cells: Sequence[Measured]) -> None:
        times = _times(cells)
        places = {one.cell.id: one.cell.placement for one in cells}
        self.rounds = max(map(len, times.values()), default=0)  # of the cell that has most
        self._aligner = Aligner(times, places.__getitem__)
        self._looks = _looks(results, times)

    def tier(self, situation: Situation, entrants: Iterable[Measured]) -> Tier | None:
        """Rank the entrants of a situation; None where fewer than two have a time."""
        by_id = {one.cell.id: one for one in _fastest(entrants)}
        if len(by_id) < 2 or self.rounds < ENOUGH_ROUNDS:
            return None
        band = band_of(situation)
        found = ranks.tier_of(list(by_id), self._aligner, band=band, looks=self._looks)
        return Tier(situation, found, by_id)


def _tiers(results: Results, cells: Sequence[Measured]) -> Iterator[tuple[str, Tier]]:
    """Yield the tiers of all tasks whose entrants are transports; none of too few rounds."""
    ranking = Ranking(results, cells)
    served = grouped_by_task(results, cells)
    for name, task in TASKS.items():
        for situation, entrants in _entrants(task, served.get(name, ())).items():
            if (tier := ranking.tier(situation, entrants)) is not None:
                yield name, tier


def _entrants(task: Task, cells: Iterable[Measured]) -> dict[Situation, list[Measured]]:
    """Group the entrants by the situation that they have in common.

    The axes that the contests of a task cross have neutral values. A task that compares each
    transport with itself has no tier of transports.
    """
    match = task.matches[0]
    if match.same_transport:
        return {}
    return grouped(cells, lambda one: one.situation.across(match.across))


def _times(cells: Iterable[Measured]) -> Times:
    """Return the times of each cell, of a bounded number of rounds."""
    return {one.cell.id: dict(islice(sorted(one.times.items()), MOST_ROUNDS)) for one in cells}


def _looks(results: Results, times: Times) -> Sequence[int]:
    """Return the looks that were planned; a fixed sweep has one, at its end."""
    if results.header.settings.adaptive:
        return LOOKS
    return (max(map(len, times.values()), default=1),)


def grouped_by_task(results: Results, cells: Iterable[Measured]) -> dict[str, list[Measured]]:
    """Collect the cells that compete, by the tasks that they serve.

    A journal without contests, of an older version, names no tasks: then it is all tasks.
    """
    found: dict[str, list[Measured]] = {}
    for one in cells:
        if one.competes:
            named = results.cells[one.cell.id].tasks
            for name in named if results.contests else tasks_of(one.cell, one.facts):
                found.setdefault(name, []).append(one)
    return found


def _fastest(entrants: Iterable[Measured]) -> list[Measured]:
    return sorted(entrants, key=lambda one: (one.interval.median, one.cell.id))[:MOST_ENTRANTS]
