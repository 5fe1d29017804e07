"""Charts as plain data in SI units.

`curves`, `dots` and `python_cost` make them, `gallery` selects and sorts those of
a page, `ipcbench.reports.drawing` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.axis import Axis, interval_text, value_text
from ipcbench.reports.charts.style import Style

MOST_PANELS = 12
CROWDED = 12  # curves in a panel: with more of them, each family has a panel of its own

Styles: TypeAlias = Mapping[str, Style]


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a chart as text, a cell for each column of the head."""

    head: list[str]
    rows: list[list[str]]


ABSENT = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Curve:
    """One transport in one panel: x ascending, a median with its interval at each."""

    label: str
    style: Style
    x: list[int]
    y: list[float]
    low: list[float]
    high: list[float]

    @property
    def values(self) -> list[Interval]:
        """The value at each x, as an interval of which only the numbers are known."""
        return [
            Interval(middle, low, high, 0.0, 0)
            for middle, low, high in zip(self.y, self.low, self.high, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves on common axes. `reference`: the best of all other families, drawn in grey."""

    title: str
    note: str
    curves: list[Curve]
    reference: Curve | None = None


BLANK = Panel("", "", [])  # an empty position in a grid of panels


@dataclass(frozen=True, slots=True)
class Curves:
    """Panels of curves with one common scale. `y_limits`: wider than those of the data."""

    x_kind: Axis
    x_label: str
    y_kind: Axis
    y_label: str
    panels: list[Panel]
    columns: int  # panels side by side
    y_limits: tuple[float, float] | None = None

    def marks(self, panel: Panel, curve: Curve) -> list[str]:
        """Name each marker of a curve, with its value: `pipe, 64 B, same-core: 4.90 µs`."""
        return [
            f"{_joined(curve.label, value_text(self.x_kind, x), panel.title)}: "
            f"{interval_text(self.y_kind, value)}"
            for x, value in zip(curve.x, curve.values, strict=True)
        ]

    @property
    def table(self) -> Table:
        """A row for each curve of a panel, a column for each x."""
        panels = [panel for panel in self.panels if panel is not BLANK]
        xs = sorted({x for panel in panels for curve in panel.curves for x in curve.x})
        head = [f"{self.y_label}, by {self.x_label}", *(value_text(self.x_kind, x) for x in xs)]
        rows = []
        for panel in panels:
            for curve in panel.curves:
                at = dict(zip(curve.x, curve.values, strict=True))
                texts = [interval_text(self.y_kind, at[x]) if x in at else ABSENT for x in xs]
                rows.append([panel.title, curve.label, *texts])
        return _with_panels(len(panels) > 1, head, rows)


@dataclass(frozen=True, slots=True)
class Series:
    """Dots of one kind: name, colour and marker."""

    name: str
    color: str
    marker: str


@dataclass(frozen=True, slots=True)
class Row:
    """The label of a row; `family` gives its colour, and rows of a family stand together."""

    label: str
    family: str


@dataclass(frozen=True, slots=True)
class DotPanel:
    """A panel of dots: for each row of the chart, series -> interval."""

    title: str
    note: str
    dots: list[dict[int, Interval]]


@dataclass(frozen=True, slots=True)
class Dots:
    """Panels of dots: a row for each transport (or other thing compared), a dot for each series."""

    x_kind: Axis
    x_label: str
    series: list[Series]
    rows: list[Row]
    panels: list[DotPanel]

    def mark(self, panel: DotPanel, row: int, index: int) -> str:
        """Name a dot, with its value: `pipe, same-core, 64 B: 4.90 µs (4.80-5.10)`."""
        name = _joined(self.rows[row].label, self.series[index].name, panel.title)
        return f"{name}: {interval_text(self.x_kind, panel.dots[row][index])}"

    @property
    def table(self) -> Table:
        """A row for each row of a panel, a column for each series."""
        head = [self.x_label, *(series.name or self.x_label for series in self.series)]
        rows = []
        for panel in self.panels:
            for row, found in zip(self.rows, panel.dots, strict=True):
                texts = [
                    interval_text(self.x_kind, found[index]) if index in found else ABSENT
                    for index in range(len(self.series))
                ]
                if found:
                    rows.append([panel.title, row.label, *texts])
        return _with_panels(len(self.panels) > 1, head, rows)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _with_panels(several: bool, head: list[str], rows: list[list[str]]) -> Table:
    """Make a table; the first text of each row is the title of its panel, where it has several."""
    if several:
        return Table(["panel", *head], rows)
    return Table(head, [row[1:] for row in rows])


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of a page. `name` is a valid file name; `section` is that of the page.

    `note`: the runtimes and the ways of waiting. `folded`: shown only on request.
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

    @property
    def table(self) -> Table:
        """The figures of the chart as text."""
        return self.body.table
