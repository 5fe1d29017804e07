"""Bars in groups: one value each, written beside it."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.table import Table, joined, noted
from ipcbench.reports.charts.look.axis import Axis, interval_text
from ipcbench.reports.charts.look.style import Style


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its label, its look, and its value. `note`: what must be known of the value."""

    label: str
    style: Style
    value: Interval
    note: str = ""


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars under a title."""

    title: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Bars:
    """Groups of bars on one logarithmic axis."""

    x_kind: Axis
    x_label: str
    groups: list[BarGroup]
    head: tuple[str, str, str]  # of the table behind

    @property
    def marks(self) -> int:
        """The number of bars."""
        return sum(len(group.bars) for group in self.groups)

    def name(self, group: BarGroup, bar: Bar) -> str:
        """Name a bar, with its value: `pipe, C, one core: 4.90 µs (4.80-5.10)`."""
        return f"{joined(group.title, bar.label)}: {self._text(bar)}"

    def _text(self, bar: Bar) -> str:
        return noted(interval_text(self.x_kind, bar.value), bar.note)

    @property
    def table(self) -> Table:
        """A row for each bar."""
        rows = [
            [group.title, bar.label, self._text(bar)] for group in self.groups for bar in group.bars
        ]
        return Table(list(self.head), rows)
