"""bench.sweep.steps: the time that is left while a sweep calibrates."""

from __future__ import annotations

from typing import Any

from ipcbench.bench.results.records import Settings
from ipcbench.bench.sweep.steps import Steps
from tests.unit.bench.watching import Keeping


class Forecasted:
    """The forecast of a sweep: 10 calibrations of a second, and rounds of five."""

    goes_on = True
    experiments = before_rounds = 0.0
    calibration, mean_calibration, round = 10.0, 1.0, 5.0


class Watching(Keeping):
    """A watcher that keeps the share and the seconds that are left."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[float, float]] = []

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        self.shown.append((done, left))


class Nothing:
    """The progress of a sweep that has begun."""

    finished: frozenset[int] = frozenset()


def steps(watcher: Watching, budget: float | None) -> Steps:
    settings = Settings(values=1, warmups=1, block=0.01, stamps=0, rounds=8, adaptive=True)
    parts: Any = (settings, None, Nothing(), Forecasted(), budget)
    return Steps(watcher, *parts)


def test_a_calibration_that_takes_longer_than_expected_is_told() -> None:
    watcher = Watching()
    found = steps(watcher, None)
    found.calibrating(10.0, "a", 0.0)
    found.calibrating(9.0, "b", 3.0)  # the first one took 3 s, not 1
    first, second = (left for _, left in watcher.shown)
    assert second == first - 10.0 + 9.0 * 3


def test_a_budget_that_calibrations_spend_leaves_a_round() -> None:
    watcher = Watching()
    found = steps(watcher, 12.0)
    for number in range(6):
        found.calibrating(10.0 - number, "a", 3.0 * number)
    done, left = watcher.shown[-1]  # after 15 s, five more of 3 s, and a round
    assert left == 5.0 * 3 + 5.0
    assert done == 15.0 / (15.0 + left)
