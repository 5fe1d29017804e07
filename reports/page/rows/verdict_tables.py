"""Rows of the page's tables of verdicts, bounded as those of `tables`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ipcbench.bench.decisions.contest import Verdict
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.decisions.verdicts import ContestVerdict
from ipcbench.bench.results.axes import FLOOR, SHARED_MEMORY, SYNCHRONISATION
from ipcbench.bench.results.records import Observation
from ipcbench.bench.stats import Interval
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import Measured, positions
from ipcbench.reports.page.rows.tables import Rows, bounded
from ipcbench.reports.page.sections.order import section_of_task
from ipcbench.reports.verdicts.answers import Answer, Tier
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.decisions import Decision

MOST_SIZES = 24  # columns of a table by size
MOST_GRIDS = 24  # tables of a statement
MOST_UNOPPOSED = 200
MOST_ANSWERS = 40
MOST_CONTESTS = 1000  # of a task
MOST_FAMILIES = 500
MOST_COLUMNS = 12  # of an experiment's table
MOST_OBSERVED = 60  # of its rows, and so many texts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grid(Generic[T]):
    """A table with a row for each situation and a column for each size (bytes)."""

    sizes: Sequence[int]
    rows: Rows[tuple[Situation, list[T | None]]]
    sizes_left_out: int


def _grid(items: Iterable[T], situation_of: Callable[[T], Situation]) -> Grid[T]:
    table: dict[Situation, dict[int, T]] = {}
    for item in items:
        situation = situation_of(item)
        table.setdefault(replace(situation, size=0), {})[situation.size] = item
    sizes = sorted({size for row in table.values() for size in row})
    shown = sizes[:MOST_SIZES]
    rows = [(situation, [row.get(size) for size in shown]) for situation, row in table.items()]
    return Grid(shown, bounded(rows), len(sizes) - len(shown))


def statement_grids(one: Decision) -> list[tuple[tuple[str, str], Grid[Comparison]]]:
    """Make a table for each pair of transports that a statement's contests compare."""
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for each in one.comparisons:
        key = each.first.cell.transport, each.second.cell.transport
        pairs.setdefault(key, []).append(each)
    return [(pair, comparison_grid(some)) for pair, some in pairs.items()][:MOST_GRIDS]


@dataclass(frozen=True, slots=True)
class Observed:
    """The table of an experiment, and its texts."""

    experiment: str
    columns: Sequence[str]
    rows: Rows[Sequence[float | str]]
    texts: Sequence[tuple[str, str]]


def observation_tables(observations: Iterable[Observation]) -> list[Observed]:
    """Make a table of the rows of each experiment; a cell that a row lacks is empty."""
    return [_observed(one) for one in observations if one.rows or one.texts]


def _observed(one: Observation) -> Observed:
    columns = list(dict.fromkeys(name for row in one.rows for name in row))[:MOST_COLUMNS]
    rows = [[row.get(name, "") for name in columns] for row in one.rows[:MOST_OBSERVED]]
    shown = "\n".join(str(value) for row in rows for value in row)
    texts = [(name, text) for name, text in one.texts.items() if text not in shown]
    return Observed(one.experiment, columns, Rows(rows, len(one.rows)), texts[:MOST_OBSERVED])


def comparison_grid(comparisons: Iterable[Comparison]) -> Grid[Comparison]:
    return _grid(comparisons, lambda one: one.situation)


def tier_grid(tiers: Iterable[Tier]) -> Grid[Tier]:
    return _grid(tiers, lambda one: one.situation)


@dataclass(frozen=True, slots=True)
class Unopposed:
    """A situation with shared memory alone, or without it.

    `substitute`: the best of the other side that waits, or reads, in another way, where
    there is one; `ratio`: how many times as fast `best` is (not a fair comparison).
    """

    best: Measured
    substitute: Measured | None
    ratio: Interval | None


def unopposed(cells: Iterable[Measured]) -> Rows[Unopposed]:
    """List the situations without one side, those of shared memory first."""
    every = list(cells)
    others: dict[object, Measured] = {}
    for one in every:
        if one.facts.family not in (SHARED_MEMORY, FLOOR) and not (
            one.cell.is_control or one.disturbed
        ):
            known = others.setdefault(_axes(one), one)
            if one.interval.median < known.interval.median:
                others[_axes(one)] = one
    found = [some for some in positions(every) if _one_sided({one.facts.family for one in some})]
    found.sort(key=lambda some: some[0].facts.family != SHARED_MEMORY)
    return Rows([_unopposed(some, others) for some in found[:MOST_UNOPPOSED]], len(found))


def _one_sided(kinds: set[str]) -> bool:
    """Tell whether shared memory is alone, or missing; facilities without data are no side."""
    if kinds == {SHARED_MEMORY}:
        return True
    return SHARED_MEMORY not in kinds and kinds != {SYNCHRONISATION}


def _axes(one: Measured) -> object:
    return replace(one.situation, wait="", looks=None, in_place=False)


def _unopposed(entrants: Sequence[Measured], others: Mapping[object, Measured]) -> Unopposed:
    best = min(entrants, key=lambda one: (one.interval.median, one.cell.id))
    other = others.get(_axes(best)) if best.facts.family == SHARED_MEMORY else None
    return Unopposed(best, other, ratio(other, best) if other else None)


@dataclass(frozen=True, slots=True)
class AnswerRows:
    """An answer with the tables that show it. `anchor`: its id; `section`: that of the page."""

    answer: Answer
    anchor: str
    section: str
    grid: Grid[Tier]
    contests: Rows[Comparison]


def answer_rows(answers: Sequence[Answer]) -> Rows[AnswerRows]:
    shown = [
        AnswerRows(
            one,
            f"task-{one.task if one.task in TASKS else number}",
            section_of_task(one.task),
            tier_grid(one.tiers),
            bounded(one.comparisons, MOST_CONTESTS),
        )
        for number, one in enumerate(answers[:MOST_ANSWERS], start=1)
    ]
    return Rows(shown, len(answers))


@dataclass(frozen=True, slots=True)
class Family:
    """The contests that were corrected together, by their number."""

    name: str
    contests: int
    decided: int


def families(verdicts: Iterable[ContestVerdict]) -> Rows[Family]:
    """Count the contests of each family."""
    found: dict[str, list[bool]] = {}
    for one in verdicts:
        decided = one.verdict is not Verdict.UNDECIDED
        found.setdefault(one.contest.family, []).append(decided)
    rows = [Family(name, len(some), sum(some)) for name, some in sorted(found.items())]
    return bounded(rows, MOST_FAMILIES)
