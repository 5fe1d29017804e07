"""reports.verdicts.claims and reports.verdicts.trust: verdicts turn when the data do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.claims import Claim, Outcome, Verdict, shm_fastest
from ipcbench.reports.verdicts.trust import Weight, judge
from tests.synthetic import cells, sweep

SHM = "shm:posix+posix-sem"
BASE = {"pipe": 10e-6, "unix-stream": 12e-6, "sysv-queue": 11e-6, SHM: 8e-6, "null": 1e-7}


def constant(**changed: float):
    """A time that depends on the transport alone; `shm` stands for its long name."""
    table = {**BASE, **{SHM if name == "shm" else name: t for name, t in changed.items()}}
    return lambda transport, *rest: table[transport]


def claim(results: Results) -> Claim:
    return shm_fastest(measured(results))


def test_supported_where_shared_memory_is_always_faster() -> None:
    found = claim(sweep(constant(), cells()))
    assert found.verdict is Verdict.SUPPORTED
    assert [one.outcome for one in found.judged] == [Outcome.FASTEST] * 2
    assert found.families == {"python": 4}
    for one in found.judged:
        assert one.other.cell.transport == "pipe"
        assert one.ratio is not None
        assert one.ratio.low < 1.25 < one.ratio.high
        assert one.ratio.coverage > 0.95


def test_refuted_where_one_other_is_always_faster() -> None:
    found = claim(sweep(constant(pipe=5e-6), cells()))
    assert found.verdict is Verdict.REFUTED
    assert found.count(Outcome.BEATEN) == 2


def test_faster_than_most_is_not_fastest() -> None:
    """Intersection-union: one equal rival is enough to leave it open."""
    found = claim(sweep(constant(pipe=8e-6, **{"unix-stream": 80e-6}), cells()))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.count(Outcome.OPEN) == 2
    assert found.starved == 0


def test_depends_and_says_where() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return 5e-6 if transport == "pipe" and size < 4096 else BASE[transport]

    found = claim(sweep(time, cells(sizes=(64, 1024, 65536, 1 << 20))))
    assert found.verdict is Verdict.DEPENDS
    (holds,) = found.where(Outcome.FASTEST)
    assert holds.sizes == [(65536, 1 << 20)]
    (fails,) = found.where(Outcome.BEATEN)
    assert fails.sizes == [(64, 1024)]
    assert fails.processes == [2]


def test_an_open_cell_keeps_a_claim_about_all_from_being_supported() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return BASE[SHM] if size == 64 and transport != "null" else BASE[transport]

    found = claim(sweep(time, cells()))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.count(Outcome.FASTEST) == found.count(Outcome.OPEN) == 1


@pytest.mark.parametrize("rounds", [1, 5])
def test_no_verdict_under_six_rounds(rounds: int) -> None:
    found = claim(sweep(constant(), cells(), rounds=rounds))
    assert found.verdict is Verdict.NONE
    assert found.count(Outcome.TOO_FEW) == 2
    assert found.families == {"python": 0}


def test_rounds_that_agree_but_are_too_few_for_the_family_are_told_apart() -> None:
    found = claim(sweep(constant(), cells(), rounds=6))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.starved == 2
    assert found.enough == 8  # 4 tests, 3 rivals: 12 / 2**8 is below 0.05
    assert claim(sweep(constant(), cells(), rounds=8)).verdict is Verdict.SUPPORTED


def test_twins_and_the_floor_take_no_part() -> None:
    planned = cells()
    twins = [cell for cell in planned if cell.transport == SHM]
    found = claim(sweep(constant(), planned, twins=twins))
    assert all(one.candidates == 1 and one.rivals == 3 for one in found.judged)
    assert not found.alone


def test_ways_of_waiting_and_runtimes_are_judged_apart() -> None:
    times = {**BASE, "shm:posix+spin": 1e-6}
    planned = cells((*BASE, "shm:posix+spin"), runtimes=("python", "native"))
    found = claim(sweep(lambda transport, *rest: times[transport], planned))
    assert len(found.judged) == 4
    assert {one.shm.cell.transport for one in found.judged} == {SHM}
    assert {contest.situation.wait for contest in found.alone} == {"spinning"}
    assert {runtime for runtime, _, _ in found.divisions()} == {"python", "native"}


def test_several_candidates_pay_for_being_several() -> None:
    transports = ("pipe", SHM, "shm:sysv+sysv-sem")
    times = {"pipe": 10e-6, SHM: 8e-6, "shm:sysv+sysv-sem": 7e-6}
    planned = cells(transports, sizes=(64,))
    (one,) = claim(sweep(lambda transport, *rest: times[transport], planned)).judged
    assert one.shm.cell.transport == "shm:sysv+sysv-sem"
    assert one.p_fastest == pytest.approx(2 * 2 / 2**12)  # two candidates, two tests


def test_reading_in_place_is_judged_apart() -> None:
    times = {**BASE, f"{SHM}/in-place": 1e-6}
    found = claim(
        sweep(lambda transport, *rest: times[transport], cells(tuple(times), sizes=(64,)))
    )
    (one,) = found.judged
    assert one.shm.cell.transport == SHM
    (alone,) = found.alone
    assert alone.situation.in_place


def test_many_alike_on_one_side_do_not_hide_a_clear_difference() -> None:
    """Twelve candidates, 40 cells, 12 rounds: all rounds agree, and that is enough."""
    names = [f"shm:s{index}+futex" for index in range(12)]
    planned = cells(("pipe", "tcp", *names), sizes=range(1, 41))
    found = claim(sweep(lambda transport, *rest: 5e-6 if "shm" in transport else 6e-6, planned))
    assert found.families == {"python": 80}
    assert found.verdict is Verdict.SUPPORTED
    assert found.enough == 12


def test_what_carries_no_data_is_no_side_of_the_claim() -> None:
    planned = cells(("futex", "eventfd"), ("signal",), (0,))
    found = claim(sweep(lambda *rest: 1e-6, planned))
    assert not found.judged
    assert not found.alone


def test_nothing_to_compare_with() -> None:
    found = claim(sweep(constant(), cells((SHM, "null"))))
    assert found.verdict is Verdict.NONE
    assert not found.judged
    assert len(found.alone) == 2


def test_no_alarm_where_all_are_equal() -> None:
    """Over 40 sweeps of equal transports: an error of 5 % a sweep allows for 6 (p = 0.05)."""
    planned = cells(("pipe", "unix-stream", SHM), sizes=(64, 4096, 65536))
    wrong = sum(
        claim(sweep(lambda *rest: 1e-5, planned, seed=seed)).count(Outcome.OPEN) < 3
        for seed in range(40)
    )
    assert wrong <= 3


@settings(max_examples=15, deadline=None)
@given(factor=st.floats(0.2, 5), seed=st.integers(0, 10**6))
def test_what_is_said_of_a_cell_has_the_ratio_on_its_side(factor: float, seed: int) -> None:
    found = claim(sweep(constant(shm=BASE["pipe"] * factor), cells(), seed=seed))
    for one in found.judged:
        assert 0 < one.p_fastest <= 1
        assert 0 < one.p_beaten <= 1
        assert one.ratio is not None
        if one.outcome is Outcome.FASTEST:
            assert one.ratio.median > 1
        if one.outcome is Outcome.BEATEN:
            assert one.ratio.median < 1


# --- whether the run can be trusted


def weigh(results: Results):
    return judge(results, measured(results))


def test_good_controls_let_a_run_be_trusted() -> None:
    planned = cells()
    trust = weigh(sweep(constant(), planned, twins=planned[:2], noise=0.01))
    assert trust.weight is Weight.GOOD
    assert [one.verdict for one in trust.controls] == ["good", "good"]
    assert trust.headline == "This run can be trusted."


def slow_twin(factor: float, noise: float = 0.01, rounds: int = 12) -> Results:
    planned = cells()
    results = sweep(constant(), planned, twins=planned[:1], noise=noise, rounds=rounds)
    for entry in results.cells.values():
        if entry.cell.twin:
            for run in entry.runs:
                run.values = [value * factor for value in run.values]
    return results


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_a_bad_control_condemns_the_run(factor: float) -> None:
    trust = weigh(slow_twin(factor))
    assert trust.weight is Weight.BAD
    assert trust.headline == "This run is not to be trusted."
    assert trust.controls[0].verdict == "bad"


def test_a_control_that_straddles_the_band_is_inconclusive() -> None:
    trust = weigh(slow_twin(1.05, noise=0.03))
    assert trust.controls[0].verdict == "control inconclusive"
    assert trust.weight is Weight.WARNING


def test_a_control_of_few_rounds_says_nothing() -> None:
    trust = weigh(slow_twin(1.5, rounds=5))
    assert trust.controls[0].verdict == "too few rounds"
    assert trust.headline == "Too few rounds: ranges, and no verdict."


def texts(results: Results) -> str:
    return " ".join(one.text for one in weigh(results).findings)


def test_disturbances_are_told() -> None:
    planned = cells()
    assert "interrupted after 12 rounds" in texts(sweep(constant(), planned, end="interrupted"))
    assert "did not end" in texts(sweep(constant(), planned, end=None))
    assert "6.0 % in the worst (round 12)" in texts(sweep(constant(), planned, steal=0.06))
    void = sweep(
        constant(), planned, void=lambda cell, number: "foreign time" if number == 3 else ""
    )
    assert "10 of 120 runs are void: foreign time (10)." in texts(void)
    assert "No control was measured" in texts(void)
    assert "fewer rounds" not in texts(void)  # all have the same eleven


def test_a_round_that_a_cell_lacks_is_told() -> None:
    results = sweep(constant(), cells())
    del next(iter(results.cells.values())).runs[3]
    assert "1 cell of 10 have fewer rounds" in texts(results).replace("has", "have")


def test_a_twin_without_its_original() -> None:
    results = sweep(constant(), cells(), twins=cells()[:1])
    lost = next(iter(results.cells))
    results.cells[lost].runs.clear()
    assert weigh(results).controls[0].verdict == "no control: no round has both"
