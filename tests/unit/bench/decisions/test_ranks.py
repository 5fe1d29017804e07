"""bench.decisions.ranks: what follows from the definition of a tier, and its level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import log_ratio, p_faster
from ipcbench.bench.decisions.contest import LEVEL
from ipcbench.bench.decisions.ranks import Standing, Tier, tier_of
from ipcbench.bench.stats import holm

BAND = 0.05
Times = dict[str, dict[int, float]]


def times_of(samples: Mapping[str, Sequence[float]]) -> Times:
    """Return times from logarithms."""
    return {
        cell: {number: math.exp(each) for number, each in enumerate(logs, start=1)}
        for cell, logs in samples.items()
    }


def ranked(times: Times, looks: Sequence[int] = (16,), band: float = BAND) -> Tier:
    return tier_of(list(times), Aligner(times, lambda _: "same-core"), band=band, looks=looks)


def standings(tier: Tier) -> dict[str, Standing]:
    return {each.cell: each.standing for each in tier.entrants}


def noise(seed: int, entrants: int, rounds: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    other_mode = random.random((entrants, rounds)) < 0.2
    return random.normal(0, 0.01, (entrants, rounds)) + other_mode * 0.1


def shifted(seed: int, shifts: Sequence[float], rounds: int = 16) -> Times:
    """Return times of the entrants a, b, c … that lie so far behind."""
    logs = noise(seed, len(shifts), rounds) + np.array(shifts)[:, None]
    return times_of(dict(zip("abcdefghijklmnopqr", logs.tolist(), strict=False)))


@st.composite
def sweeps(draw: st.DrawFn) -> Times:
    """Draw entrants that were measured in the same rounds, some far behind others."""
    rounds = draw(st.integers(1, 16))
    steps = st.integers(0, 40).map(lambda step: step / 100)
    times = {}
    for cell in "abcdef"[: draw(st.integers(1, 6))]:
        behind = draw(st.sampled_from([0.0, 0.04, 0.2, 1.0]))
        logs = draw(st.lists(steps, min_size=rounds, max_size=rounds))
        times[cell] = [behind + each for each in logs]
    return times_of(times)


# By hand.


def test_an_entrant_far_behind_is_out_and_near_ones_are_alike() -> None:
    tier = ranked(shifted(1, [0.0, 0.005, 0.3, 0.5], rounds=24), looks=(24,))
    assert standings(tier) == {
        "a": Standing.BEST,
        "b": Standing.ALIKE,
        "c": Standing.OUT,
        "d": Standing.OUT,
    }
    assert [each.cell for each in tier.members] == ["a", "b"]
    assert tier.best.cell == "a"
    assert all(each.beaten_by in ("a", "b", "c") for each in tier.entrants[2:])


def test_of_three_rounds_no_entrant_is_out_nor_alike() -> None:
    tier = ranked(shifted(2, [0.0, 0.01, 0.3], rounds=3), looks=(3,))
    assert set(standings(tier).values()) == {Standing.BEST, Standing.OPEN}


def test_a_difference_of_the_band_itself_is_not_told() -> None:
    tier = ranked(shifted(3, [0.0, math.log1p(BAND)]))
    assert standings(tier)["b"] is Standing.OPEN


def test_an_entrant_that_may_be_faster_than_the_best_is_not_alike() -> None:
    """Half of the best's runs are slow ones, so its median says little."""
    times = times_of({"a": [0.0] * 13 + [1.0] * 11, "b": [0.01] * 24})
    tier = ranked(times, looks=(24,))
    assert standings(tier) == {"a": Standing.BEST, "b": Standing.OPEN}


def test_a_single_entrant_is_its_tier() -> None:
    tier = ranked(shifted(4, [0.0]))
    assert standings(tier) == {"a": Standing.BEST}


def test_what_was_not_measured_is_no_entrant() -> None:
    times: Times = shifted(5, [0.0, 0.5]) | {"never": {}}
    assert set(standings(ranked(times))) == {"a", "b"}
    assert ranked({"never": {}}).entrants == ()


def test_the_p_value_is_the_definition() -> None:
    """Of two entrants, with one look: the one-sided test, times Holm's factor."""
    times = shifted(6, [0.0, 0.08])
    logs = {cell: np.log(list(runs.values())) for cell, runs in times.items()}
    shift = math.log1p(BAND)
    behind = [
        float(p_faster(logs["b"], logs["a"], shift)),
        float(p_faster(logs["a"], logs["b"], shift)),
    ]
    tier = ranked(times)
    assert [each.p_out for each in tier.entrants] == pytest.approx(holm(behind))
    sides = p_faster(logs["b"], logs["a"], -shift), p_faster(logs["a"], logs["b"], -shift)
    assert tier.entrants[1].p_alike == pytest.approx(min(1.0, 2 * max(map(float, sides))))


def test_each_look_has_its_share_of_the_level() -> None:
    times = shifted(7, [0.0, 0.01, 0.2, 0.25])
    one = ranked(times, looks=(16,))
    three = ranked(times, looks=(16, 24, 32))  # of which one is reached
    for single, shared in zip(one.entrants, three.entrants, strict=True):
        assert shared.p_out == pytest.approx(min(1.0, 3 * single.p_out))
        assert shared.p_alike == pytest.approx(min(1.0, 3 * single.p_alike))
    assert one.entrants[1].p_alike < 0.1


