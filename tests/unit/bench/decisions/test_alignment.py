"""bench.decisions.alignment: what it removes, and what it never looks at."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.alignment import ENOUGH, Aligner, aligned, deviations, offsets

CONTEST = ["pipe/same-core", "fifo/same-core"]
Runs = dict[str, dict[int, float]]

seconds = st.floats(1e-7, 1.0)


def placement(cell: str) -> str:
    return cell.rpartition("/")[2]


def others(count: int, where: str = "same-core") -> list[str]:
    return [f"other{each}/{where}" for each in range(count)]


@st.composite
def sweeps(draw: st.DrawFn, fewest: int = 0, most: int = 14) -> tuple[Runs, list[int]]:
    """Draw times of a contest, which has all rounds, and of other cells, which miss some."""
    rounds = list(range(1, 1 + draw(st.integers(1, 6))))
    whole = st.fixed_dictionaries(dict.fromkeys(rounds, seconds))
    some = st.dictionaries(st.sampled_from(rounds), seconds)
    count = draw(st.integers(fewest, most))
    times = {cell: draw(whole) for cell in CONTEST}
    return times | {cell: draw(some) for cell in others(count)}, rounds


def plain(times: Mapping[str, Mapping[int, float]], rounds: list[int]) -> dict[str, np.ndarray]:
    return {cell: np.log([times[cell][each] for each in rounds]) for cell in CONTEST}


def same(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all((one[cell] == other[cell]).all() for cell in one)


@given(sweeps(most=ENOUGH - 1))
def test_fewer_than_ten_other_cells_change_nothing(sweep: tuple[Runs, list[int]]) -> None:
    times, rounds = sweep
    assert same(aligned(times, CONTEST, rounds, placement), plain(times, rounds))


@given(sweeps(fewest=ENOUGH), seconds)
def test_only_a_round_that_ten_others_have_is_aligned(
    sweep: tuple[Runs, list[int]], time: float
) -> None:
    times, rounds = sweep
    for cell in others(ENOUGH - 1):  # nine have all rounds, the rest only the first one
        times[cell] = dict.fromkeys(rounds, time) | {1: time * 2}
    for cell in times.keys() - set(others(ENOUGH - 1)) - set(CONTEST):
        times[cell] = {1: times[cell].get(1, time)}
    result, raw = aligned(times, CONTEST, rounds, placement), plain(times, rounds)
    assert all((result[cell][1:] == raw[cell][1:]).all() for cell in CONTEST)


@given(
    st.integers(2, 8).flatmap(lambda n: st.lists(st.floats(-3, 3), min_size=n, max_size=n)),
    st.integers(ENOUGH, 15),
)
def test_a_common_offset_of_a_round_is_removed(drift: list[float], count: int) -> None:
    cells = CONTEST + others(count)
    times = {
        cell: {each: (index + 1) * math.exp(shift) for each, shift in enumerate(drift)}
        for index, cell in enumerate(cells)
    }
    result = aligned(times, CONTEST, range(len(drift)), placement)
    for cell in CONTEST:  # what is left is the same in every round
        assert result[cell] == pytest.approx(result[cell][0], abs=1e-12)
    gap = result[CONTEST[1]] - result[CONTEST[0]]
    assert gap == pytest.approx(math.log(2), abs=1e-12)


@given(sweeps(fewest=ENOUGH), st.dictionaries(st.integers(1, 6), seconds))
def test_the_contests_own_cells_are_never_used(
    sweep: tuple[Runs, list[int]], new: dict[int, float]
) -> None:
    times, rounds = sweep
    before = aligned(times, CONTEST, rounds, placement)
    changed = times | {CONTEST[0]: times[CONTEST[0]] | new}
    after = aligned(changed, CONTEST, rounds, placement)
    assert (after[CONTEST[1]] == before[CONTEST[1]]).all()
    offset = plain(times, rounds)[CONTEST[1]] - before[CONTEST[1]]
    assert after[CONTEST[0]] == pytest.approx(plain(changed, rounds)[CONTEST[0]] - offset)


@given(sweeps(fewest=ENOUGH), seconds)
def test_other_rounds_and_other_placements_are_not_used(
    sweep: tuple[Runs, list[int]], time: float
) -> None:
    times, rounds = sweep
    more = {cell: runs | {99: time} for cell, runs in times.items()}
    more |= {cell: dict.fromkeys(rounds, time * 7) for cell in others(ENOUGH, "cross-core")}
    before = aligned(times, CONTEST, rounds, placement)
    assert same(aligned(more, CONTEST, rounds, placement), before)


@given(sweeps(fewest=ENOUGH))
def test_all_cells_of_a_round_move_alike(sweep: tuple[Runs, list[int]]) -> None:
    times, rounds = sweep
    raw, result = plain(times, rounds), aligned(times, CONTEST, rounds, placement)
    moved = [raw[cell] - result[cell] for cell in CONTEST]
    assert moved[0] == pytest.approx(moved[1], abs=1e-12)


@given(sweeps())
def test_many_contests_are_aligned_as_each_alone(
    sweep: tuple[Runs, list[int]],
) -> None:
    times, rounds = sweep
    aligner = Aligner(times, placement)
    for contest in (CONTEST, CONTEST[:1], CONTEST):
        expected = aligned(times, contest, rounds, placement)
        assert same(aligner.aligned(contest, rounds), expected)


def test_suites_are_aligned_together() -> None:
    logs = np.random.default_rng(1).normal(size=(3, 14, 8))
    logs[1, 2:7, 3] = np.nan  # nine cells are left in this round
    together = offsets(deviations(logs))
    for suite in range(3):
        assert (together[suite] == offsets(deviations(logs[suite]))).all()
    assert together[1, 3] == 0 != together[0, 3]


def test_medians_are_those_of_the_rounds_that_a_cell_has() -> None:
    logs = np.random.default_rng(2).normal(size=(60, 9))
    logs[:, 1:][np.random.default_rng(3).random((60, 8)) < 0.4] = np.nan
    logs[0] = 5.0
    logs[1, 1:] = np.nan
    expected = logs - np.nanmedian(logs, axis=1, keepdims=True)
    assert deviations(logs) == pytest.approx(expected, nan_ok=True)
    assert np.isnan(deviations(np.full((1, 4), np.nan))).all()
    assert (offsets(np.empty((0, 4))) == 0).all()
