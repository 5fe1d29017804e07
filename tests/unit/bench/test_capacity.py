"""The capacity of an open loop, which the cells of one facility share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ipcbench.bench.plan.named import SETTINGS
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.sweep import calibration
from ipcbench.bench.sweep.calibration import calibrate

CELL = Cell(transport="pipe", pattern="paced", size=64, placement="cross-core", pace="load:10")


class Settled:
    """A sweep that keeps the seconds of a message of each cell."""

    stopping = False

    def __init__(self) -> None:
        self.units: dict[str, float] = {}

    def ask(self, planned: PlannedCell, number: int, attempt: int, loops: int) -> Any:
        return SimpleNamespace(failure=None, outcome=SimpleNamespace(), cell=planned.cell.id)

    def fail(self, *_: Any) -> bool:
        return False

    def why_void(self, run: Any) -> str:
        return ""

    def settle(self, planned: PlannedCell, unit: float, outcomes: Any) -> None:
        self.units[planned.cell.id] = unit

    def show_calibration(self, left: float, planned: PlannedCell) -> None: ...


def test_the_rates_of_one_facility_share_a_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else 50 % of one calibration may be more messages a second than 80 % of another one."""
    cells = [msgspec.structs.replace(CELL, pace=f"load:{load}") for load in (10, 50, 80)]
    other = msgspec.structs.replace(CELL, transport="fifo")
    found = dict(zip([one.id for one in (*cells, other)], (3e-6, 1e-6, 2e-6, 7e-6), strict=True))
    monkeypatch.setattr(calibration, "calibrated", lambda reply: [(9, found[reply.cell])] * 2)
    plans: list[Any] = [SimpleNamespace(cell=one) for one in (*cells, other)]
    timings: Any = dict.fromkeys(found, timing_of(CELL, [[0], [1]], SETTINGS))
    runs = Settled()
    calibrate(plans, timings, runs)
    assert [runs.units[one.id] for one in cells] == [2e-6] * 3
    assert runs.units[other.id] == 7e-6
