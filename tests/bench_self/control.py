"""The smallest slow-down that a recorded run could show, by placement and rounds, by resampling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ipcbench.bench.results.results import load
from ipcbench.reports.model import measured, placements_of
from ipcbench.reports.verdicts.controls import Controls
from ipcbench.reports.verdicts.places import percent

ROUNDS = (8, 12, 24, 48)


def read(folder: Path, only: str = "") -> Iterator[str]:
    """Yield a line for each placement that has controls, and one for each slowed control."""
    results = load(folder)
    cells = measured(results)
    controls = Controls(cells, {key: one.slow_down for key, one in results.cells.items()})
    yield f"  {'placement':20}" + "".join(f"{rounds:>6} rounds" for rounds in ROUNDS)
    for placement in placements_of(cells):
        found = [controls.could_see(placement, rounds) for rounds in ROUNDS]
        if only in placement and any(found):
            yield f"  {placement:20}" + "".join(f"{_seen(one):>13}" for one in found)
    for one in controls.found:
        if one.cell.slowed and only in one.cell.id and one.ratio is not None:
            ratio, slower = one.ratio, percent(one.ratio.median - 1)
            yield (
                f"  {one.cell.id}: slowed by {percent(one.slow_down)}, came out {slower} slower "
                f"({percent(ratio.low - 1)} to {percent(ratio.high - 1)}, {ratio.n} rounds): "
                f"{one.verdict}"
            )


def _seen(found: tuple[float | None, int] | None) -> str:
    if found is None:
        return "-"
    return "over 100 %" if found[0] is None else percent(found[0])
