"""A chart of a page, as plain data.

`kinds` makes them, `gallery` selects and sorts those of a page, `ipcbench.reports.drawing` draws
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ipcbench.reports.charts.bodies.bars import Bars
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.bodies.dots import Dots
from ipcbench.reports.charts.bodies.stacks import Stacks
from ipcbench.reports.charts.bodies.table import Table

Body: TypeAlias = Curves | Dots | Bars | Stacks


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of a page. `name` is a valid file name; `section` is that of the page.

    `note`: the runtimes and the ways of waiting.
    """

    name: str
    section: str
    title: str
    note: str
    caption: str
    body: Body

    @property
    def table(self) -> Table:
        """The figures of the chart as text."""
        return self.body.table
