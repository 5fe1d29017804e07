"""bench.decisions.verdicts: a verdict, its ratio and its interval agree, whatever the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.comparison import log_ratio, log_ratio_limits
from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Contest, Times, Verdict
from ipcbench.bench.decisions.verdicts import ContestVerdict, Why, verdicts
from ipcbench.bench.results.records import Looked
from tests.unit.bench.decisions.sweeps import (
    LAST,
    contest,
    judge,
    placement_of,
    play,
    sweeps,
    until,
)

DIRECTED = {Verdict.FASTER, Verdict.SLOWER}


def decided(
    contests: Sequence[Contest], times: Times, rounds: int = LAST, looks: Sequence[int] = LOOKS
) -> list[ContestVerdict]:
    lines: list[Looked] = []
    play(judge(*contests, looks=looks), times, lines, rounds)
    return verdicts(contests, lines, times, placement_of, looks=looks)


def normal(seed: int, middle: float, spread: float = 0.05, rounds: int = LAST) -> dict[int, float]:
    values = np.exp(np.random.default_rng(seed).normal(math.log(middle), spread, rounds))
    return {number + 1: float(value) for number, value in enumerate(values)}


def steps(*numbers: int) -> dict[int, float]:
    return {index + 1: math.exp(number / 20) for index, number in enumerate(numbers)}


def check(found: ContestVerdict) -> None:
    """Check what holds for every verdict on every sample."""
    ratio, band = found.ratio, found.contest.band
    assert (found.why is None) is (found.verdict is not Verdict.UNDECIDED)
    if not found.rounds:
        assert ratio is None
        return
    assert ratio is not None
    assert 0 <= ratio.low <= ratio.value <= ratio.high
    assert (ratio.low > 1) is (found.verdict is Verdict.FASTER)
    assert (ratio.high < 1) is (found.verdict is Verdict.SLOWER)
    if found.verdict is Verdict.TIE:
        assert 1 / (1 + band) < ratio.low <= 1 <= ratio.high < 1 + band
    assert found.first in found.contest.first
    assert found.second in found.contest.second
    assert (found.p <= LEVEL) is (found.verdict is not Verdict.UNDECIDED)
    winner = {Verdict.FASTER: found.first, Verdict.SLOWER: found.second}
    assert found.winner == winner.get(found.verdict, "")


@given(sweeps(), st.sampled_from([8, 12, 20, LAST]))
def test_an_interval_excludes_1_exactly_where_there_is_a_direction(
    sweep: tuple[list[Contest], Times], rounds: int
) -> None:
    for found in decided(*sweep, rounds):
        check(found)


@given(sweeps(), st.sampled_from([3, 6, 12]))
def test_so_it_is_in_a_fixed_sweep(sweep: tuple[list[Contest], Times], rounds: int) -> None:
    contests, times = sweep
    own = until(times, rounds)
    most = max(map(len, own.values()))
    line = judge(*contests, looks=(most,)).look(own, most)
    for found in verdicts(contests, [line], own, placement_of, looks=(most,)):
        check(found)
        assert not found.stopped_early


@given(sweeps())
def test_a_verdict_and_its_interval_stay_as_they_were_given(
    sweep: tuple[list[Contest], Times],
) -> None:
    contests, times = sweep
    before = {one.contest.id: one for one in decided(contests, times, 20)}
    for after in decided(contests, times):
        earlier = before[after.contest.id]
        if earlier.verdict is not Verdict.UNDECIDED:
            assert after == earlier


def test_an_interval_that_goes_on_never_widens() -> None:
    times = {"a": normal(1, 1.0), "b": normal(2, 1.01)}
    widths = []
    for rounds in LOOKS:
        (found,) = decided([contest(band=1e-9)], times, rounds)
        assert found.ratio is not None
        widths.append((found.ratio.low, found.ratio.high))
    assert [low for low, _ in widths] == sorted(low for low, _ in widths)
    assert [high for _, high in widths] == sorted((high for _, high in widths), reverse=True)


def test_the_interval_of_a_pair_is_that_of_its_tests_with_all_factors() -> None:
    times = {"a": normal(1, 1.0, rounds=8), "b": normal(2, 1.04, rounds=8)}
    (found, _) = decided([contest(), contest("other", ["x"], ["y"])], times)
    logs = [np.log(list(times[cell].values())) for cell in "ab"]
    level = LEVEL / (2 * len(LOOKS) * 2)
    low, high = log_ratio_limits(*logs, level, level)
    assert found.ratio is not None
    assert found.ratio.low == pytest.approx(math.exp(float(low)))
    assert found.ratio.high == pytest.approx(math.exp(float(high)))
    assert found.ratio.value == pytest.approx(math.exp(float(log_ratio(*logs))))


def test_the_binding_pair_is_the_best_of_each_side() -> None:
    middles = {"a": 1.5, "b": 1.0, "c": 3.0, "d": 2.0, "e": 2.5}
    times = {cell: normal(number, middle) for number, (cell, middle) in enumerate(middles.items())}
    (found,) = decided([contest("c", ["a", "b"], ["c", "d", "e"])], times)
    assert (found.verdict, found.first, found.second) == (Verdict.FASTER, "b", "d")
    assert found.winner == "b"
    (found,) = decided([contest("c", ["c", "d", "e"], ["a", "b"])], times)
    assert (found.verdict, found.first, found.second) == (Verdict.SLOWER, "d", "b")
    assert found.winner == "b"


def test_a_contest_that_was_decided_before_the_last_look_is_marked() -> None:
    (early,) = decided([contest()], {"a": normal(1, 1.0), "b": normal(2, 2.0)})
    assert early.stopped_early
    assert early.rounds == LOOKS[0]
    (open_,) = decided([contest()], {"a": normal(1, 1.0, 2), "b": normal(2, 1.0, 2)})
    assert not open_.stopped_early


def test_an_undecided_contest_has_a_reason() -> None:
    times: dict[str, Mapping[int, float]] = {
        "a": steps(1, 4, 5, 8, 9, 12, 13, 16),
        "b": steps(4, 7, 8, 11, 12, 15, 16, 19),
        "few": normal(3, 1.0, rounds=5),
        "none": {},
        "same": steps(2, 3, 6, 7, 10, 11, 14, 15),
    }
    contests = [
        contest("more", ["a"], ["b"], "1"),
        contest("few", ["a"], ["few"], "2"),
        contest("none", ["a"], ["none"], "3"),
        contest("same", ["a"], ["same"], "4", band=1e-9),
        contest("gone", ["a"], ["b", "none"], "5"),
    ]
    found = {one.contest.id: one for one in decided(contests, times)}
    assert {name: one.why for name, one in found.items()} == {
        "more": Why.NEEDS_MORE,
        "few": Why.TOO_FEW,
        "none": Why.NO_FIGURE,
        "same": Why.OUT_OF_REACH,
        "gone": Why.NEEDS_MORE,
    }
    assert found["more"].needed > 8
    assert found["same"].needed == 0
    assert found["none"].absent == found["gone"].absent == ("none",)


def test_looks_that_the_times_do_not_give_have_no_ratio() -> None:
    lines: list[Looked] = []
    times = {"a": normal(1, 1.0), "b": normal(2, 2.0)}
    play(judge(contest()), times, lines)
    others = {"a": normal(1, 2.0), "b": normal(2, 1.0)}
    (found,) = verdicts([contest()], lines, others, placement_of)
    assert found.verdict is Verdict.FASTER
    assert found.ratio is None
    (found,) = verdicts([contest()], lines, {"a": normal(1, 1.0)}, placement_of)
    assert (found.verdict, found.ratio) == (Verdict.FASTER, None)
