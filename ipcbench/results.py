"""The results of a run, for notebooks and scripts.

Example:
    >>> from ipcbench.results import records
    >>> for row in records("results/latest"):
    ...     print(f"{row['transport']}, {row['size']} B: {row['seconds'] * 1e6:.2f} µs")
    pipe, 64 B: 1.96 µs

`pandas.DataFrame(records("results/latest"))` has a line for each cell, and
`pandas.DataFrame(contests("results/latest"))` one for each contest; docs/format.md describes
the columns. `load` returns all that the journal has: each run, failure and skip. Nothing is
measured or written.
"""

from __future__ import annotations

import os
from pathlib import Path

from ipcbench.bench.results.results import Results
from ipcbench.bench.results.results import load as _load
from ipcbench.reports.export.rows import Row, cell_rows, contest_rows

__all__ = ["contests", "load", "records"]


def load(folder: str | os.PathLike[str]) -> Results:
    """Read the folder of a run: its cells with their runs, failures and skips.

    Raises: ipcbench.bench.results.journal.Unreadable (in one line: what is
    wrong, and where), FileNotFoundError, OSError.
    """
    return _load(Path(folder))


def records(folder: str | os.PathLike[str]) -> list[Row]:
    """Return a row for each planned cell: its axes, its median time in seconds, its interval.

    Raises: as `load`.
    """
    return cell_rows(load(folder))


def contests(folder: str | os.PathLike[str]) -> list[Row]:
    """Return a row for each contest: its sides, its verdict, its ratio with its interval.

    Raises: as `load`.
    """
    return contest_rows(load(folder))
