"""Tests of `reports.modes`: two modes among the times of a cell's runs."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipcbench.reports.charts.captions import remark
from ipcbench.reports.model import measured
from ipcbench.reports.modes import FEWEST, LEAST_APART, LEVEL, two_modes
from tests.synthetic import cells, sweep

TIGHT = st.floats(0.99, 1.01)
TIMES = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=40)


@given(st.lists(TIGHT, min_size=5, max_size=20), st.lists(TIGHT, min_size=5, max_size=20))
def test_two_tight_groups_far_apart_are_two_modes(fast: list[float], slow: list[float]) -> None:
    found = two_modes([5e-6 * one for one in fast] + [8e-6 * one for one in slow])
    share = min(len(fast), len(slow)) / (len(fast) + len(slow))
    if share < 0.25:
        assert found is None or found.fast + found.slow == len(fast) + len(slow)
        return
    assert found is not None
    assert (found.fast, found.slow) == (len(fast), len(slow))
    assert found.apart == pytest.approx(0.6, abs=0.05)


@given(TIMES)
@example([1.0] * 6 + [1e-5] * 2)  # the logarithm of a time is rounded
def test_modes_are_of_all_runs_and_in_their_order(times: list[float]) -> None:
    found = two_modes(times)
    if found is not None:
        assert len(times) >= FEWEST
        assert found.fast + found.slow == len(times)
        assert min(times) <= found.low < found.high <= max(times)
        assert found.apart >= LEAST_APART


@given(TIMES, st.randoms(use_true_random=False), st.floats(1e-3, 1e3))
def test_neither_the_order_nor_the_unit_matters(
    times: list[float], shuffle: random.Random, factor: float
) -> None:
    found, mixed = two_modes(times), list(times)
    shuffle.shuffle(mixed)
    assert two_modes(mixed) == found
    scaled = two_modes([factor * one for one in times])
    if found and scaled:  # rounding may move a sample over the limit
        assert (scaled.fast, scaled.slow) == (found.fast, found.slow)
        assert scaled.apart == pytest.approx(found.apart, rel=1e-6)


@given(st.floats(1e-9, 1e3), st.integers(1, 60))
def test_equal_times_are_one_mode(time: float, number: int) -> None:
    assert two_modes([time] * number) is None


def test_few_runs_and_few_outliers_are_no_second_mode() -> None:
    assert two_modes([1.0, 1.01, 1.02, 5.0, 5.01, 5.02, 5.03]) is None
    assert two_modes([1.0, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 1.09, 5.0, 5.01]) is None
    assert two_modes([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]) is None


def test_modes_that_decide_nothing_are_not_told() -> None:
    """Two groups that are told apart, and differ by 2 %."""
    assert two_modes([1 + 1e-5 * at + (0.02 if at > 9 else 0) for at in range(20)]) is None


@pytest.mark.parametrize("number", [8, 12, 24, 48])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda own: own.gauss(0, 0.3), id="normal"),
        pytest.param(lambda own: own.uniform(0, 1), id="uniform"),
        pytest.param(lambda own: own.expovariate(2), id="exponential"),
        pytest.param(lambda own: 0.0 if own.random() < 0.4 else own.uniform(0, 1), id="spike"),
        pytest.param(
            lambda own: own.gauss(0, 0.01) if own.random() < 0.6 else own.gauss(0, 0.5), id="peak"
        ),
    ],
)
def test_one_mode_is_seldom_taken_for_two(
    shape: Callable[[random.Random], float], number: int
) -> None:
    """Simulate samples of densities with one mode: some are the worst cases of the bound."""
    own = random.Random(f"{number}")
    samples = 600
    alarms = sum(
        two_modes([2.0 ** shape(own) for _ in range(number)]) is not None for _ in range(samples)
    )
    assert alarms <= LEVEL * samples


def test_a_cell_with_two_modes_is_told_in_words() -> None:
    def time(*rest: object) -> float:
        return 8e-6 if int(str(rest[-1])) % 2 else 5e-6

    results = sweep(time, cells(("pipe",), sizes=(64,)), noise=0.001, drift=0.0)
    (one,) = measured(results)
    assert remark(one) == "two modes, 60 % apart (6 and 6 runs): the median is neither"
    (plain,) = measured(sweep(lambda *_: 5e-6, cells(("pipe",), sizes=(64,))))
    assert remark(plain) == ""


def test_modes_that_follow_the_distance_of_the_cpus_say_so() -> None:
    def time(*rest: object) -> float:
        return 8e-6 if int(str(rest[-1])) % 2 else 5e-6

    results = sweep(time, cells(("pipe",), sizes=(64,)), noise=0.001, drift=0.0)
    (result,) = results.cells.values()
    for run in result.runs:
        run.distance = 490e-9 if run.values[0] > 6e-6 else 98e-9
    (one,) = measured(results)
    assert remark(one) == (
        "two modes, 60 % apart (6 and 6 runs), of near and far CPUs: the median is neither"
    )
    for run in result.runs[:3]:  # a distance that has nothing to do with the times
        run.distance = 98e-9 if run.values[0] > 6e-6 else 490e-9
    (one,) = measured(results)
    assert "CPUs" not in remark(one)
