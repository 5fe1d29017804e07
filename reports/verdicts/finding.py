"""Findings about a run: one sentence each, with a severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.results.results import CellResult
from ipcbench.bench.results.severity import Severity

SHARE_TO_NOTE = 0.05  # of CPU time stolen, runs void, runs failed: as large as typical effects
MOST_NAMED = 3  # cells in a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about the run."""

    severity: Severity
    text: str


def many(number: int, noun: str) -> str:
    """Write a number of things: `1 run`, `2 runs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def named(results: Sequence[CellResult]) -> str:
    """Name the first cells of a list."""
    more = f" and {len(results) - MOST_NAMED} more" if len(results) > MOST_NAMED else ""
    return ", ".join(result.cell.id[:200] for result in results[:MOST_NAMED]) + more
