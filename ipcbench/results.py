"""The results of a run, for notebooks and scripts.

Example:
    >>> from statistics import median
    >>> from ipcbench.results import load
    >>> results = load("results/latest")
    >>> for result in results.ok():
    ...     seconds = median(result.by_round().values())
    ...     print(f"{result.cell.id}: {seconds * 1e6:.2f} µs per {result.facts.per}")
    latency/pipe/python/64B/2p/same-core: 1.96 µs per round trip

`records` has the types of the journal's entries. Both are read from
`journal.jsonl` alone (docs/format.md), and nothing is measured or written.
"""

from __future__ import annotations

import os
from pathlib import Path

from ipcbench.bench.results import records
from ipcbench.bench.results import results as _results

__all__ = ["load", "records"]


def load(folder: str | os.PathLike[str]) -> _results.Results:
    """Read the folder of a run: its cells with their runs, failures and skips.

    Raises: ipcbench.bench.results.journal.Unreadable (in one line: what is
    wrong, and where), FileNotFoundError, OSError.
    """
    return _results.load(Path(folder))
