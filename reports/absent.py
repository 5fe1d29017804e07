"""Reasons why cells have no figure."""

from __future__ import annotations

from ipcbench.bench.results.results import CellResult, Status
from ipcbench.bench.results.untrusted import one_line


def why_absent(result: CellResult) -> str:
    """Return the reason in one line, with its remedy; "" where the cell has a figure."""
    if result.status is Status.SKIPPED and result.skipped is not None:
        return _with(result.skipped.remedy, result.skipped.reason)
    if result.status is Status.DISTURBED:
        return f"every run is void: {one_line(result.runs[-1].void)}"
    if result.status is Status.FAILED:
        last = result.failures[-1]
        return _with(last.remedy, f"{last.who}, {last.where}: {last.what}")
    return "the sweep ended before its first run" if result.status is Status.PENDING else ""


def _with(remedy: str, what: str) -> str:
    return one_line(f"{what} ({remedy})" if remedy else what)
