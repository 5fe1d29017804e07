"""Sentences about accesses to a file."""

from __future__ import annotations

from ipcbench.bench.results.units import named_size
from ipcbench.reports.model import loop_of
from ipcbench.reports.verdicts.single.files import Order, Standing

_SAID = {
    Standing.FASTER: "the map is faster",
    Standing.SLOWER: "the map is slower",
    Standing.ALIKE: "map and system calls are not told apart",
}


def crossing(order: Order) -> str:
    """Say at which sizes a map is faster than system calls, and at which slower."""
    where = f"{order.about}, {order.cell.placement}, {loop_of(order.cell.runtime)}"
    said = [f"{_SAID[standing]} {_sizes(first, last)}" for standing, first, last in order.stretches]
    return f"A file {where}: {'; '.join(said) or 'nothing to compare'}."


def _sizes(first: int, last: int) -> str:
    if first == last:
        return f"at {named_size(first)}"
    return f"from {named_size(first)} to {named_size(last)}"
