"""bench.decisions.looks: contests are judged at looks, by all rules of the method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.ahead import Ahead
from ipcbench.bench.decisions.comparison import p_faster
from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Asks, Contest, Extent, Times, Verdict
from ipcbench.bench.decisions.looks import Judge
from ipcbench.bench.decisions.state import State
from ipcbench.bench.results.records import Looked
from tests.unit.bench.decisions.sweeps import LAST, contest, judge, play, sweeps, until

FIRST = LOOKS[0]


def around(
    median: float, rounds: int = LAST, spread: float = 0.01, seed: int = 0
) -> dict[int, float]:
    """Return times of so many rounds, from 1 on, spread evenly in an order of the seed."""
    steps = np.random.default_rng([seed, int(median * 1e6)]).permutation(rounds) / rounds - 0.5
    return {number + 1: median * float(np.exp(spread * step)) for number, step in enumerate(steps)}


def verdict(found: Judge, name: str = "c") -> Verdict:
    return found.states[name].verdict


@pytest.mark.parametrize(
    ("second", "expected"),
    [(1.2, Verdict.FASTER), (0.8, Verdict.SLOWER), (1.03, Verdict.FASTER)],
)
def test_a_clear_difference_is_decided_at_the_first_look(second: float, expected: Verdict) -> None:
    found = judge(contest())
    line = found.look({"a": around(1.0), "b": around(second)}, FIRST)
    assert verdict(found) is expected
    (stand,) = line.stands
    assert (line.rounds, stand.rounds, stand.verdict) == (FIRST, FIRST, expected.value)
    assert stand.needed == 0
    assert found.open() == []


def test_sides_that_are_equal_within_the_band_tie() -> None:
    times = {"a": around(1.0, spread=0.06), "b": around(1.0, spread=0.06, seed=1)}
    found = judge(contest())
    for rounds in LOOKS:
        found.look(times, rounds)
    assert verdict(found) is Verdict.TIE
    assert found.states["c"].tie <= LEVEL / 2
    wide = judge(contest(band=0.2))
    wide.look(times, FIRST)
    assert verdict(wide) is Verdict.TIE


@pytest.mark.parametrize(
    ("second", "verdict_", "extent"),
    [
        (1.2, Verdict.FASTER, Extent.OUTSIDE),
        (0.8, Verdict.SLOWER, Extent.OUTSIDE),
        (1.02, Verdict.FASTER, Extent.INSIDE),
        (0.98, Verdict.SLOWER, Extent.INSIDE),
        (1.0, Verdict.TIE, Extent.INSIDE),
    ],
)
def test_a_contest_for_the_band_tells_whether_the_difference_is_within_it(
    second: float, verdict_: Verdict, extent: Extent
) -> None:
    found = judge(contest(asks=Asks.BAND))
    (stand,) = found.look({"a": around(1.0), "b": around(second, seed=1)}, FIRST).stands
    assert (verdict(found), found.states["c"].extent) == (verdict_, extent)
    assert (stand.verdict, stand.extent, stand.needed) == (verdict_.value, extent.value, 0)
    assert found.open() == []


def test_a_contest_for_the_band_goes_on_after_a_direction() -> None:
    times = {"a": around(1.0, spread=0.1), "b": around(1.055, spread=0.1)}
    found, usual = judge(contest(asks=Asks.BAND)), judge(contest())
    usual.look(until(times, LOOKS[1]), LOOKS[1])
    (stand,) = found.look(until(times, LOOKS[1]), LOOKS[1]).stands
    assert verdict(found) is verdict(usual) is Verdict.FASTER
    assert (stand.verdict, stand.extent) == ("faster", "")
    assert usual.open() == []
    (still,) = found.open()
    assert still.cells == ("a", "b")
    assert still.needed > LOOKS[1]
    shift = dict.fromkeys(range(LOOKS[1] + 1, LAST + 1), 1.1)
    times["b"] |= {number: value * times["b"][number] for number, value in shift.items()}
    (stand,) = found.look(times, LAST).stands
    assert (stand.verdict, stand.extent) == ("faster", "outside")


def test_a_direction_alone_makes_no_other_contest_of_the_family_easier() -> None:
    times = {"a": around(1.0, spread=0.1), "b": around(1.055, spread=0.1)}
    for asks, step in ((Asks.BAND, 2), (Asks.DIRECTION, 1)):
        late = contest("late", ["x"], ["y"])
        found = judge(contest(asks=asks), late)
        found.look(until(times, LOOKS[1]), LOOKS[1])
        assert verdict(found) is Verdict.FASTER
        found.look({"x": around(1.0), "y": around(2.0)}, FIRST)
        assert found.states["late"].step == step


def test_what_a_contest_for_the_band_has_told_stays_told() -> None:
    times = {"a": around(1.0, spread=0.1), "b": around(1.055, spread=0.1)}
    found = judge(contest(asks=Asks.BAND))
    found.look(until(times, LOOKS[1]), LOOKS[1])
    now = {cell: until(times, LOOKS[1])[cell] for cell in times}
    slow = dict.fromkeys(range(LOOKS[1] + 1, LAST + 1), 9.0)
    found.look({"a": {**now["a"], **slow}, "b": now["b"] | dict.fromkeys(slow, 1.0)}, LAST)
    assert verdict(found) is Verdict.FASTER


def test_an_undecided_contest_says_how_many_rounds_it_would_take() -> None:
    found = judge(contest())
    times = {"a": around(1.0, spread=0.5), "b": around(1.15, spread=0.5)}
    (stand,) = found.look(times, FIRST).stands
    assert stand.verdict == "undecided"
    assert FIRST < stand.needed < 1000
    (still,) = found.open()
    assert (still.needed, still.rounds, still.cells) == (stand.needed, LOOKS[1], ("a", "b"))


def test_an_undecided_contest_ends_with_the_last_look() -> None:
    found = judge(contest())
    times = {"a": around(1.0, spread=5), "b": around(1.001, spread=5)}
    for rounds in LOOKS:
        assert found.open()
        found.look(times, rounds)
    assert verdict(found) is Verdict.UNDECIDED
    assert found.open() == []
    assert found.due(times) == []


@pytest.mark.parametrize(("contests", "candidates"), [(26, 1), (2, 13), (13, 2)])
def test_the_size_of_a_family_and_of_a_side_limit_what_eight_rounds_decide(
    contests: int, candidates: int
) -> None:
    sides = [f"a{number}" for number in range(candidates)]
    times = {"b": around(2.0), **{cell: around(1.0, spread=0.5) for cell in sides}}
    even = {"x": around(1.0), "y": around(1.0, seed=1)}  # no other contest is decided before

    def state(more: int) -> State:
        others = [
            contest(f"o{number}", ["x"], ["y"], band=1e-9) for number in range(contests - 1 + more)
        ]
        found = judge(contest(first=sides), *others)
        found.look({**times, **even}, FIRST)
        return found.states["c"]

    assert state(0).verdict is Verdict.FASTER
    assert state(0).step == contests
    assert state(1).verdict is Verdict.UNDECIDED


def test_holm_lets_a_contest_profit_from_those_that_are_decided() -> None:
    family = [contest(f"c{number}") for number in range(30)]
    found = judge(*family)
    found.look({"a": around(1.0), "b": around(2.0)}, FIRST)
    assert {state.verdict for state in found.states.values()} == {Verdict.UNDECIDED}
    found = judge(*family)
    found.look({"a": around(1.0), "b": around(2.0)}, LOOKS[1])
    assert {state.verdict for state in found.states.values()} == {Verdict.FASTER}
    assert sorted(state.step for state in found.states.values()) == list(range(1, 31))


def test_a_family_is_corrected_by_itself() -> None:
    found = judge(*(contest(f"c{number}", family=f"f{number}") for number in range(100)))
    found.look({"a": around(1.0), "b": around(2.0)}, FIRST)
    assert {state.verdict for state in found.states.values()} == {Verdict.FASTER}


def test_a_contest_that_others_help_is_in_the_line_although_it_was_not_judged() -> None:
    late = {number + 20: value for number, value in around(1.0, FIRST).items()}
    times: dict[str, Mapping[int, float]] = {
        "a": around(1.0, FIRST),
        "b": around(1.5, FIRST, spread=0.4),
        "x": {},
        "y": {},
    }
    family = [contest(), *(contest(f"o{number}", ["x"], ["y"]) for number in range(27))]
    found = judge(*family)
    line = found.look(times, FIRST)
    assert [stand.contest for stand in line.stands] == ["c"]
    assert verdict(found) is Verdict.UNDECIDED
    times |= {"x": late, "y": {number: 9 * value for number, value in late.items()}}
    line = found.look(times, FIRST)
    assert {stand.contest for stand in line.stands} == {f"o{number}" for number in range(27)}
    longer = dict.fromkeys(range(100, 100 + LOOKS[1]), 0.1)
    times |= {"x": {**late, **longer}, "y": {**times["y"], **dict.fromkeys(longer, 9.0)}}
    line = found.look(times, LOOKS[1])
    assert verdict(found) is Verdict.FASTER
    assert {stand.contest: stand.rounds for stand in line.stands}["c"] == FIRST


def test_a_contest_that_others_help_is_resumed_as_it_was() -> None:
    one, other = around(1.0, FIRST), around(1.5, FIRST, spread=0.4)
    longer = {cell: around(value) for cell, value in (("x", 1.0), ("y", 9.0))}
    times: dict[str, Mapping[int, float]] = {"a": one, "b": other, **until(longer, FIRST)}
    family = [contest(), *(contest(f"o{number}", ["x"], ["y"]) for number in range(27))]
    found, lines = judge(*family), []
    lines.append(found.look(times, FIRST))
    lines.append(found.look({**times, **longer}, LOOKS[1]))
    state = found.states["c"]
    assert (state.verdict, state.look, state.rounds) == (Verdict.FASTER, FIRST, FIRST)
    again = judge(*family)
    again.resume(lines)
    assert again.states == found.states


def test_what_is_decided_stays_decided() -> None:
    found = judge(contest())
    found.look({"a": around(1.0, FIRST), "b": around(2.0, FIRST)}, FIRST)
    reversed_ = {"a": around(2.0), "b": around(1.0)}
    assert found.due(reversed_) == []
    assert found.look(reversed_, LOOKS[1]).stands == []
    assert verdict(found) is Verdict.FASTER


def test_a_look_takes_exactly_the_first_rounds_that_all_cells_have() -> None:
    a, b = around(1.0, spread=0.3), around(1.1, spread=0.3)
    del a[2], b[5]
    found, other = judge(contest()), judge(contest())
    found.look({"a": a, "b": b}, FIRST)
    common = [number for number in sorted(a) if number in b][:FIRST]
    assert common[-1] == FIRST + 2
    strange = dict.fromkeys(range(common[-1] + 1, LAST), 100.0)
    other.look({"a": {**a, **strange, 5: 1e-9}, "b": {**b, 2: 1e-9}}, FIRST)
    assert found.states["c"] == other.states["c"]
    logs = [np.log([own[number] for number in common]) for own in (a, b)]
    expected = len(LOOKS) * float(p_faster(*logs))
    assert found.states["c"].second == {"b": pytest.approx(min(1.0, expected))}


def test_a_contest_is_judged_when_its_last_cell_has_the_rounds() -> None:
    found = judge(contest(), contest("d", ["c"], ["b"]))
    times = {"a": around(1.0, FIRST - 1), "b": around(1.0, LOOKS[1]), "c": around(2.0, LOOKS[1])}
    assert found.due(times) == [FIRST, LOOKS[1]]
    line = found.look(times, FIRST)
    assert [stand.contest for stand in line.stands] == ["d"]
    assert found.states["c"].rounds == 0
    (still,) = found.open()
    assert (still.contest.id, still.rounds, still.cells) == ("c", FIRST, ("a", "b"))


def test_p_values_are_the_smallest_so_far() -> None:
    a, b = around(1.0, FIRST), around(1.02, FIRST, spread=0.03)
    found = judge(contest(), *(contest(f"o{n}", ["x"], ["y"]) for n in range(40)))
    found.look({"a": a, "b": b}, FIRST)
    before = replace(found.states["c"], first={}, second=dict(found.states["c"].second))
    assert before.is_open
    more = {number: 1.0 + (number % 2) for number in range(FIRST + 1, LOOKS[1] + 1)}
    found.look({"a": {**a, **more}, "b": {**b, **more}}, LOOKS[1])
    assert found.states["c"].second == before.second
    assert found.states["c"].rounds == LOOKS[1]


def test_beaten_cells_do_not_go_on_and_are_not_waited_for() -> None:
    sides = contest(first=["a"], second=["b", "slow"])
    times = {"a": around(1.0, spread=0.3), "b": around(1.02, spread=0.3), "slow": around(9.0)}
    found = judge(sides)
    found.look(until(times, FIRST), FIRST)
    (still,) = found.open()
    assert still.cells == ("a", "b")
    times["slow"] = around(9.0, FIRST)
    assert found.due(times) == list(LOOKS[1:])
    line = found.look(times, LOOKS[1])
    assert line.stands[0].rounds == LOOKS[1]
    assert line.stands[0].second["slow"] <= LEVEL / 2 < line.stands[0].second["b"]


def test_a_side_of_which_every_cell_is_beaten_has_lost() -> None:
    found = judge(contest(first=["a", "z"], second=["b", "c"]))
    times = {"a": around(1.0), "z": around(8.0), "b": around(2.0), "c": around(3.0)}
    found.look(times, FIRST)
    assert verdict(found) is Verdict.FASTER
    assert max(found.states["c"].second.values()) <= LEVEL / 2


def test_a_tie_takes_account_of_rivals_that_are_beaten() -> None:
    times = {
        "a": around(1.0, spread=0.15),
        "b": around(1.0, spread=0.15, seed=1),
        "slow": around(9.0, FIRST),
    }
    found = judge(contest(second=["b", "slow"]))
    found.look(until(times, FIRST), FIRST)
    assert found.open()[0].cells == ("a", "b")
    for rounds in LOOKS[1:]:
        found.look(times, rounds)
    assert verdict(found) is Verdict.TIE


def test_a_rival_that_is_beaten_counts_by_the_p_value_that_beat_it() -> None:
    one = Ahead(["b"], [1e-9], [1e-9], factor=10, rounds=FIRST)
    assert one.p_close({"b": 0.9}) == pytest.approx(1e-8)
    assert one.p_close({"b": 0.9, "slow": 1e-3}) == 1e-3


def test_a_cell_that_was_not_measured_takes_no_part() -> None:
    times: dict[str, Mapping[int, float]] = {"a": around(1.0), "b": around(2.0), "failed": {}}
    found = judge(contest(first=["a", "gone"], second=["b", "failed"]))
    found.look(times, FIRST)
    assert verdict(found) is Verdict.FASTER
    state = found.states["c"]
    assert (set(state.first), set(state.second)) == ({"a"}, {"b"})
    alone = judge(contest(second=["failed"]))
    assert alone.look(times, FIRST).stands == []
    assert alone.due(times) == []


def test_open_contests_come_in_the_order_of_the_runs_that_they_take() -> None:
    times = {
        "a": around(1.0, spread=0.3),
        "near": around(1.05, spread=0.3),
        "far": around(1.16, spread=0.3),
        "even": around(1.0, spread=0.3, seed=2),
    }
    contests = [
        contest("even", ["a"], ["even"], "1", band=1e-9),
        contest("near", ["a"], ["near"], "2", band=1e-9),
        contest("far", ["a"], ["far"], "3", band=1e-9),
        contest("all", ["a"], ["far", "near", "even"], "4", band=1e-9),
        contest("new", ["x"], ["y"], "5"),
    ]
    found = judge(*contests)
    assert [one.contest.id for one in found.open()] == ["even", "near", "far", "new", "all"]
    found.look(times, FIRST)
    order = [one.contest.id for one in found.open()]
    needed = {one.contest.id: one.needed for one in found.open()}
    assert order.index("far") < order.index("near")
    assert order.index("new") < order.index("near")
    assert needed["far"] < needed["near"]
    assert order[-1] in ("even", "all")


def test_a_fixed_sweep_has_one_look_with_the_whole_level() -> None:
    times = {"a": around(1.0, 12, spread=0.1), "b": around(1.05, 12, spread=0.1)}
    fixed, adaptive = judge(contest(), looks=(12,)), judge(contest())
    assert fixed.due(until(times, 11)) == []
    assert fixed.due(times) == [12]
    fixed.look(times, 12)
    adaptive.look(times, 12)
    (one,), (other,) = (found.states["c"].second.values() for found in (fixed, adaptive))
    assert other == pytest.approx(len(LOOKS) * one)
    assert fixed.open() == []
    assert fixed.look(times, 12).stands == []


def test_a_fixed_sweep_takes_the_rounds_that_there_are() -> None:
    times = {"a": around(1.0, 11), "b": around(2.0, 12)}
    found = judge(contest(), looks=(12,))
    (stand,) = found.look(times, 12).stands
    assert (stand.rounds, stand.verdict) == (11, "faster")


# A sweep that was stopped.


@given(sweeps(), st.data())
def test_a_resumed_sweep_is_where_it_would_be_without_the_stop(
    sweep: tuple[list[Contest], Times], data: st.DataObject
) -> None:
    contests, times = sweep
    whole: list[Looked] = []
    unbroken = judge(*contests)
    play(unbroken, times, whole)
    stopped = data.draw(st.integers(0, len(whole)))
    resumed = judge(*contests)
    resumed.resume(whole[:stopped])
    lines = whole[:stopped]
    play(resumed, times, lines)
    assert lines == whole
    assert resumed.states == unbroken.states
    assert resumed.open() == unbroken.open()
    again = judge(*contests)
    again.resume(whole)
    assert again.states == unbroken.states


@given(sweeps())
def test_a_verdict_stays_and_a_p_value_never_rises(sweep: tuple[list[Contest], Times]) -> None:
    contests, times = sweep
    lines: list[Looked] = []
    play(judge(*contests), times, lines)
    asks = {one.id: one.asks for one in contests}
    verdicts: dict[str, str] = {}
    smallest: dict[tuple[str, str], float] = {}  # of a contest for the band: by direction
    for stand in (stand for line in lines for stand in line.stands):
        before = verdicts.get(stand.contest, "undecided")
        for_band = asks[stand.contest] is Asks.BAND
        assert before == "undecided" or (for_band and before == stand.verdict)
        verdicts[stand.contest] = stand.verdict
        key = stand.contest, stand.verdict if for_band else ""
        assert stand.p <= smallest.get(key, 1.0)
        smallest[key] = stand.p


@given(sweeps())
def test_an_answer_for_the_band_is_the_last_line(sweep: tuple[list[Contest], Times]) -> None:
    contests, times = sweep
    lines: list[Looked] = []
    play(judge(*contests), times, lines)
    closed: set[str] = set()
    for stand in (stand for line in lines for stand in line.stands):
        assert stand.contest not in closed
        if stand.extent:
            closed.add(stand.contest)
            assert stand.p <= LEVEL
            assert stand.extent == "outside" or 2 * stand.tie <= LEVEL


@given(sweeps())
def test_cells_go_on_exactly_while_they_are_not_beaten(
    sweep: tuple[list[Contest], Times],
) -> None:
    contests, times = sweep
    found = judge(*contests)
    play(found, times, [])
    for state in found.states.values():
        limit = LEVEL / (2 * state.family)
        on = found.goes_on(state)
        for side in (state.first, state.second):
            left = [cell for cell in side if cell in on]
            if state.is_open and state.rounds:
                assert left == [cell for cell in side if state.against()[cell] > limit]
                assert left, "a side with none left has lost"
        assert state.is_open or not on


def test_lines_of_unknown_contests_are_passed_over() -> None:
    found = judge(contest("known"))
    line = judge(contest()).look({"a": around(1.0), "b": around(2.0)}, FIRST)
    found.resume([line])
    assert [one.contest.id for one in found.open()] == ["known"]
