"""Dots with their intervals: a row for each thing compared, a dot for each variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.table import ABSENT, Table, joined, noted, with_panels
from ipcbench.reports.charts.look.axis import Axis, interval_text
from ipcbench.reports.charts.look.style import Style


@dataclass(frozen=True, slots=True)
class Series:
    """Dots of one kind: its name, and the filling of the markers."""

    name: str
    fill: str


@dataclass(frozen=True, slots=True)
class Row:
    """The label and the look of a row; rows of a family stand together under its name."""

    label: str
    family: str
    style: Style


@dataclass(frozen=True, slots=True)
class DotPanel:
    """A panel of dots: for each row of the chart, series -> interval.

    `notes`: what must be known of a value, by its row and series.
    """

    title: str
    note: str
    dots: list[dict[int, Interval]]
    notes: Mapping[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Second:
    """A second axis: values of the first one, multiplied."""

    kind: Axis
    label: str
    factor: float


@dataclass(frozen=True, slots=True)
class Dots:
    """Panels of dots over the same rows; a row without a dot is left out of a panel."""

    x_kind: Axis
    x_label: str
    series: list[Series]
    rows: list[Row]
    panels: list[DotPanel]
    second: Second | None = None

    @property
    def marks(self) -> int:
        """The number of markers."""
        return sum(len(found) for panel in self.panels for found in panel.dots)

    def name(self, panel: DotPanel, row: int, index: int) -> str:
        """Name a dot, with its value: `pipe, same-core, 64 B: 4.90 µs (4.80-5.10)`."""
        thing = joined(self.rows[row].label, self.series[index].name, panel.title)
        return f"{thing}: {self._text(panel, row, index)}"

    def _text(self, panel: DotPanel, row: int, index: int) -> str:
        found = panel.dots[row]
        if index not in found:
            return ABSENT
        text = interval_text(self.x_kind, found[index])
        if self.second:
            times = self.second.factor
            other = found[index].median * times
            text += f" = {interval_text(self.second.kind, Interval(other, other, other, 0, 0))}"
        return noted(text, panel.notes.get((row, index), ""))

    @property
    def table(self) -> Table:
        """A row for each row of a panel, a column for each series."""
        head = [self.x_label, *(series.name or self.x_label for series in self.series)]
        rows = [
            [panel.title, self.rows[row].label]
            + [self._text(panel, row, index) for index in range(len(self.series))]
            for panel in self.panels
            for row, found in enumerate(panel.dots)
            if found
        ]
        return with_panels(len(self.panels) > 1, head, rows)
