"""bench.decisions.promises: promises are judged at looks, and their verdicts agree with them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Times
from ipcbench.bench.decisions.promises.looks import (
    PromisedRatio,
    PromiseJudge,
    PromiseVerdict,
    Sample,
    p_values,
)
from ipcbench.bench.decisions.promises.verdicts import PromiseOutcome, verdicts
from ipcbench.bench.results.records import Looked
from tests.unit.bench.decisions.sweeps import LAST, placement_of, sweeps, until
from tests.unit.bench.decisions.test_looks import around

FIRST = LOOKS[0]
KEPT, BROKEN = PromiseVerdict.KEPT, PromiseVerdict.BROKEN
INCONCLUSIVE = PromiseVerdict.INCONCLUSIVE

BOUNDS = st.sampled_from(
    [(0.5, None), (1.0, None), (None, 1.0), (0.95, 1.05), (1.0, 1.0), (1.2, None), (None, 2.0),
     (0.9, 3.0)]
)  # fmt: skip


def promise(
    least: float | None = None, most: float | None = None, name: str = "p", than: str = "b"
) -> PromisedRatio:
    return PromisedRatio(name, "a", than, least, most)


def judge(*promises: PromisedRatio, looks: Sequence[int] = LOOKS) -> PromiseJudge:
    return PromiseJudge(promises, placement_of, looks=looks)


def play(found: PromiseJudge, times: Times, rounds: int = LAST) -> list[Looked]:
    """Judge as the rounds come; return the journal, as it is read."""
    lines = []
    for number in range(1, rounds + 1):
        now = until(times, number)
        for due in found.due(now):
            line = found.look(now, due)
            lines.append(msgspec.json.decode(msgspec.json.encode(line), type=Looked))
    return lines


@st.composite
def promised(draw: st.DrawFn) -> tuple[list[PromisedRatio], Times]:
    """Draw promises of one cell about others, and times with outliers, ties and missing runs."""
    bounds = draw(st.lists(BOUNDS, min_size=1, max_size=4))
    every = [
        promise(*each, f"p{number}", draw(st.sampled_from("bcde")))
        for number, each in enumerate(bounds)
    ]
    return every, draw(sweeps())[1]


@pytest.mark.parametrize(
    ("least", "most", "ratio", "expected"),
    [
        (1.5, None, 1.7, KEPT),
        (1.5, None, 1.3, BROKEN),
        (None, 1.5, 1.3, KEPT),
        (None, 1.5, 1.7, BROKEN),
        (0.95, 1.05, 1.0, KEPT),
        (0.95, 1.05, 1.1, BROKEN),
        (0.95, 1.05, 0.9, BROKEN),
        (1.5, None, 1.501, INCONCLUSIVE),
        (1.0, 1.0, 1.0, INCONCLUSIVE),
    ],
)
def test_a_clear_ratio_is_decided_at_the_first_look(
    least: float | None, most: float | None, ratio: float, expected: PromiseVerdict
) -> None:
    found = judge(promise(least, most))
    line = found.look({"a": around(1.0), "b": around(ratio, seed=1)}, FIRST)
    assert found.states["p"].verdict is expected
    (stand,) = line.promises
    assert (line.rounds, stand.rounds, stand.verdict) == (FIRST, FIRST, expected.value)
    assert line.stands == []
    assert found.open_count == len(found.open()) == (expected is INCONCLUSIVE)


def test_a_bound_that_is_missing_takes_no_part() -> None:
    sample = Sample([*range(8)], np.zeros(8), np.ones(8))
    only_least, only_most = p_values(promise(1.5), sample), p_values(promise(None, 1.5), sample)
    assert (only_least.below_most, only_least.above_most) == (0.0, 1.0)
    assert (only_most.above_least, only_most.below_least) == (0.0, 1.0)
    assert only_least.kept == only_most.broken < 1e-3
    assert only_least.broken == only_most.kept == 1.0


def test_the_promises_of_a_file_are_corrected_together() -> None:
    """At the first look, 26 of them can be decided: as many as contests of a family."""
    times = {"a": around(1.0), "b": around(2.0)}
    for number, expected in ((26, KEPT), (27, INCONCLUSIVE)):
        found = judge(*(promise(1.5, name=f"p{each}") for each in range(number)))
        found.look(times, FIRST)
        assert {state.verdict for state in found.states.values()} == {expected}
    found.look(times, LOOKS[1])
    assert {state.verdict for state in found.states.values()} == {KEPT}
    assert sorted(state.step for state in found.states.values()) == [*range(1, 28)]


def test_an_inconclusive_promise_says_how_many_rounds_it_would_take() -> None:
    found = judge(promise(1.0))
    found.look({"a": around(1.0, spread=0.5), "b": around(1.15, spread=0.5, seed=1)}, FIRST)
    (still,) = found.open()
    assert FIRST < still.needed < 1000
    assert (still.rounds, still.cells) == (LOOKS[1], ("a", "b"))


def test_the_promise_with_the_fewest_rounds_left_comes_first() -> None:
    times = {
        "a": around(1.0, spread=0.5),
        "b": around(1.1, spread=0.5, seed=1),
        "c": around(1.2, spread=0.5, seed=2),
    }
    found = judge(promise(1.0), promise(1.0, name="q", than="c"))
    found.look(times, FIRST)
    assert [one.contest.id for one in found.open()] == ["q", "p"]


def test_a_fixed_sweep_has_one_look_with_the_whole_level() -> None:
    times = {"a": around(1.0, 6), "b": around(2.0, 6)}
    fixed, adaptive = judge(promise(1.5), looks=(6,)), judge(promise(1.5), looks=(6, *LOOKS))
    fixed.look(times, 6)
    adaptive.look(times, 6)
    assert fixed.states["p"].p.kept < adaptive.states["p"].p.kept
    assert (fixed.states["p"].verdict, fixed.open()) == (KEPT, [])


@pytest.mark.parametrize(("rounds", "expected"), [(5, INCONCLUSIVE), (6, KEPT)])
def test_under_six_rounds_nothing_is_decided(rounds: int, expected: PromiseVerdict) -> None:
    found = judge(promise(1.5), looks=(rounds,))
    found.look({"a": around(1.0, rounds), "b": around(2.0, rounds)}, rounds)
    assert found.states["p"].verdict is expected


def inside(one: PromiseOutcome, room: float) -> bool:
    """Tell whether the limits lie within the bounds, with some room on both sides."""
    assert one.ratio is not None
    least, most = one.promise.at_least or 0.0, one.promise.at_most or math.inf
    return (one.ratio.low >= least * (1 + room) or least == 0) and one.ratio.high <= most * (
        1 - room
    )


def outside(one: PromiseOutcome, room: float) -> bool:
    """Tell whether both limits lie beyond one bound."""
    assert one.ratio is not None
    least, most = one.promise.at_least or 0.0, one.promise.at_most or math.inf
    return one.ratio.high <= least * (1 - room) or one.ratio.low >= most * (1 + room)


@given(promised())
def test_the_interval_lies_where_the_verdict_says(drawn: tuple[list[PromisedRatio], Times]) -> None:
    promises, times = drawn
    lines = play(judge(*promises), times)
    for one in verdicts(promises, lines, times, placement_of):
        if one.ratio is None:
            continue
        assert one.ratio.low <= one.ratio.value <= one.ratio.high
        if one.verdict is INCONCLUSIVE:
            assert not inside(one, 1e-12) and not outside(one, 1e-12)
        else:
            assert (inside if one.verdict is KEPT else outside)(one, -1e-12)


@given(promised())
def test_what_is_decided_stays_decided_and_is_never_kept_and_broken(
    drawn: tuple[list[PromisedRatio], Times],
) -> None:
    promises, times = drawn
    found, decided = judge(*promises), dict[str, str]()
    for line in play(found, times):
        for stand in line.promises:
            assert stand.promise not in decided
            if stand.verdict != INCONCLUSIVE.value:
                decided[stand.promise] = stand.verdict
    assert decided == {
        key: state.verdict.value for key, state in found.states.items() if not state.is_open
    }


@given(promised(), st.integers(1, LAST))
def test_a_resumed_sweep_has_the_looks_of_an_unbroken_one(
    drawn: tuple[list[PromisedRatio], Times], stopped: int
) -> None:
    promises, times = drawn
    whole = play(judge(*promises), times)
    before = play(judge(*promises), times, stopped)
    resumed = judge(*promises)
    resumed.resume(before)
    again = judge(*promises)
    play(again, times, stopped)
    assert resumed.states == again.states
    assert before + play(resumed, times) == whole


@given(promised())
def test_a_verdict_is_shown_at_its_level(drawn: tuple[list[PromisedRatio], Times]) -> None:
    found = judge(*drawn[0])
    play(found, drawn[1])
    for state in found.states.values():
        kept, broken = (2 * state.step * p <= LEVEL for p in (state.p.kept, state.p.broken))
        shown = {KEPT: kept, BROKEN: broken, INCONCLUSIVE: not kept and not broken}
        assert shown[state.verdict]


@pytest.mark.parametrize("bounds", [(1.5, None), (None, 1.5), (1.5, 3.0), (0.5, 1.5)])
def test_a_promise_at_its_bound_is_seldom_decided(
    bounds: tuple[float | None, float | None],
) -> None:
    """The true ratio is the bound: no verdict in more than the nominal level, over all looks."""
    generator = np.random.default_rng(5)
    decided = 0
    for _ in range(400):
        logs = generator.normal(0, 0.05, (2, LAST)) + np.log([[1.0], [1.5]])
        times = {
            cell: {number: math.exp(value) for number, value in enumerate(own, 1)}
            for cell, own in zip("ab", logs.tolist(), strict=True)
        }
        found = judge(promise(*bounds))
        play(found, times)
        decided += not found.states["p"].is_open
    assert decided / 400 <= 2 * LEVEL
