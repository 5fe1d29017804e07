"""Measured cells -> the rows of the page's tables: numbers in SI units, no formatting.

Every list is bounded (`MOST_ROWS`), and says by its `total` how long it would
have been: a folder may hold anything, and the page must still open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from ipcbench.bench.results.axes import FLOOR, SHARED_MEMORY
from ipcbench.bench.results.histogram import Counts, bearable, merge, percentile
from ipcbench.bench.results.records import Run, Skipped
from ipcbench.bench.results.results import CellResult, Results, Status
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval
from ipcbench.reports.model import Contest, Measured, Situation, Winner, ratios
from ipcbench.reports.verdicts.claims import Claim, Judged
from ipcbench.reports.verdicts.statements import Compared, Judgement

MOST_ROWS = 4000
MOST_SIZES = 24  # columns of a table by size
QUANTILES = (0.5, 0.9, 0.99, 0.999)
RESAMPLES = 400
MOST_DRAWN = 1000  # rounds, or groups of rounds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The first rows of a list that had `total`."""

    rows: Sequence[T]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


def bounded(rows: Sequence[T], most: int = MOST_ROWS) -> Rows[T]:
    return Rows(rows[:most], len(rows))


@dataclass(frozen=True, slots=True)
class Grid(Generic[T]):
    """A table with a row for each situation and a column for each size (bytes)."""

    sizes: Sequence[int]
    rows: Rows[tuple[Situation, list[T | None]]]
    sizes_left_out: int


def _grid(items: Iterable[T], key: Callable[[T], tuple[Situation, int]]) -> Grid[T]:
    table: dict[Situation, dict[int, T]] = {}
    for item in items:
        situation, size = key(item)
        table.setdefault(situation, {})[size] = item
    sizes = sorted({size for row in table.values() for size in row})
    shown = sizes[:MOST_SIZES]
    rows = [(situation, [row.get(size) for size in shown]) for situation, row in table.items()]
    return Grid(shown, bounded(rows), len(sizes) - len(shown))


def winners_grid(winners: Iterable[Winner]) -> Grid[Winner]:
    return _grid(winners, lambda one: (one.contest.situation, one.contest.size))


def statement_grids(
    one: Judgement,
) -> list[tuple[tuple[str, str], Grid[Compared]]]:
    """One for each pair of a statement that was measured."""
    return [
        (pair, _grid(found, lambda each: (each.situation, each.size)))
        for pair in one.statement.pairs
        if (found := one.of(pair))
    ]


def claim_grid(claim: Claim) -> Grid[Judged]:
    return _grid(claim.judged, lambda one: (one.contest.situation, one.contest.size))


@dataclass(frozen=True, slots=True)
class Alone:
    """A contest with one side only. `foil`: the best of the other side that waits otherwise.

    `ratio`: how many times as fast `best` is as the foil; unlike with unlike.
    """

    contest: Contest
    best: Measured
    foil: Measured | None
    ratio: Interval | None


def alone(claim: Claim, cells: Iterable[Measured]) -> Rows[Alone]:
    """What the claim had nothing to compare with, shared memory first."""
    others: dict[object, Measured] = {}
    for one in cells:
        if one.facts.family not in (SHARED_MEMORY, FLOOR) and not one.cell.twin:
            known = others.setdefault(_axes(one), one)
            if one.interval.median < known.interval.median:
                others[_axes(one)] = one
    found = [_alone(contest, others) for contest in claim.alone]
    found.sort(key=lambda one: one.best.facts.family != SHARED_MEMORY)
    return bounded(found, 500)


def _axes(one: Measured) -> object:
    return replace(one.situation, wait="", in_place=False), one.cell.size


def _alone(contest: Contest, others: Mapping[object, Measured]) -> Alone:
    best = min(contest.entrants, key=lambda one: (one.interval.median, one.cell.id))
    foil = others.get(_axes(best)) if best.facts.family == SHARED_MEMORY else None
    return Alone(contest, best, foil, ratios(foil, best) if foil else None)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured cell with all that belongs to it; the last five are per unit.

    `throughput` in bytes/s, None where a value is no message's time. `cpu` in
    seconds over all processes. `depths` as the channels really had them.
    """

    measured: Measured
    throughput: float | None
    depths: str
    pinned: str
    cpu: float
    voluntary: float
    involuntary: float
    minor_faults: float
    blocks: int


def figures(cells: Sequence[Measured]) -> Rows[Figure]:
    return Rows([_figure(one) for one in cells[:MOST_ROWS]], len(cells))


def _figure(one: Measured) -> Figure:
    units = sum(run.loops * run.inner_loops * len(run.values) for run in one.runs)
    usage = [process for run in one.runs for process in run.usage]
    per_message = one.facts.per == "message"
    return Figure(
        measured=one,
        throughput=one.cell.size / one.interval.median if per_message else None,
        depths=_few({run.depth for run in one.runs if run.depth is not None}),
        pinned=_few({_pinned(run) for run in one.runs}),
        cpu=sum(process.cpu for process in usage) / units,
        voluntary=sum(process.voluntary for process in usage) / units,
        involuntary=sum(process.involuntary for process in usage) / units,
        minor_faults=sum(process.minor_faults for process in usage) / units,
        blocks=sum(len(run.values) for run in one.runs),
    )


def _pinned(run: Run) -> str:
    """`0 | 1`: a process's CPUs each."""
    return " | ".join(",".join(map(str, cpus)) for cpus in run.cpus)


