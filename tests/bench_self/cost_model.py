"""Parts of round trips and the error of the cost model, from the folder of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ipcbench.bench.results.results import load
from ipcbench.bench.results.units import human_seconds, named_size
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.cost_model import Fit, Row, model


def read(folder: Path) -> Iterator[str]:
    """Yield the lines of both tables."""
    found = model(measured(load(folder)))
    if not found.rows:
        yield "  no undisturbed cells of the pattern self beside round trips on one core"
        return
    yield from map(_parts, found.rows)
    yield "leave-one-out error of round trip = 2 * self + c, c from the smallest size"
    yield from map(_error, found.fits) if found.fits else ["  fewer than two sizes of each"]


def _parts(row: Row) -> str:
    cell = row.trip.cell
    parts = "  ".join(
        f"{one.name} {_seconds(one.time.median)} ({one.share:.0%})" for one in row.shares
    )
    return (
        f"  {named_size(cell.size):>7}  {cell.runtime:6}  {cell.transport:28} "
        f"{human_seconds(row.trip.interval.median):>8} = {parts}{f'  [{row.why}]' * bool(row.why)}"
    )


def _error(fit: Fit) -> str:
    cell = fit.of.cell
    errors = "  ".join(f"{named_size(one.size)} {one.error:+.1%}" for one in fit.errors)
    ahead = "".join(
        f"  predicted {named_size(one.size)}: {_seconds(one.seconds)}" for one in fit.predictions
    )
    return (
        f"  {cell.runtime:6}  {cell.transport:28} c {_seconds(fit.constant.seconds):>8}  "
        f"{errors}{ahead}"
    )


def _seconds(seconds: float) -> str:
    return human_seconds(seconds) if seconds >= 0 else f"-{human_seconds(-seconds)}"
