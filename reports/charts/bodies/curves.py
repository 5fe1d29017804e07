"""Curves in panels of one scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.table import ABSENT, Table, joined, noted, with_panels
from ipcbench.reports.charts.look.axis import Axis, interval_text, value_text
from ipcbench.reports.charts.look.style import Style

MOST_PANELS = 12
CROWDED = 12  # curves in a panel: with more of them, each family has a panel of its own
NEAR = 2.0  # times: values further apart are joined by no line, which would say what is between


@dataclass(frozen=True, slots=True)
class Curve:
    """One transport in one panel: x ascending, a median with its interval at each.

    `notes`: what must be known of a value, by its index.
    """

    label: str
    style: Style
    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]
    notes: dict[int, str] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class Curves:
    """Panels of curves. `y_limits`: wider than those of the data."""

    x_kind: Axis
    x_label: str
    y_kind: Axis
    y_label: str
    panels: list[Panel]
    y_limits: tuple[float, float] | None = None
    guides: tuple[tuple[str, float], ...] = ()  # lines of y = factor * x, with their names
    common: bool = True  # one scale for all panels

    @property
    def xs(self) -> list[float]:
        """All values on the x axis, ascending."""
        return sorted({x for panel in self.panels for curve in panel.curves for x in curve.x})

    @property
    def in_bands(self) -> bool:
        """True if the values on the x axis are far apart: each has a band of its own.

        Between them nothing is known: straight lines were off by up to 296 % (docs/method.md).
        """
        xs = self.xs
        if self.x_kind not in (Axis.BYTES, Axis.COUNT):
            return False
        return any(after > NEAR * before for before, after in pairwise(xs))

    @property
    def marks(self) -> int:
        """The number of markers."""
        return sum(len(curve.x) for panel in self.panels for curve in panel.curves)

    def names(self, panel: Panel, curve: Curve) -> list[str]:
        """Name each marker of a curve, with its value: `pipe, 64 B, same-core: 4.90 µs`."""
        return [
            f"{joined(curve.label, value_text(self.x_kind, x), panel.title)}: {text}"
            for x, text in zip(curve.x, self._texts(curve), strict=True)
        ]

    def _texts(self, curve: Curve) -> list[str]:
        return [
            noted(interval_text(self.y_kind, value), curve.notes.get(index, ""))
            for index, value in enumerate(curve.values)
        ]

    @property
    def table(self) -> Table:
        """A row for each curve of a panel, a column for each x; two columns for single points."""
        if self.x_kind is Axis.SECONDS:
            return self._table_of_points()
        xs = self.xs
        head = [f"{self.y_label}, by {self.x_label}", *(value_text(self.x_kind, x) for x in xs)]
        rows = []
        for panel in self.panels:
            for curve in panel.curves:
                at = dict(zip(curve.x, self._texts(curve), strict=True))
                rows.append([panel.title, curve.label, *(at.get(x, ABSENT) for x in xs)])
        return with_panels(len(self.panels) > 1, head, rows)

    def _table_of_points(self) -> Table:
        rows = [
            [panel.title, curve.label, value_text(self.x_kind, x), text]
            for panel in self.panels
            for curve in panel.curves
            for x, text in zip(curve.x, self._texts(curve), strict=True)
        ]
        return with_panels(len(self.panels) > 1, ["facility", self.x_label, self.y_label], rows)