def test_an_early_look_takes_only_its_rounds() -> None:
    """Later rounds do not take back what was shown."""
    times = shifted(8, [0.0, 0.3], rounds=14)
    for number in range(9, 15):
        times["b"][number] = times["a"][number] * 1.01
    assert standings(ranked(times, looks=(8, 16)))["b"] is Standing.OUT


def test_entrants_that_stopped_earlier_are_compared_in_the_rounds_they_have() -> None:
    times = shifted(9, [0.0, 0.001, 0.5], rounds=48)
    times["c"] = {number: time for number, time in times["c"].items() if number <= 8}
    tier = ranked(times, looks=(8, 24, 48))
    assert standings(tier) == {"a": Standing.BEST, "b": Standing.ALIKE, "c": Standing.OUT}


def test_many_slow_entrants_are_out_after_eight_rounds() -> None:
    """The smallest p-value of eight rounds alone would not bear eighteen entrants and six looks."""
    tier = ranked(shifted(10, [0.0] * 6 + [0.5] * 12, rounds=8), looks=(8, 12, 16, 24, 32, 48))
    assert len(tier.members) == 6


def test_in_a_fixed_sweep_void_rounds_are_left_out() -> None:
    times = shifted(11, [0.0, 0.5], rounds=16)
    del times["a"][3], times["b"][5]
    assert standings(ranked(times))["b"] is Standing.OUT


# Properties.


@given(sweeps())
def test_the_smallest_median_is_the_best_and_never_out(times: Times) -> None:
    tier = ranked(times)
    medians = [each.median for each in tier.entrants]
    assert medians == sorted(medians) == sorted(median(runs.values()) for runs in times.values())
    assert tier.best.standing is Standing.BEST
    assert [each.standing for each in tier.entrants].count(Standing.BEST) == 1
    assert {each.cell for each in tier.entrants} == set(times)


@given(sweeps())
def test_an_entrant_that_is_out_has_one_that_beats_it_by_more_than_the_band(times: Times) -> None:
    for each in ranked(times).entrants:
        assert bool(each.beaten_by) == (each.standing is Standing.OUT)
        if each.beaten_by:
            ours, theirs = (np.log(list(times[c].values())) for c in (each.cell, each.beaten_by))
            assert log_ratio(theirs, ours) > math.log1p(BAND)


@given(sweeps())
def test_an_entrant_faster_on_every_count_is_not_out_while_the_slower_is_in(times: Times) -> None:
    ordered = {cell: sorted(runs.values()) for cell, runs in times.items()}
    tier = ranked(times)
    p_out = {each.cell: each.p_out for each in tier.entrants}
    members = {each.cell for each in tier.members}
    for one in times:
        for other in times:
            if all(a <= b for a, b in zip(ordered[one], ordered[other], strict=True)):
                assert p_out[one] >= p_out[other] * (1 - 1e-9)
                if other in members and other != tier.best.cell:
                    assert one in members


@given(sweeps())
def test_the_order_of_entrants_changes_nothing(times: Times) -> None:
    backwards = dict(reversed(times.items()))
    one = {each.cell: (each.p_out, each.median) for each in ranked(times).entrants}
    other = {each.cell: (each.p_out, each.median) for each in ranked(backwards).entrants}
    assert one == other


@given(sweeps(), st.floats(0, 0.3))
def test_a_wider_band_puts_no_other_entrant_out(times: Times, more: float) -> None:
    narrow, wide = ranked(times), ranked(times, band=BAND + more)
    assert {each.cell for each in narrow.members} <= {each.cell for each in wide.members}
    p_alike = {each.cell: each.p_alike for each in narrow.entrants}
    assert all(each.p_alike <= p_alike[each.cell] * (1 + 1e-9) for each in wide.entrants)


@given(sweeps())
def test_those_alike_are_within_the_band_of_the_best(times: Times) -> None:
    tier = ranked(times)
    best = np.log(list(times[tier.best.cell].values()))
    for each in tier.entrants:
        if each.standing is Standing.ALIKE:
            assert abs(log_ratio(best, np.log(list(times[each.cell].values())))) < math.log1p(BAND)


# Simulated.


@pytest.mark.parametrize("entrants", [2, 5, 12])
def test_equal_entrants_are_hardly_ever_put_out(entrants: int) -> None:
    """A band of 0 makes equal entrants the border case; each suite has looks at 8 and 12 rounds."""
    suites = 150
    wrong = 0
    for suite in range(suites):
        times = times_of(dict(enumerate_cells(noise(100 + suite, entrants, 12))))
        wrong += len(ranked(times, looks=(8, 12), band=0.0).members) < entrants
    assert wrong <= suites * LEVEL + 3 * math.sqrt(suites * LEVEL)


def enumerate_cells(logs: np.ndarray) -> list[tuple[str, list[float]]]:
    return [(f"cell{index}", row.tolist()) for index, row in enumerate(logs)]


def test_entrants_apart_by_the_band_are_hardly_ever_alike() -> None:
    suites = 150
    wrong = 0
    for suite in range(suites):
        shifts = [0.0, *[math.log1p(BAND)] * 4]
        logs = noise(500 + suite, 5, 12) + np.array(shifts)[:, None]
        found = standings(ranked(times_of(dict(enumerate_cells(logs))), looks=(8, 12)))
        tier_best = next(cell for cell, each in found.items() if each is Standing.BEST)
        wrong += tier_best == "cell0" and Standing.ALIKE in found.values()
    assert wrong <= suites * LEVEL + 3 * math.sqrt(suites * LEVEL)
