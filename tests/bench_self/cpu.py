"""CPU time a message, divided by the time a message takes, of cells on one CPU.

One CPU cannot give more CPU time than passes: a ratio above 1 shows CPU time that was
counted outside the timed blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from ipcbench.bench.results.axes import SAME_CORE
from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import load

TARGET = 1.01
SHOWN = 8  # cells with the largest ratios


def read(folder: Path) -> Iterator[str]:
    """Yield the lines of the table, from a run's folder."""
    found = [
        (median(map(_ratio, result.good)), result.cell.id)
        for result in load(folder).ok()
        if result.cell.placement == SAME_CORE
    ]
    over = sum(ratio > TARGET for ratio, _ in found)
    yield f"  {len(found)} cells on one CPU, {over} above {TARGET}"
    for ratio, identity in sorted(found, reverse=True)[:SHOWN]:
        yield f"  {ratio:6.3f}  {identity}"


def _ratio(run: Run) -> float:
    elapsed = sum(run.values) * run.loops * run.inner_loops
    return sum(one.cpu for one in run.usage) / elapsed
