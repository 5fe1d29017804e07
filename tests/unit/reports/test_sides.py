"""Tests of `reports.verdicts.sides`, with simulated sweeps that have no true difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ipcbench.bench.stats import holm
from ipcbench.reports.verdicts.sides import Times, ahead

SIMULATIONS = 300
CONTESTS = 8
ROUNDS = 12


def side(factors: Sequence[float], logs: np.ndarray) -> list[Times]:
    """Make transports whose times are a factor times a noise; `logs` has a row for each."""
    return [
        {number: factor * float(np.exp(value)) for number, value in enumerate(row, 1)}
        for factor, row in zip(factors, logs, strict=True)
    ]


def false_alarms(ours: Sequence[float], theirs: Sequence[float], spread: float = 0.05) -> int:
    """Count sweeps of contests without a winner in which a test is significant after Holm."""
    generator = np.random.default_rng(2026)
    alarms = 0
    for _ in range(SIMULATIONS):
        p_values = []
        for _ in range(CONTESTS):
            logs = generator.normal(0, spread, (len(ours) + len(theirs), ROUNDS))
            shm = side(ours, logs[: len(ours)])
            others = side(theirs, logs[len(ours) :])
            p_values += [ahead(shm, others).p, ahead(others, shm).p]
        alarms += min(holm(p_values)) <= 0.05
    return alarms


# 300 sweeps with an error of 5 % each: more than 24 have a chance below 1 %.
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([1.0] * 12, [1.0] * 4),
        ([1.0], [1.0] * 12),
        ([1.0] * 12, [1.0] + [9.0] * 4),  # many candidates, one rival as good as they are
        ([1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 9.0]),
        ([1.0], [1.0]),
    ],
)
def test_where_no_side_is_ahead_the_error_of_a_sweep_stays_below_its_level(
    ours: list[float], theirs: list[float]
) -> None:
    assert false_alarms(ours, theirs) <= 24


def test_the_first_round_is_training_where_there_is_a_choice() -> None:
    rounds = range(1, 13)
    quick, slow = dict.fromkeys(rounds, 1.0), dict.fromkeys(rounds, 2.0)
    assert ahead([quick], [slow]) == (2**-12, True)
    assert ahead([quick, quick], [slow]) == (2**-11, True)
    assert ahead([slow], [quick, quick]).p == 1.0


def test_the_faster_candidate_is_chosen_and_must_beat_every_rival() -> None:
    rounds = range(1, 13)
    quick, middle, slow = (dict.fromkeys(rounds, value) for value in (1.0, 2.0, 3.0))
    assert ahead([slow, quick], [middle]).unanimous
    assert not ahead([middle], [slow, quick]).unanimous
    assert ahead([middle], [slow, quick]).p == 1.0


def test_only_common_rounds_count() -> None:
    whole = dict.fromkeys(range(1, 13), 1.0)
    few = dict.fromkeys(range(1, 5), 2.0)
    assert ahead([whole], [few]).p == 1.0  # four rounds decide nothing
    assert ahead([whole], [{}]) == (1.0, False)
    gaps = {number: 2.0 for number in whole if number % 2}
    assert ahead([whole, whole], [gaps]).p == 2**-5
