"""bench.decisions.verdicts: a verdict, its ratio and its interval agree, whatever the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.comparison import log_ratio, log_ratio_limits
from ipcbench.bench.decisions.contest import (
    LEVEL,
    LOOKS,
    Asks,
    Contest,
    Extent,
    Times,
    Verdict,
)
from ipcbench.bench.decisions.verdicts import (
    LOST,
    ContestVerdict,
    Why,
    contests_in,
    of_results,
    verdicts,
)
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Contested, Failed, Looked
from ipcbench.bench.results.results import Results
from tests import synthetic
from tests.unit.bench.decisions.sweeps import (
    LAST,
    contest,
    judge,
    placement_of,
    play,
    sweeps,
    until,
)

MEMORY = "shm:posix+posix-sem"


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
    for_band = found.contest.asks is Asks.BAND
    told = found.extent is not Extent.UNTOLD
    is_answered = told if for_band else found.verdict is not Verdict.UNDECIDED
    assert (found.why is None) is is_answered
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
    assert (found.p <= LEVEL) is is_answered
    if for_band:
        low, high = math.log(ratio.low) if ratio.low else -math.inf, math.log(ratio.high)
        wide = math.log1p(band)
        assert (-wide < low and high < wide) is (found.extent is Extent.INSIDE)
        assert (low > wide or high < -wide) is (found.extent is Extent.OUTSIDE)
    else:
        assert not told
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
        if earlier.why is None:
            assert after == earlier
        elif earlier.verdict is not Verdict.UNDECIDED:  # it asks for the band, and goes on
            assert after.verdict is earlier.verdict
            assert earlier.ratio is not None and after.ratio is not None
            assert earlier.ratio.low <= after.ratio.low
            assert after.ratio.high <= max(earlier.ratio.high, after.ratio.low)


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


# The verdicts of a run's journal.


def seconds(
    transport: str, pattern: str, size: int, processes: int, placement: str, number: int
) -> float:
    return {"pipe": 1e-6, "unix-stream": 2e-6}.get(transport, 1.5e-6)


def a_run(**changes: Any) -> Results:
    cells = synthetic.cells(["pipe", "unix-stream", MEMORY], sizes=[64])
    return synthetic.sweep(seconds, cells, **changes)


def of_pair(results: Results) -> ContestVerdict:
    """Return the verdict on the pipe and the socket."""
    (found,) = (one for one in of_results(results) if one.contest.statement == "pipe-beats-socket")
    return found


def judged(results: Results, looks: Sequence[int] = LOOKS) -> Results:
    """Add the contests and the looks of a sweep."""
    contests = contests_in(results)
    results.contests = {one.id: contested(one) for one in contests}
    times = {key: cell.by_round() for key, cell in results.cells.items()}
    play(judge(*contests, looks=looks), times, results.looks)
    if len(looks) > 1:
        settings = msgspec.structs.replace(results.header.settings, adaptive=True)
        results.header = msgspec.structs.replace(results.header, settings=settings)
    return results


def contested(one: Contest) -> Contested:
    return Contested(
        id=one.id,
        task=one.task,
        family=one.family,
        statement=one.statement,
        first=list(one.first),
        second=list(one.second),
        band=one.band,
        asks=one.asks.value,
        level=LEVEL,
    )


def test_a_journal_without_contests_has_those_of_its_cells() -> None:
    found = of_pair(a_run())
    assert found.contest.task == "small-request"
    assert (found.verdict, found.rounds, found.stopped_early) == (Verdict.FASTER, 12, False)
    assert found.ratio is not None
    assert found.ratio.low < 2 < found.ratio.high


def test_a_run_without_figures_has_no_verdict() -> None:
    results = a_run()
    for result in results.cells.values():
        result.runs = []
    assert {one.why for one in of_results(results)} == {Why.NO_FIGURE}
    assert {one.verdict for one in of_results(results)} == {Verdict.UNDECIDED}


def test_looks_of_an_adaptive_sweep_are_taken_as_they_are() -> None:
    results = judged(a_run())
    found = of_pair(results)
    assert (found.verdict, found.rounds, found.stopped_early) == (Verdict.FASTER, 8, True)
    before = results.looks[0].stands
    for stand in before:
        stand.verdict, stand.p = "undecided", 0.5
    assert of_pair(results).verdict is Verdict.UNDECIDED


def test_an_adaptive_sweep_without_a_look_has_no_verdict() -> None:
    results = judged(a_run(rounds=7))
    assert results.looks == []
    assert (of_pair(results).verdict, of_pair(results).why) == (Verdict.UNDECIDED, Why.TOO_FEW)


def test_a_fixed_sweep_has_its_look_or_is_judged_once() -> None:
    whole = judged(a_run(), looks=(12,))
    assert [line.rounds for line in whole.looks] == [12]
    assert of_pair(whole) == of_pair(a_run())
    stopped = a_run(rounds=7)
    stopped.contests = whole.contests
    assert (of_pair(stopped).verdict, of_pair(stopped).rounds) == (Verdict.FASTER, 7)


@pytest.mark.parametrize("good", [5, 0])
def test_a_contest_with_a_disturbed_cell_is_undecided_and_says_which(good: int) -> None:
    def disturbed(cell: Cell, number: int) -> str:
        return "foreign" if cell.transport == "pipe" and number > good else ""

    results = a_run(void=disturbed)
    found = of_pair(results)
    assert (found.verdict, found.why, found.ratio) == (Verdict.UNDECIDED, Why.DISTURBED, None)
    assert found.because == ("latency/pipe/python/64B/2p/same-core",)
    fastest = next(one for one in of_results(results) if one.contest.statement == "shm-fastest")
    assert (fastest.verdict, fastest.because) == (Verdict.UNDECIDED, found.because)


def test_a_cell_of_whose_runs_half_count_is_not_disturbed() -> None:
    def half(cell: Cell, number: int) -> str:
        return "foreign" if cell.transport == "pipe" and number > 6 else ""

    assert of_pair(a_run(void=half)).verdict is Verdict.FASTER


def test_a_contest_with_a_counter_that_lost_updates_is_undecided() -> None:
    cells = synthetic.cells(["posix-sem", "sysv-sem"], ["counter"], sizes=[0], processes=[2])
    results = synthetic.sweep(seconds, cells)
    (found,) = of_results(results)
    assert found.why is not Why.LOST
    results.cells[cells[1].id].runs[3].observations[LOST] = 0.01
    (found,) = of_results(results)
    assert (found.verdict, found.why) == (Verdict.UNDECIDED, Why.LOST)
    assert found.because == (cells[1].id,)


def test_a_cell_that_failed_takes_no_part() -> None:
    cells = synthetic.cells(["pipe", "unix-stream", MEMORY], sizes=[64])
    failure = Failed(cell=cells[0].id, round=0, who="worker", where="attach", what="no")
    found = of_results(synthetic.sweep(seconds, cells, failed=[failure]))
    fastest = next(one for one in found if one.contest.statement == "shm-fastest")
    assert (fastest.verdict, fastest.absent) == (Verdict.FASTER, (cells[0].id,))
    pair = next(one for one in found if one.contest.statement == "pipe-beats-socket")
    assert (pair.why, pair.absent) == (Why.NO_FIGURE, (cells[0].id,))