def _few(found: Iterable[object]) -> str:
    texts = sorted(map(str, found))
    return "; ".join(texts[:3]) + ("; …" if len(texts) > 3 else "")


@dataclass(frozen=True, slots=True)
class Percentile:
    """Nanoseconds; `low` and `high`: 95 % of the resamplings of rounds, None under 6 rounds."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Tail:
    """Single round trips of a cell, all rounds together. None: more than the sample can bear."""

    measured: Measured
    count: int
    percentiles: list[Percentile | None]  # as QUANTILES
    longest: float  # ns


def tails(cells: Iterable[Measured]) -> Rows[Tail]:
    having = [one for one in cells if any(run.tail for run in one.runs)]
    found = [_tail(one) for one in having[:MOST_ROWS]]
    return Rows(found, len(having))


def _tail(one: Measured) -> Tail:
    rounds = _grouped([run.tail for run in one.runs if run.tail])
    buckets = sorted({bucket for histogram in rounds for bucket in histogram})
    counts = np.array(
        [[float(histogram.get(bucket, 0)) for bucket in buckets] for histogram in rounds]
    )
    middles = np.array([percentile({bucket: 1}, 1.0) for bucket in buckets])
    total = int(counts.sum())
    resampled = _resampled(counts)
    shown = [
        _percentile(counts.sum(axis=0), middles, resampled, quantile)
        if bearable(total, quantile)
        else None
        for quantile in QUANTILES
    ]
    return Tail(one, total, shown, float(middles[-1]))


def _grouped(rounds: Sequence[Counts]) -> Sequence[Counts]:
    """As many rounds as can be drawn, neighbours together where there are more: what
    neighbours have in common stays in one group."""
    size = -(-len(rounds) // MOST_DRAWN)
    if size == 1:
        return rounds
    return [merge(rounds[start : start + size]) for start in range(0, len(rounds), size)]


def _resampled(counts: np.ndarray) -> np.ndarray:
    """(RESAMPLES, buckets): histograms of rounds drawn with replacement, or none of them.

    A round is what is drawn, since the round trips of one pair of processes
    are not independent of each other. The seed is fixed: a page made twice
    from the same data is the same page.
    """
    rounds = len(counts)
    if rounds < ENOUGH_ROUNDS:
        return np.empty((0, counts.shape[1]))
    generator = np.random.default_rng(20261122)
    drawn = generator.multinomial(rounds, [1 / rounds] * rounds, size=RESAMPLES)
    return np.asarray(drawn @ counts)


def _percentile(
    merged: np.ndarray, middles: np.ndarray, resampled: np.ndarray, quantile: float
) -> Percentile:
    value = float(middles[_index(merged[None, :], quantile)[0]])
    if not len(resampled):
        return Percentile(value, None, None)
    found = middles[_index(resampled, quantile)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Percentile(value, float(low), float(high))


def _index(histograms: np.ndarray, quantile: float) -> np.ndarray:
    """For each histogram (a row): the first bucket up to which `quantile` of it lies."""
    seen = np.cumsum(histograms, axis=1)
    wanted = quantile * seen[:, -1:]
    return np.asarray(np.argmax(seen >= wanted, axis=1))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why cells were skipped, and what would bring them back.

    `likewise`: the other transports of which the same is said, but for the name.
    """

    reason: str
    remedy: str
    likewise: Sequence[str]
    cells: Rows[str]


def skipped(results: Results) -> Rows[Reason]:
    """By reason, the most frequent first."""
    groups: dict[tuple[str, str], list[Skipped]] = {}
    for result in results.with_status(Status.SKIPPED):
        skip = result.skipped
        assert isinstance(skip, Skipped)
        name = skip.cell.transport
        groups.setdefault((_nameless(skip.reason, name), _nameless(skip.remedy, name)), []).append(
            skip
        )
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return bounded([_reason(skips) for _, skips in ordered], 200)


def _nameless(text: str, transport: str) -> str:
    """With the transport's name left out where it stands as a word of its own."""
    return re.sub(rf"(?<![\w:+/-]){re.escape(transport)}(?![\w:+/-])", "\0", text)


def _reason(skips: Sequence[Skipped]) -> Reason:
    first, names = skips[0], {skip.cell.transport for skip in skips}
    said = first.reason if first.remedy == "" else f"{first.reason}\n{first.remedy}"
    named = _nameless(said, first.cell.transport) != said
    likewise = sorted(names - {first.cell.transport}) if named else []
    ids = bounded([skip.cell.id for skip in skips], 500)
    return Reason(first.reason, first.remedy, likewise, ids)


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that came to nothing. `figure`: the cell has one all the same."""

    cell: str
    figure: bool
    round: int
    who: str
    where: str
    what: str
    remedy: str = ""


def failures(results: Results) -> Rows[Failure]:
    """Those without a figure first; each cell's in the order they came."""
    found = [failure for result in results.cells.values() for failure in _failures(result)]
    return bounded(sorted(found, key=lambda one: one.figure), 500)


def _failures(result: CellResult) -> list[Failure]:
    figure = result.status is Status.OK
    found = [
        Failure(result.cell.id, figure, one.round, one.who, one.where, one.what, one.remedy)
        for one in result.failures
    ]
    if result.status is Status.FAILED:  # what was measured there, and does not count
        found += [
            Failure(result.cell.id, figure, run.round, "the machine", "void", run.void)
            for run in result.runs
        ]
    return found


def pending(results: Results) -> Rows[str]:
    return bounded([result.cell.id for result in results.with_status(Status.PENDING)], 500)
