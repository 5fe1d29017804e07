"""How much of a sweep's wall time lies inside timed blocks, set-up of Python not counted."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent

BUDGET = 45.0  # seconds: three rounds or so of `quick`


@dataclass(frozen=True, slots=True)
class Share:
    rounds: int
    runs: int
    wall: float  # seconds, calibration included
    timed: float  # seconds inside timed blocks: values and tails
    round_wall: float  # seconds of the median round


def measure() -> Share:
    """Play `quick` for a while."""
    with tempfile.TemporaryDirectory() as folder:
        order = sweep.Order(
            load_profile("quick"), ["bench-self"], BUDGET, folder=Path(folder) / "run"
        )
        return read(sweep.new(order, Silent()))


def read(folder: Path) -> Share:
    """The same of any run's folder."""
    results = load(folder)
    assert results.ended is not None
    walls = sorted(one.wall for one in results.rounds)
    return Share(
        rounds=len(results.rounds),
        runs=sum(len(result.runs) for result in results.cells.values()),
        wall=results.ended.wall,
        timed=sum(one.timed for one in results.rounds),
        round_wall=walls[len(walls) // 2],
    )
