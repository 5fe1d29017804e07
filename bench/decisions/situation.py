"""A situation: the axes that two cells must share before their times are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ipcbench.bench.results.axes import HOT
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.pace import CLOSED

_NEUTRAL: Mapping[str, Any] = {
    "runtime": "", "pattern": "", "placement": "", "processes": 0, "size": 0, "wait": "",
    "looks": None, "batch": 1, "payload": HOT, "pace": CLOSED, "depth": None, "in_place": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides a time but the transport.

    `depth` and `looks` are the requested ones; None: the default of each transport. What a
    facility brings along (the depth in effect, copies, signals) is no part of it.
    """

    runtime: str
    pattern: str
    placement: str
    processes: int
    size: int
    wait: str  # in effect
    looks: int | None
    batch: int
    payload: str
    pace: str
    depth: int | None
    in_place: bool  # the receiver reads in the shared slot, without copying the data out

    def across(self, axes: Iterable[str]) -> Situation:
        """Return the situation of cells that may differ on these axes: with neutral values."""
        return replace(self, **{axis: _NEUTRAL[axis] for axis in axes})


def situation_of(cell: Cell, facts: Facts) -> Situation:
    """Return the situation of a cell."""
    return Situation(
        runtime=cell.runtime,
        pattern=cell.pattern,
        placement=cell.placement,
        processes=cell.processes,
        size=cell.size,
        wait=facts.wait,
        looks=cell.looks,
        batch=cell.batch,
        payload=cell.payload,
        pace=cell.pace,
        depth=cell.depth,
        in_place=facts.in_place,
    )
