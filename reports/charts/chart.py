"""What a chart is, as plain data in SI units, and the words that all charts share.

`curves` and `dots` make them, `gallery` puts a page's together, `figures` draws them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

from ipcbench.bench.results.axes import (
    FAMILIES,
    FLOOR,
    PLACEMENTS,
    PYTHON,
    RUNTIMES,
    SYNCHRONISATION,
    WAITS,
)
from ipcbench.bench.results.units import human_size
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval
from ipcbench.reports.charts.style import Style
from ipcbench.reports.model import Measured, loop_of, rank

MOST_PANELS = 12
CROWDED = 12  # lines in a panel: with more of them it is drawn family by family

_ABOUT_PLACEMENTS = {
    "same-core": "all on one CPU",
    "smt": "two threads of one core",
    "cross-core": "one CPU each, idle states allowed",
    "cross-core-awake": "one CPU each, idle states forbidden",
    "cross-node": "CPUs of different NUMA nodes",
    "unpinned": "wherever the scheduler puts them",
}

T = TypeVar("T")
Styles: TypeAlias = Mapping[str, Style]


class Axis(Enum):
    """What an axis counts, and hence how its ticks read. All but SHARE are logarithmic."""

    BYTES = "bytes"
    SECONDS = "seconds"
    BYTES_PER_SECOND = "bytes per second"
    UNITS_PER_SECOND = "units per second"
    COUNT = "count"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Line:
    """One transport in one panel: x ascending, a median with its interval at each."""

    label: str
    style: Style
    x: list[int]
    y: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """`reference`: what the others do, in grey."""

    title: str
    note: str
    lines: list[Line]
    reference: Line | None = None


BLANK = Panel("", "", [])  # keeps a place free in a grid of panels


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over x, in panels of one common scale. `y_limits`: wider than the data's own."""

    x_kind: Axis
    x_label: str
    y_kind: Axis
    y_label: str
    panels: list[Panel]
    columns: int  # panels side by side
    y_limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """What the dots of one kind have in common, in the same rows as those of the others."""

    name: str
    color: str
    marker: str


@dataclass(frozen=True, slots=True)
class Row:
    """The head of a row; `family` gives its colour, and rows of one family stand together."""

    label: str
    family: str


@dataclass(frozen=True, slots=True)
class DotPanel:
    """For each row of the chart, an interval for each series that has one there."""

    title: str
    note: str
    dots: list[dict[int, Interval]]


@dataclass(frozen=True, slots=True)
class Dots:
    """A row for each transport (or what else is compared), a dot for each series."""

    x_kind: Axis
    x_label: str
    series: list[Series]
    rows: list[Row]
    panels: list[DotPanel]


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is fit for a file. `section` is where the page shows it. `note`: whose loop.

    `folded`: more of the same for another loop, which a page shows only when asked.
    """

    name: str
    section: str
    title: str
    note: str
    caption: str
    body: Curves | Dots
    folded: bool = False

    @property
    def columns(self) -> int:
        """Panels side by side."""
        if isinstance(self.body, Dots):
            return len(self.body.panels)
        return max(1, min(self.body.columns, len(self.body.panels)))


def about(placement: str) -> str:
    return _ABOUT_PLACEMENTS.get(placement, "")


def places(cells: Iterable[Measured]) -> list[str]:
    """The placements, in a reader's order, as many as a chart has panels."""
    found = {one.cell.placement for one in cells}
    return sorted(found, key=lambda one: rank(PLACEMENTS, one))[:MOST_PANELS]


def grouped(cells: Iterable[Measured], key: Callable[[Measured], T]) -> dict[T, list[Measured]]:
    found: dict[T, list[Measured]] = {}
    for one in cells:
        found.setdefault(key(one), []).append(one)
    return found


def line_key(one: Measured) -> tuple[str, int, bool]:
    """Cells of one key are one line, or one row."""
    return one.cell.transport, one.cell.depth or 0, one.cell.poll


def line_order(one: Measured) -> tuple[object, ...]:
    return (rank(FAMILIES, one.facts.family), *line_key(one))


def plain(cells: Sequence[Measured]) -> list[Measured]:
    """Those as a facility comes, if any: a depth asked for and poll(2) have charts of their own."""
    found = [one for one in cells if one.cell.depth is None and not one.cell.poll]
    return found or list(cells)


def carries(one: Measured) -> bool:
    """The floor carries nothing, so it has no throughput."""
    return one.facts.family != FLOOR


def label(one: Measured) -> str:
    """`pipe, poll, then read`: blocking goes without saying, and so does what the name says."""
    parts = [one.cell.transport]
    if one.cell.depth is not None:
        parts.append(f"depth {one.cell.depth}")
    if one.facts.family == FLOOR:
        parts.append("floor")
    elif one.facts.wait not in ("blocking", "none") and one.facts.wait[:4] not in parts[0]:
        parts.append(one.facts.wait)
    return ", ".join(parts)


def size_of(one: Measured) -> str:
    return human_size(one.cell.size)


def inverse(time: Interval, amount: float) -> Interval:
    """Seconds a unit -> `amount` a second; the ends change places."""
    return Interval(
        amount / time.median, amount / time.high, amount / time.low, time.coverage, time.n
    )


def runtimes_of(cells: Iterable[Measured]) -> list[str]:
    """In a reader's order."""
    return sorted({one.cell.runtime for one in cells}, key=lambda one: rank(RUNTIMES, one))


def loops_of(runtimes: Sequence[str]) -> str:
    """`Python loop`; `Python and native loops`."""
    if len(runtimes) == 1:
        return loop_of(runtimes[0])
    names = ["Python" if one == PYTHON else one for one in runtimes]
    return f"{', '.join(names[:-1])} and {names[-1]} loops"


def who(cells: Sequence[Measured]) -> str:
    """Whose loop, and how the receivers wait: no chart without either."""
    waits = sorted({one.facts.wait for one in cells if carries(one)}, key=lambda w: rank(WAITS, w))
    waits = [wait.replace(", then ", "-then-") for wait in waits if wait != "none"]
    loops = loops_of(runtimes_of(cells))
    if not waits:
        return loops
    several = ", ".join(waits[:-1]) + " or " + waits[-1] if waits[1:] else waits[0]
    whose = "receivers" if any(one.facts.family != SYNCHRONISATION for one in cells) else "waits"
    return f"{loops}, {several} {whose}"


def evidence(cells: Sequence[Measured]) -> str:
    """What a point and its bar are."""
    rounds = sorted({one.interval.n for one in cells})
    span = f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    points = f"Points are medians over {span} {'rounds' if rounds[-1] != 1 else 'round'}"
    if rounds[-1] < ENOUGH_ROUNDS:
        return f"{points} of fresh processes; bars are the whole range."
    coverage = min(one.interval.coverage for one in cells) * 100
    return f"{points} of fresh processes; bars cover the median with at least {coverage:.1f} %."


def name(*parts: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60]
