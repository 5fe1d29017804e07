"""Rows of the page's tables: numbers in SI units, without formatting.

Every list is bounded (`MOST_ROWS`), and its `total` is the unbounded length: a
run's folder may contain anything, and a browser must still open the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ipcbench.bench.results.records import Run, Skipped
from ipcbench.bench.results.results import CellResult, Results, Status
from ipcbench.reports.model import Measured

MOST_ROWS = 400  # results.csv has all

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The first rows of a list of length `total`."""

    rows: Sequence[T]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


def bounded(rows: Sequence[T], most: int = MOST_ROWS) -> Rows[T]:
    return Rows(rows[:most], len(rows))


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table of all results.

    `throughput` in bytes/s, None where the time is not that of a message.
    `depths`: the real ones of the channels. `cpu` (seconds), the switches and
    the faults are per unit, summed over all processes.
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
        cpu=one.cpu,
        voluntary=sum(process.voluntary for process in usage) / units,
        involuntary=sum(process.involuntary for process in usage) / units,
        minor_faults=sum(process.minor_faults for process in usage) / units,
        blocks=sum(len(run.values) for run in one.runs),
    )


def _pinned(run: Run) -> str:
    """Write the CPUs of each process: `0 | 1`."""
    return " | ".join(",".join(map(str, cpus)) for cpus in run.cpus)


def _few(found: Iterable[object]) -> str:
    texts = sorted(map(str, found))
    return "; ".join(texts[:3]) + ("; …" if len(texts) > 3 else "")


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason why cells were skipped, and its remedy.

    `likewise`: other transports with the same reason, except for the name.
    """

    reason: str
    remedy: str
    likewise: Sequence[str]
    cells: Rows[str]


def skipped(results: Results) -> Rows[Reason]:
    """Group the skipped cells by reason, the most frequent first."""
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
    """Replace the transport's name by NUL where it is a word of its own."""
    return re.sub(rf"(?<![\w:+/-]){re.escape(transport)}(?![\w:+/-])", "\0", text)


def _reason(skips: Sequence[Skipped]) -> Reason:
    first, names = skips[0], {skip.cell.transport for skip in skips}
    text = f"{first.reason}\n{first.remedy}"
    named = _nameless(text, first.cell.transport) != text
    likewise = sorted(names - {first.cell.transport}) if named else []
    ids = bounded([skip.cell.id for skip in skips], 500)
    return Reason(first.reason, first.remedy, likewise, ids)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run. `figure`: the cell has a result from other runs."""

    cell: str
    figure: bool
    round: int
    who: str
    where: str
    what: str
    remedy: str = ""


def failures(results: Results) -> Rows[Failure]:
    """List the failed runs, those of cells without a result first."""
    found = [failure for result in results.cells.values() for failure in _failures(result)]
    return bounded(sorted(found, key=lambda one: one.figure), 500)


def _failures(result: CellResult) -> list[Failure]:
    figure = result.status is Status.OK
    found = [
        Failure(result.cell.id, figure, one.round, one.who, one.where, one.what, one.remedy)
        for one in result.failures
    ]
    if result.status is Status.DISTURBED:
        found += [
            Failure(result.cell.id, figure, run.round, "the machine", "void", run.void)
            for run in result.runs
        ]
    return found


def pending(results: Results) -> Rows[str]:
    return bounded([result.cell.id for result in results.with_status(Status.PENDING)], 500)
