"""Bars of parts: a whole, and what it consists of."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.table import ABSENT, Table, joined, with_panels
from ipcbench.reports.charts.look.axis import Axis, interval_text, value_text


@dataclass(frozen=True, slots=True)
class Part:
    """A part that bars have: its name and its colour."""

    name: str
    color: str


@dataclass(frozen=True, slots=True)
class Stack:
    """A bar: its label, the whole, and the parts that it has, by their index."""

    label: str
    whole: float
    parts: dict[int, Interval]


@dataclass(frozen=True, slots=True)
class StackPanel:
    """Bars with a linear axis of their own."""

    title: str
    note: str
    stacks: list[Stack]


@dataclass(frozen=True, slots=True)
class Stacks:
    """Panels of bars of parts."""

    x_kind: Axis
    x_label: str
    parts: list[Part]
    panels: list[StackPanel]

    @property
    def marks(self) -> int:
        """The number of parts that are drawn."""
        return sum(len(stack.parts) for panel in self.panels for stack in panel.stacks)

    def name(self, panel: StackPanel, stack: Stack, index: int) -> str:
        """Name a part of a bar, with its value and its share."""
        part = stack.parts[index]
        share = f"{part.median / stack.whole * 100:.0f} %" if stack.whole else ABSENT
        thing = joined(stack.label, self.parts[index].name, panel.title)
        return f"{thing}: {interval_text(self.x_kind, part)}; {share}"

    @property
    def table(self) -> Table:
        """A row for each bar, a column for each part."""
        head = [self.x_label, *(part.name for part in self.parts), "whole"]
        rows = [
            [panel.title, stack.label]
            + [
                interval_text(self.x_kind, stack.parts[index]) if index in stack.parts else ABSENT
                for index in range(len(self.parts))
            ]
            + [value_text(self.x_kind, stack.whole)]
            for panel in self.panels
            for stack in panel.stacks
        ]
        return with_panels(len(self.panels) > 1, head, rows)
