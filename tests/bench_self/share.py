"""The share of a sweep's wall time inside timed blocks, without the start-up of Python."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent

BUDGET = 45.0  # seconds: about three rounds of `quick`


@dataclass(frozen=True, slots=True)
class Share:
    rounds: int
    runs: int
    wall: float  # seconds, calibration included
    timed: float  # seconds inside timed blocks: values and tails
    round_wall: float  # seconds of the median round


def measure() -> Share:
    """Run the profile `quick` for `BUDGET` seconds and read the share."""
    with tempfile.TemporaryDirectory() as folder:
        order = sweep.Order(
            load_profile("quick"), ["bench-self"], BUDGET, folder=Path(folder) / "run"
        )
        return read(sweep.new(order, Silent()))


def read(folder: Path) -> Share:
    """Read the share from a run's folder."""
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
