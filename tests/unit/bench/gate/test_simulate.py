"""bench.decisions.gate.simulate: the verdicts of the test, and the guarantees of the gate."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ipcbench.bench.decisions.gate.binomial import clopper_pearson
from ipcbench.bench.decisions.gate.sequential import ChangeVerdict, Rule, SequentialTest
from ipcbench.bench.decisions.gate.simulate import (
    BLOCK,
    drawn,
    judged,
    power,
    smallest_found,
    suites,
)
from tests.sampling import SOAK

RULE = Rule(cells=30)
SUITES = 3000 if SOAK else 150


def noise(seed: int, shape: tuple[int, ...], wide: float = 0.1, share: float = 0.2) -> np.ndarray:
    """Draw what two runs differ by: each is in a tight mode or, seldom, in another one."""
    random = np.random.default_rng(seed)

    def runs() -> np.ndarray:
        return random.normal(0, 0.008, shape) + (random.random(shape) < share) * random.normal(
            wide, wide / 3, shape
        )

    return runs() - runs()


QUIET = [own.tolist() for own in noise(1, (6, 100), share=0.1)]


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.05, 0.4])
def test_many_cells_are_judged_as_one_is(shift: float) -> None:
    differences = shift + noise(3, (40, 60))
    rule = Rule(cells=3, alarm=0.05, passes=20, most_pairs=50)
    found = judged(differences, rule)
    for row, broken, passed, pairs in zip(
        differences.tolist(), found.broken, found.passed, found.pairs, strict=True
    ):
        test = SequentialTest(rule)
        for each in row:
            if test.verdict is None:
                test.add(each)
        assert test.pairs == pairs
        assert broken == (test.verdict is ChangeVerdict.BROKEN)
        assert passed == (test.verdict is ChangeVerdict.PASSED)


@pytest.mark.parametrize("kind", ["mixture", "heavy tails", "drift"])
def test_no_more_alarms_than_promised(kind: str) -> None:
    """Noise that a coin makes symmetric, whatever its sizes are: 0.5 % of suites at most.

    The level is a larger one here, so that few suites show it.
    """
    rule = Rule(cells=1, alarm=0.1, most_pairs=100)
    random = np.random.default_rng(4)
    shape = (SUITES * 10, 100)
    sizes = {
        "mixture": lambda: noise(5, shape),
        "heavy tails": lambda: 0.02 * random.standard_cauchy(shape),
        "drift": lambda: np.broadcast_to(np.geomspace(1e-4, 10, 100), shape),
    }[kind]()
    found = judged(sizes * random.choice((-1, 1), shape), rule)
    assert clopper_pearson(int(found.broken.sum()), len(sizes), 0.999)[0] < rule.alarm


@pytest.mark.parametrize("shift", [0.05, 0.06, 0.2])
def test_a_slow_down_of_the_band_hardly_passes(shift: float) -> None:
    differences = math.log1p(shift) + noise(6, (SUITES * 10, 100), share=0.4)
    passed = int(judged(differences, RULE).passed.sum())
    assert clopper_pearson(passed, len(differences), 0.999)[0] < 1 / RULE.passes


def test_suites_of_quiet_cells_raise_no_alarm_and_pass_soon() -> None:
    alarms, pairs = suites(QUIET, RULE, SUITES)
    assert alarms.shape == pairs.shape == (SUITES, len(QUIET))
    assert alarms.any(axis=1).mean() <= RULE.alarm
    assert np.median(pairs) < 20


def test_a_slow_down_of_the_band_is_found() -> None:
    found = list(power(QUIET, [0.0, 0.05, 0.1, 1.0], RULE, 100))
    assert [one.of for one in found] == [600] * 4
    assert found[0].broken == 0
    assert found[0].passed == pytest.approx(600, abs=6)
    assert found[1].power > 0.98
    assert found[2].power > 0.99
    assert found[3].power == 1
    assert found[3].pairs < 22  # a doubling takes no longer than a slow-down of the band


def test_the_smallest_slow_down_grows_with_the_noise() -> None:
    wide = [own.tolist() for own in noise(2, (6, 100), wide=0.6, share=0.6)]
    rule = Rule(cells=30, most_pairs=60)
    quiet, loud = (smallest_found(cells, rule, 40) for cells in (QUIET, wide))
    assert quiet is not None
    assert 0.03 < quiet < 0.055
    assert loud is None or loud > quiet
    assert smallest_found([[1e3, -1e3] * 10], rule, 40) is None
    assert smallest_found([], rule, 40) is None


def test_blocks_of_neighbours_are_drawn_together() -> None:
    recorded = [np.arange(1.0, 41.0).tolist()]
    found = np.abs(drawn(recorded, 20, 35, np.random.default_rng(0)))
    assert found.shape == (20, 35)
    for row in found:
        steps = [
            (after - before) % 40
            for place, (before, after) in enumerate(itertools.pairwise(row), 1)
            if place % BLOCK
        ]
        assert set(steps) == {1}
