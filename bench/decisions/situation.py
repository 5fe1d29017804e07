"""A situation: the axes that two cells must share before their times are compared."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench.results.cell import Cell, Facts


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
