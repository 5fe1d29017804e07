"""reports.verdicts.decisions: the verdict on a statement follows from those on its contests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ipcbench.bench.decisions.contest import Asks, Extent, Verdict
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.decisions.verdicts import Ratio, of_results
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.rows.verdict_tables import unopposed
from ipcbench.reports.page.texts.verdict_phrases import summaries
from ipcbench.reports.verdicts.chapter import SHM_FASTEST, STATEMENTS
from ipcbench.reports.verdicts.contests import Comparison, comparisons
from ipcbench.reports.verdicts.decisions import Decision, Outcome, decide, outcome
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict, Kind
from tests.synthetic import GUARDS, SIGNALS, cells, reference, sweep
from tests.unit.reports.times import BASE, SHM, constant


def judged(results: Results) -> list[Comparison]:
    return comparisons(of_results(results), measured(results))


def claim(results: Results) -> Decision:
    return decide(SHM_FASTEST, judged(results))


def decisions(times: Mapping[str, float], noise: float = 0.01, **options) -> dict[str, Decision]:
    planned = cells(tuple(times), **options)
    results = sweep(lambda transport, *rest: times[transport], planned, noise=noise, drift=0)
    found = judged(results)
    every = (decide(statement, found) for statement in STATEMENTS)
    return {one.statement.id: one for one in every if one.comparisons}


# The claim: shared memory is the fastest.


def test_supported_where_shared_memory_is_always_faster() -> None:
    found = claim(sweep(constant(), cells()))
    assert found.verdict is ClaimVerdict.SUPPORTED
    assert [found.outcome(one) for one in found.comparisons] == [Outcome.HOLDS] * 2
    for one in found.comparisons:
        assert one.second.cell.transport == "pipe"
        assert one.ratio is not None
        assert one.ratio.low < 1.25 < one.ratio.high


def test_refuted_where_one_other_is_always_faster() -> None:
    found = claim(sweep(constant(pipe=5e-6), cells()))
    assert found.verdict is ClaimVerdict.REFUTED
    assert found.count(Outcome.FAILS) == 2


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


def test_a_tie_in_one_contest_makes_it_depend() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return BASE[SHM] if size == 64 and transport != "null" else BASE[transport]

    found = claim(sweep(time, cells(), drift=0, noise=0.01))
    assert found.count(Outcome.HOLDS) == found.count(Outcome.ALIKE) == 1
    assert found.verdict is ClaimVerdict.DEPENDS


def test_ways_of_waiting_and_runtimes_are_decided_separately() -> None:
    times = {**BASE, "shm:posix+spin": 1e-6}
    planned = cells((*BASE, "shm:posix+spin"), runtimes=("python", "native"))
    results = sweep(lambda transport, *rest: times[transport], planned)
    found = claim(results)
    assert len(found.comparisons) == 4
    assert {one.first.cell.transport for one in found.comparisons} == {SHM}
    alone = unopposed(measured(results)).rows
    assert {one.best.situation.wait for one in alone} == {"spin"}
    assert {runtime for runtime, _, _ in found.by_waiting()} == {"python", "native"}


def test_reading_in_place_is_decided_separately() -> None:
    times = {**BASE, f"{SHM}/in-place": 1e-6}
    results = sweep(lambda transport, *rest: times[transport], cells(tuple(times), sizes=(64,)))
    (one,) = claim(results).comparisons
    assert one.first.cell.transport == SHM
    (alone,) = unopposed(measured(results)).rows
    assert alone.best.situation.in_place
    assert alone.substitute is not None
    assert alone.substitute.cell.transport == "pipe"


def test_facilities_without_data_are_left_out() -> None:
    results = sweep(lambda *rest: 1e-6, cells(("futex", "eventfd"), ("signal",), (0,)))
    assert not claim(results).comparisons
    assert not unopposed(measured(results)).rows


def test_nothing_to_compare_with() -> None:
    results = sweep(constant(), cells((SHM, "null")))
    assert claim(results).verdict is ClaimVerdict.NONE
    assert len(unopposed(measured(results)).rows) == 2


@pytest.mark.parametrize(
    ("rounds", "verdict"), [(5, ClaimVerdict.UNDECIDED), (6, ClaimVerdict.SUPPORTED)]
)
def test_no_verdict_under_six_rounds(rounds: int, verdict: ClaimVerdict) -> None:
    found = claim(sweep(constant(), cells(), rounds=rounds, drift=0))
    assert found.verdict is verdict


def test_a_disturbed_cell_leaves_its_contests_undecided() -> None:
    disturbed = cells(("pipe",), sizes=(64,))
    found = claim(sweep(constant(), cells(), void=lambda cell, number: "x" * (
        cell in disturbed and number > 3)))  # fmt: skip
    small, large = found.comparisons
    assert small.verdict is Verdict.UNDECIDED
    assert small.ratio is None
    assert large.verdict is Verdict.FASTER


# Statements about pairs.


@pytest.mark.parametrize(
    ("socket", "verdict"),
    [(2e-5, ClaimVerdict.SUPPORTED), (5e-6, ClaimVerdict.REFUTED), (1e-5, ClaimVerdict.ALIKE)],
)
def test_the_faster_of_a_pair(socket: float, verdict: ClaimVerdict) -> None:
    found = decisions({"pipe": 1e-5, "unix-stream": socket})
    assert set(found) == {"pipe-beats-socket"}  # no other has both of its transports
    assert found["pipe-beats-socket"].verdict is verdict


@pytest.mark.parametrize(
    ("fifo", "verdict"),
    [
        (1.00e-5, ClaimVerdict.SUPPORTED),
        (1.15e-5, ClaimVerdict.REFUTED),
        (0.85e-5, ClaimVerdict.REFUTED),
    ],
)
def test_equal_within_five_percent(fifo: float, verdict: ClaimVerdict) -> None:
    assert decisions({"fifo": fifo, "pipe": 1e-5})["fifo-is-pipe"].verdict is verdict


def test_noise_is_no_equality() -> None:
    found = decisions({"fifo": 1e-5, "pipe": 1e-5}, noise=0.1)["fifo-is-pipe"]
    assert found.verdict is ClaimVerdict.UNDECIDED
    assert found.count(Outcome.UNDECIDED) == 2
    assert "2 undecided" in summaries(found)


def test_only_like_is_compared_with_like() -> None:
    planned = cells(SIGNALS, ("signal",), (0,)) + cells(GUARDS, ("counter",), (0,))
    found = judged(sweep(reference, planned))
    semaphores = next(one for one in STATEMENTS if one.id == "sysv-is-posix")
    decided = decide(semaphores, found)
    assert {one.situation.pattern for one in decided.comparisons} == {"signal", "counter"}
    for one in decided.comparisons:
        assert one.first.situation == one.second.situation


def test_statements_have_names_of_their_own() -> None:
    assert len({one.id for one in STATEMENTS}) == len(STATEMENTS)


def test_every_statement_has_contests_and_every_contest_its_statement() -> None:
    named = {name for task in TASKS.values() for name in task.statements}
    assert named == {name for one in STATEMENTS for name in one.about}


# Outcomes, by hand.


def contest(verdict: Verdict, value: float, low: float, high: float) -> Comparison:
    (one,) = claim(sweep(constant(), cells(sizes=(64,)))).comparisons
    assert one.contest.band == 0.05
    return replace(one, judged=replace(one.judged, verdict=verdict, ratio=Ratio(value, low, high)))


@pytest.mark.parametrize(
    ("kind", "verdict", "ratio", "wanted"),
    [
        (Kind.FASTER, Verdict.FASTER, (1.5, 1.4, 1.6), Outcome.HOLDS),
        (Kind.FASTER, Verdict.FASTER, (1.02, 1.01, 1.03), Outcome.HOLDS),
        (Kind.FASTER, Verdict.SLOWER, (0.8, 0.7, 0.9), Outcome.FAILS),
        (Kind.FASTER, Verdict.SLOWER, (0.97, 0.9, 0.99), Outcome.ALIKE),
        (Kind.FASTEST, Verdict.SLOWER, (0.97, 0.9, 0.99), Outcome.ALIKE),
        (Kind.FASTEST, Verdict.TIE, (1.0, 0.97, 1.03), Outcome.ALIKE),
        (Kind.FASTEST, Verdict.UNDECIDED, (1.2, 0.9, 1.5), Outcome.UNDECIDED),
        (Kind.EQUAL, Verdict.TIE, (1.0, 0.97, 1.03), Outcome.HOLDS),
        (Kind.EQUAL, Verdict.SLOWER, (0.98, 0.96, 0.99), Outcome.HOLDS),
        (Kind.EQUAL, Verdict.SLOWER, (0.97, 0.9, 0.99), Outcome.UNDECIDED),
        (Kind.EQUAL, Verdict.SLOWER, (0.9, 0.8, 0.94), Outcome.FAILS),
        (Kind.EQUAL, Verdict.FASTER, (1.1, 1.06, 1.2), Outcome.FAILS),
        (Kind.EQUAL, Verdict.FASTER, (1.06, 1.01, 1.2), Outcome.UNDECIDED),
        (Kind.EQUAL, Verdict.UNDECIDED, (1.0, 0.9, 1.1), Outcome.UNDECIDED),
    ],
)  # fmt: skip
def test_a_contest_means_for_a_statement(
    kind: Kind, verdict: Verdict, ratio: tuple[float, float, float], wanted: Outcome
) -> None:
    assert outcome(kind, contest(verdict, *ratio)) is wanted


@pytest.mark.parametrize(
    ("verdict", "extent", "wanted"),
    [
        (Verdict.TIE, Extent.INSIDE, Outcome.HOLDS),
        (Verdict.SLOWER, Extent.INSIDE, Outcome.HOLDS),
        (Verdict.SLOWER, Extent.OUTSIDE, Outcome.FAILS),
        (Verdict.FASTER, Extent.OUTSIDE, Outcome.FAILS),
        (Verdict.SLOWER, Extent.UNTOLD, Outcome.UNDECIDED),
        (Verdict.UNDECIDED, Extent.UNTOLD, Outcome.UNDECIDED),
    ],
)
@pytest.mark.parametrize("kind", [Kind.EQUAL, Kind.SAME])
def test_the_answer_to_a_contest_that_asks_for_the_band_counts(
    kind: Kind, verdict: Verdict, extent: Extent, wanted: Outcome
) -> None:
    one = contest(verdict, 0.97, 0.9, 0.99)  # whose interval says nothing
    asked = replace(one.judged, contest=replace(one.contest, asks=Asks.BAND), extent=extent)
    assert outcome(kind, replace(one, judged=asked)) is wanted


TABLE = {
    "H": ClaimVerdict.SUPPORTED,
    "F": ClaimVerdict.REFUTED,
    "A": ClaimVerdict.ALIKE,
    "U": ClaimVerdict.UNDECIDED,
    "HF": ClaimVerdict.DEPENDS,
    "HA": ClaimVerdict.DEPENDS,
    "HU": ClaimVerdict.UNDECIDED,
    "FA": ClaimVerdict.REFUTED,
    "FU": ClaimVerdict.REFUTED,
    "AU": ClaimVerdict.UNDECIDED,
    "HFAU": ClaimVerdict.DEPENDS,
    "": ClaimVerdict.NONE,
}


@pytest.mark.parametrize("outcomes", TABLE)
def test_the_verdict_of_several_contests(outcomes: str) -> None:
    made = {
        "H": contest(Verdict.FASTER, 1.5, 1.4, 1.6),
        "F": contest(Verdict.SLOWER, 0.5, 0.4, 0.6),
        "A": contest(Verdict.TIE, 1.0, 0.98, 1.02),
        "U": contest(Verdict.UNDECIDED, 1.0, 0.5, 1.5),
    }
    found = Decision(SHM_FASTEST, [made[one] for one in outcomes])
    assert found.verdict is TABLE[outcomes]


def test_a_difference_below_the_band_refutes_nothing() -> None:
    found = Decision(SHM_FASTEST, [contest(Verdict.SLOWER, 0.97, 0.94, 0.99)])
    assert found.verdict is ClaimVerdict.ALIKE
    assert summaries(found) == "Of 1 contest: the difference is below the band in 1."
