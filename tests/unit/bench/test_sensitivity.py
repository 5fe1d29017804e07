"""bench.decisions.sensitivity: the smallest slow-down that resampled runs would show."""

from __future__ import annotations

import numpy as np
import pytest

from ipcbench.bench.decisions.comparison import p_faster
from ipcbench.bench.decisions.sensitivity import LARGEST, ONE_SIDED, POWER, could_see


def group(noise: float, cells: int = 2, runs: int = 40, seed: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(k, noise, runs) for k in range(cells)]  # each about its own median


def test_it_is_the_power_of_the_test_of_contests() -> None:
    """Held against fresh normal samples, which the runs of the controls only stand for."""
    noise, rounds = 0.02, 12
    found = could_see([group(noise, runs=4000)], rounds)
    assert found is not None
    random = np.random.default_rng(5)
    first, second = random.normal(0, noise, (2, 4000, rounds))
    for slow_down, seen in ((found * 0.85, False), (found * 1.15, True)):
        share = (p_faster(first, second + np.log1p(slow_down)) <= ONE_SIDED).mean()
        assert bool(share >= POWER) is seen


def test_more_rounds_and_less_noise_show_more() -> None:
    by_rounds = [could_see([group(0.03)], rounds) for rounds in (8, 12, 24, 48)]
    assert None not in by_rounds
    assert by_rounds == sorted(by_rounds, reverse=True)  # type: ignore[type-var]
    by_noise = [could_see([group(noise)], 12) for noise in (0.01, 0.03, 0.1)]
    assert by_noise == sorted(by_noise)  # type: ignore[type-var]


def test_a_difference_between_the_medians_of_controls_is_no_noise() -> None:
    here, there = group(0.02), [one + 100 for one in group(0.02)]
    assert could_see([here], 12) == could_see([there], 12)


def test_noise_of_one_group_counts_by_its_share() -> None:
    quiet, loud = group(0.01), group(0.3, seed=2)
    found = could_see([quiet, loud], 12)
    alone = could_see([quiet], 12)
    assert alone is not None
    assert found is None or found > 5 * alone  # half of the resamplings are the loud ones


def test_what_cannot_be_known_is_none() -> None:
    assert could_see([], 12) is None
    assert could_see([group(0.01, cells=1)], 12) is None
    assert could_see([group(0.01)], 0) is None
    assert could_see([group(0.01)], 3) is None  # no p-value of 3 rounds is small enough
    assert could_see([group(3 * LARGEST)], 8) is None


def test_the_same_runs_give_the_same_answer() -> None:
    assert could_see([group(0.03)], 12) == could_see([group(0.03)], 12)


@pytest.mark.parametrize("cells", [2, 3, 4])
def test_all_controls_of_an_original_are_used(cells: int) -> None:
    found = could_see([group(0.02, cells)], 12, draws=100)
    assert found is not None
    assert 0.01 < found < 0.1
