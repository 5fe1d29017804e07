"""Suites of a comparison: the runs of each arm, as a file that pyperf's commands read."""

from __future__ import annotations

from pathlib import Path

from ipcbench.bench.results.comparison.comparison import load
from ipcbench.bench.results.comparison.records import ARMS
from ipcbench.bench.results.suite import Figures, write_figures


def write_suites(folder: Path) -> list[Path]:
    """Write `base.json` and `head.json`, where cells have pairs that count; return the files.

    Raises: Unreadable, OSError.
    """
    comparison = load(folder)
    written = []
    for arm in ARMS:
        figures = [
            Figures(one.cell, one.facts, one.runs(arm))
            for one in comparison.measured
            if one.facts is not None and one.good
        ]
        path = folder / f"{arm}.json"
        if write_figures(comparison.header.metadata, figures, path):
            written.append(path)
    return written
