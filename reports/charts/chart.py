"""Charts as plain data in SI units.

`curves`, `dots` and `python_cost` make them, `gallery` selects and sorts those of
a page, `ipcbench.reports.drawing` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.style import Style

MOST_PANELS = 12
CROWDED = 12  # curves in a panel: with more of them, each family has a panel of its own

Styles: TypeAlias = Mapping[str, Style]


class Axis(Enum):
    """The unit of an axis; it decides the text of the ticks. All but SHARE are logarithmic."""

    BYTES = "bytes"
    SECONDS = "seconds"
    BYTES_PER_SECOND = "bytes per second"
    UNITS_PER_SECOND = "units per second"
    COUNT = "count"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Curve:
    """One transport in one panel: x ascending, a median with its interval at each."""

    label: str
    style: Style
    x: list[int]
    y: list[float]
    low: list[float]
    high: list[float]


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
