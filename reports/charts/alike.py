"""Segments of shared memory whose times are alike, shown as one.

A segment says where the bytes live, and mostly decides no time: five of them would be five rows
of a chart that say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from msgspec import structs

from ipcbench.bench.results.cell import Cell
from ipcbench.reports.charts.groups import segment_of
from ipcbench.reports.model import Measured, grouped

WITHIN = 1.05  # times: the slowest of the segments, divided by the fastest one

_Cells: TypeAlias = Mapping[Cell, Measured]  # a cell without its segment -> the cell


def folded(cells: Sequence[Measured]) -> list[Measured]:
    """Leave out segments that another one stands for, which is told how many they are.

    One stands for all that differ from it in nothing but the segment, if it has their cells, and
    in each of these the slowest of them all takes less than 5 % longer than the fastest.
    """
    kinds = grouped((one for one in cells if segment_of(one.cell.transport)), _kind)
    stands_for: dict[str, int] = {}  # transport -> the segments that it stands for; 0: none
    for members in kinds.values():
        by_transport = grouped(members, lambda one: one.cell.transport)
        for group in _alike(list(by_transport.values())):
            names = [same[0].cell.transport for same in group]
            stands_for |= {names[0]: len(names), **dict.fromkeys(names[1:], 0)}
    return [
        replace(one, alike=count) if count > 1 else one
        for one in cells
        if (count := stands_for.get(one.cell.transport, 1))
    ]


def _kind(one: Measured) -> str:
    """Return what is left of a transport's name without its segment."""
    return one.cell.transport.partition("+")[2]


def _alike(transports: Sequence[Sequence[Measured]]) -> list[list[Sequence[Measured]]]:
    """Group transports; the first one of a group has the cells of all others in it."""
    groups: list[list[Sequence[Measured]]] = []
    ordered = sorted(transports, key=lambda cells: (-len(cells), cells[0].curve_order))
    for cells in ordered:
        for group in groups:
            if _fits(cells, group):
                group.append(cells)
                break
        else:
            groups.append([cells])
    return groups


def _fits(cells: Sequence[Measured], group: Sequence[Sequence[Measured]]) -> bool:
    own = _by_situation(cells)
    first, *others = (_by_situation(each) for each in group)
    if not own.keys() <= first.keys():
        return False
    for situation, one in own.items():
        times = [one.interval.median, first[situation].interval.median]
        times += [each[situation].interval.median for each in others if situation in each]
        if max(times) >= WITHIN * min(times):
            return False
    return True


def _by_situation(cells: Sequence[Measured]) -> _Cells:
    return {structs.replace(one.cell, transport="+"): one for one in cells}
