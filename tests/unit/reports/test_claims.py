"""Tests of `reports.verdicts.claims`: the verdict follows the data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.claims import shm_fastest
from ipcbench.reports.verdicts.decisions import ClaimVerdict, Decision, Outcome
from tests.synthetic import cells, sweep
from tests.unit.reports.times import BASE, SHM, constant


def claim(results: Results) -> Decision:
    return shm_fastest(measured(results))


def test_supported_where_shared_memory_is_always_faster() -> None:
    found = claim(sweep(constant(), cells()))
    assert found.verdict is ClaimVerdict.SUPPORTED
    assert [one.outcome for one in found.comparisons] == [Outcome.HOLDS] * 2
    assert found.families == {"python": 4}
    for one in found.comparisons:
        assert one.second.cell.transport == "pipe"
        assert one.ratio is not None
        assert one.ratio.low < 1.25 < one.ratio.high
        assert one.ratio.coverage > 0.95


def test_refuted_where_one_other_is_always_faster() -> None:
    found = claim(sweep(constant(pipe=5e-6), cells()))
    assert found.verdict is ClaimVerdict.REFUTED
    assert found.count(Outcome.FAILS) == 2


def test_faster_than_most_is_not_fastest() -> None:
    """One equal rival is enough to leave the claim undecided."""
    found = claim(sweep(constant(pipe=8e-6, **{"unix-stream": 80e-6}), cells()))
    assert found.verdict is ClaimVerdict.UNDECIDED
    assert found.count(Outcome.UNDECIDED) == 2
    assert found.underpowered == 0


def test_depends_names_the_situations() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return 5e-6 if transport == "pipe" and size < 4096 else BASE[transport]

    found = claim(sweep(time, cells(sizes=(64, 1024, 65536, 1 << 20))))
    assert found.verdict is ClaimVerdict.DEPENDS
    (holds,) = found.where(Outcome.HOLDS)
    assert holds.sizes == [(65536, 1 << 20)]
    (fails,) = found.where(Outcome.FAILS)
    assert fails.sizes == [(64, 1024)]
    assert fails.processes == [2]


def test_one_undecided_cell_keeps_the_claim_from_being_supported() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return BASE[SHM] if size == 64 and transport != "null" else BASE[transport]

    found = claim(sweep(time, cells()))
    assert found.verdict is ClaimVerdict.UNDECIDED
    assert found.count(Outcome.HOLDS) == found.count(Outcome.UNDECIDED) == 1


@pytest.mark.parametrize("rounds", [1, 5])
def test_no_verdict_under_six_rounds(rounds: int) -> None:
    found = claim(sweep(constant(), cells(), rounds=rounds))
    assert found.verdict is ClaimVerdict.NONE
    assert found.count(Outcome.TOO_FEW) == 2
    assert found.families == {"python": 0}


def test_rounds_that_agree_but_are_too_few_for_the_family_are_counted() -> None:
    found = claim(sweep(constant(), cells(), rounds=6))
    assert found.verdict is ClaimVerdict.UNDECIDED
    assert found.underpowered == 2
    assert found.rounds_needed == 8  # 4 tests, 3 rivals: 12 / 2**8 is below 0.05
    assert claim(sweep(constant(), cells(), rounds=8)).verdict is ClaimVerdict.SUPPORTED


def test_twins_and_the_floor_are_left_out() -> None:
    planned = cells()
    twins = [cell for cell in planned if cell.transport == SHM]
    found = claim(sweep(constant(), planned, twins=twins))
    assert all(one.first_of == 1 and one.second_of == 3 for one in found.comparisons)
    assert not found.unopposed


def test_ways_of_waiting_and_runtimes_are_decided_separately() -> None:
    times = {**BASE, "shm:posix+spin": 1e-6}
    planned = cells((*BASE, "shm:posix+spin"), runtimes=("python", "native"))
    found = claim(sweep(lambda transport, *rest: times[transport], planned))
    assert len(found.comparisons) == 4
    assert {one.first.cell.transport for one in found.comparisons} == {SHM}
    assert {contest.situation.wait for contest in found.unopposed} == {"spin"}
    assert {runtime for runtime, _, _ in found.by_waiting()} == {"python", "native"}


def test_several_candidates_lose_the_first_round() -> None:
    transports = ("pipe", SHM, "shm:sysv+sysv-sem")
    times = {"pipe": 10e-6, SHM: 8e-6, "shm:sysv+sysv-sem": 7e-6}
    planned = cells(transports, sizes=(64,))
    (one,) = claim(sweep(lambda transport, *rest: times[transport], planned)).comparisons
    assert one.first.cell.transport == "shm:sysv+sysv-sem"
    assert one.p_holds == pytest.approx(2 * 2 / 2**12)  # 11 rounds after training, two tests


def test_reading_in_place_is_decided_separately() -> None:
    times = {**BASE, f"{SHM}/in-place": 1e-6}
    found = claim(
        sweep(lambda transport, *rest: times[transport], cells(tuple(times), sizes=(64,)))
    )
    (one,) = found.comparisons
    assert one.first.cell.transport == SHM
    (alone,) = found.unopposed
    assert alone.situation.in_place


def test_many_equal_candidates_do_not_hide_a_clear_difference() -> None:
    """Twelve candidates, 40 cells, 12 rounds: all rounds agree, and that is enough."""
    names = [f"shm:s{index}+futex" for index in range(12)]
    planned = cells(("pipe", "tcp", *names), sizes=range(1, 41))
    found = claim(sweep(lambda transport, *rest: 5e-6 if "shm" in transport else 6e-6, planned))
    assert found.families == {"python": 80}
    assert found.verdict is ClaimVerdict.SUPPORTED
    assert found.rounds_needed == 12


def test_facilities_without_data_are_left_out() -> None:
    planned = cells(("futex", "eventfd"), ("signal",), (0,))
    found = claim(sweep(lambda *rest: 1e-6, planned))
    assert not found.comparisons
    assert not found.unopposed


def test_nothing_to_compare_with() -> None:
    found = claim(sweep(constant(), cells((SHM, "null"))))
    assert found.verdict is ClaimVerdict.NONE
    assert not found.comparisons
    assert len(found.unopposed) == 2


def test_no_alarm_where_all_are_equal() -> None:
    """Over 40 sweeps of equal transports: an error of 5 % a sweep allows for 6 (p = 0.05)."""
    planned = cells(("pipe", "unix-stream", SHM), sizes=(64, 4096, 65536))
    wrong = sum(
        claim(sweep(lambda *rest: 1e-5, planned, seed=seed)).count(Outcome.UNDECIDED) < 3
        for seed in range(40)
    )
    assert wrong <= 3


@settings(max_examples=15, deadline=None)
@given(factor=st.floats(0.2, 5), seed=st.integers(0, 10**6))
def test_an_outcome_agrees_with_the_ratio(factor: float, seed: int) -> None:
    found = claim(sweep(constant(shm=BASE["pipe"] * factor), cells(), seed=seed))
    for one in found.comparisons:
        assert 0 < one.p_holds <= 1
        assert 0 < one.p_fails <= 1
        assert one.ratio is not None
        if one.outcome is Outcome.HOLDS:
            assert one.ratio.median > 1
        if one.outcome is Outcome.FAILS:
            assert one.ratio.median < 1
