"""Depth that a cell asks a channel for."""

from __future__ import annotations

from ipcbench.bench.results.axes import ARRAY, HOT
from ipcbench.bench.results.cell import Cell
from ipcbench.transports.contract import Traits


def depth_of(cell: Cell, traits: Traits, buffers: int) -> int | None:
    """Return the depth that a channel is asked for.

    In place, the buffers are its slots. Arrays that are pickled late must have been received before
    they are written again: one of them is being written, and the others are in the queue.
    """
    if cell.payload == HOT or cell.depth is not None:
        return cell.depth
    if cell.payload == ARRAY and traits.pickles_late:
        return buffers - 1
    return buffers if traits.in_place else None
