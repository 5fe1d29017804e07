"""Sentences about accesses to a file."""

from __future__ import annotations

from ipcbench.bench.results.units import named_size
from ipcbench.reports.model import loop_of
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.single.files import ANEW, MAP, MAPS, Order, Standing

_NAMES = {MAP: "the map", ANEW: "a map made anew"}
_SAID = {
    Standing.FASTER: "is faster",
    Standing.SLOWER: "is slower",
    Standing.ALIKE: "is not told apart",
}


def crossing(order: Order) -> str:
    """Say at which sizes each map is faster than the faster system call, and at which slower."""
    where = f"{order.about}, {place(order.cell.placement)}, {loop_of(order.cell.runtime)}"
    said = [text for name in MAPS if (text := _maps(order, name))]
    return f"A file {where}: {'; '.join(said) or 'nothing to compare'}."


def _maps(order: Order, name: str) -> str:
    said = [
        f"{_SAID[standing]} {_sizes(first, last)}"
        for standing, first, last in order.stretches(name)
    ]
    return f"{_NAMES[name]} {', '.join(said)}" if said else ""


def _sizes(first: int, last: int) -> str:
    if first == last:
        return f"at {named_size(first)}"
    return f"from {named_size(first)} to {named_size(last)}"
