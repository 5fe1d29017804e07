"""Tests of tests.bench_self.runs: sides are measured in turn, and compared by their ratios."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.stats import median_interval
from tests.bench_self.runs import Comparison, NoRun, Ours, Program, Target, Workers, measure
from tests.reference import build


class _Drifting:
    """A side on a machine that gets slower and slower; all sides share one clock."""

    name = "drifting"

    def __init__(self, cost: float, clock: count[int]) -> None:
        self._cost = cost
        self._clock = clock

    def run(self, loops: int) -> float:
        return self._cost * (1 + next(self._clock))


class _Refusing:
    name = "refusing"

    def run(self, loops: int) -> float:
        raise NoRun("it cannot")


class _Renewed:
    """Workers that count their renewals."""

    def __init__(self) -> None:
        self.times = 0

    def renew(self) -> None:
        self.times += 1


def _comparison(*sides: Any) -> Comparison:
    return Comparison("", sides[0], [(side, None) for side in sides[1:]])


def test_drift_cancels_out() -> None:
    clock = count()
    sides = [_Drifting(0.001 * factor, clock) for factor in (1, 2, 4)]
    one = _comparison(*sides)
    workers = _Renewed()
    measure(cast(Workers, workers), [one], 12)
    assert len(one.times) == 12
    assert workers.times == 11  # the first round has its own already
    for number, wanted in ((1, 1 / 2), (2, 1 / 4)):
        found = one.ratio(number)
        assert found.low == pytest.approx(wanted) == pytest.approx(found.high)


def test_a_failed_comparison_has_its_reason_and_stops_no_other() -> None:
    working, refusing = _comparison(*[_Drifting(0.001, count())] * 2), _comparison(_Refusing())
    measure(cast(Workers, _Renewed()), [refusing, working], 2)
    assert refusing.failure == "it cannot"
    assert not refusing.times
    assert len(working.times) == 2


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([0.97, 0.98, 0.99, 1.0, 1.01, 1.02], "met"),
        ([1.04, 1.05, 1.06, 1.07, 1.08, 1.09], "open"),
        ([1.06, 1.07, 1.08, 1.09, 1.1, 1.11], "missed"),
        ([0.90, 0.91, 0.92, 0.93, 0.94, 0.94], "missed"),
        ([1.0, 1.0, 1.0, 1.0, 1.0], "too few rounds to say"),
    ],
)
def test_a_target_is_met_by_the_whole_interval(ratios: list[float], verdict: str) -> None:
    assert Target(0.95, 1.05).verdict(median_interval(ratios)) == verdict


def test_a_cell_and_its_reference_are_measured() -> None:
    """Measure one round with a real worker and a real program in C."""
    try:
        build.compiler()
    except build.NoCompiler as reason:
        pytest.skip(str(reason))
    with Workers() as workers:
        cell = Cell(transport="pipe", pattern="stream", size=64, placement="same-core")
        ours = Ours.planned(workers, cell)
        one = Comparison("", ours, [(Program("pipe", ours), None)])
        measure(workers, [one], 1)
        empty = Cell(transport="pipe", pattern="latency", size=0, placement="same-core")
        with pytest.raises(NoRun, match="carries no message of 0 bytes"):
            Ours.planned(workers, empty).run(1)
    assert one.failure == ""
    assert all(1e-9 < seconds < 1 for seconds in one.times[0])
