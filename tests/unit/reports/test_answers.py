"""reports.verdicts.answers: tiers and contests of the tasks, and what the page says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import Verdict
from ipcbench.bench.decisions.ranks import Standing
from ipcbench.bench.decisions.verdicts import Ratio, Why, of_results
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Contested, Looked, Stand
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.page.rows.verdict_tables import MOST_ANSWERS, MOST_CONTESTS
from ipcbench.reports.page.texts import verdict_phrases as phrases
from ipcbench.reports.page.texts.phrases import TIMES, TO
from ipcbench.reports.verdicts.answers import MOST_ENTRANTS, Answer, answers
from ipcbench.reports.verdicts.contests import Comparison, comparisons
from ipcbench.reports.verdicts.decisions import Decision
from ipcbench.reports.verdicts.statements.statement import Kind, Speed, Statement
from tests.synthetic import cells, sweep
from tests.unit.reports.pages import part

SHM = "shm:posix+posix-sem"
FACTORS = st.lists(st.floats(0.8, 1.25), min_size=2, max_size=5)
NAMES = ("pipe", "unix-stream", "tcp", "posix-queue", SHM)


def answered(results: Results) -> dict[str, Answer]:
    known = measured(results)
    found = answers(results, comparisons(of_results(results), known), known)
    return {one.task: one for one in found}


def of(times: dict[str, float], **options: object) -> Results:
    planned = cells(tuple(times), sizes=(64,))
    return sweep(lambda name, *_: times[name], planned, **{"drift": 0, **options})  # type: ignore[arg-type]


def one_contest(**changed: object) -> Comparison:
    results = of({"pipe": 2e-6, SHM: 1e-6})
    (one,) = comparisons(of_results(results), measured(results))
    return replace(one, judged=replace(one.judged, **changed))  # type: ignore[arg-type]


# Tiers.


def test_a_tier_has_those_that_no_other_beats() -> None:
    times = {SHM: 1e-6, "pipe": 1.02e-6, "unix-stream": 2e-6, "tcp": 3e-6}
    (tier,) = answered(of(times, noise=0.002))["small-request"].tiers
    assert [tier.cells[one.cell].cell.transport for one in tier.found.entrants] == list(times)
    assert [one.standing for one in tier.found.entrants] == [
        Standing.BEST, Standing.ALIKE, Standing.OUT, Standing.OUT,
    ]  # fmt: skip
    assert phrases.tier(tier) == "1 alike within 5 %; 2 out"
    assert tier.only is None


def test_a_single_member_is_the_answer() -> None:
    (tier,) = answered(of({SHM: 1e-6, "pipe": 2e-6}))["small-request"].tiers
    assert tier.only is not None
    assert tier.only.cell.transport == SHM
    assert phrases.tier(tier) == "1 out"


def test_too_few_rounds_have_no_tier() -> None:
    assert not answered(of({SHM: 1e-6, "pipe": 2e-6}, rounds=5))["small-request"].tiers
    assert answered(of({SHM: 1e-6, "pipe": 2e-6}, rounds=6))["small-request"].tiers


def test_noise_tells_nothing_apart() -> None:
    (tier,) = answered(of({SHM: 1e-6, "pipe": 1.02e-6}, noise=0.2))["small-request"].tiers
    assert phrases.tier(tier) == "1 not told apart from the first"


def test_the_lowest_latency_crosses_the_ways_of_waiting() -> None:
    planned = [
        cell
        for wait in ("block", "spin")
        for cell in cells(("pipe", "shm:posix+futex"), sizes=(64,), placements=("cross-core",),
                          wait=wait)
    ]  # fmt: skip
    (tier,) = answered(sweep(lambda *_: 4e-5, planned))["lowest-latency"].tiers
    assert len(tier.cells) == 4
    assert tier.situation.wait == ""
    assert tier.only is not None
    assert (tier.only.cell.transport, tier.only.wait) == ("shm:posix+futex", "spin")


def test_a_task_that_compares_each_transport_with_itself_has_no_tier() -> None:
    planned = cells(("pipe", "tcp"), sizes=(64,), runtimes=("python", "native"))
    answer = answered(sweep(lambda *_: 1e-5, planned))["python-cost"]
    assert not answer.tiers
    assert len(answer.comparisons) == 2


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.floats(0.8, 1.25), min_size=2, max_size=6),
    st.floats(0.001, 0.3),
    st.integers(0, 99),
)
def test_no_winner_is_slower_than_its_runner_up(
    factors: list[float], noise: float, seed: int
) -> None:
    times = {name: 1e-5 * factor for name, factor in zip(NAMES, factors, strict=False)}
    for answer in answered(of(times, noise=noise, seed=seed)).values():
        for tier in answer.tiers:
            medians = [one.median for one in tier.found.entrants]
            assert medians == sorted(medians)
            assert tier.members[0] is tier.found.best
            for one in tier.found.entrants:
                assert one.median == tier.cells[one.cell].interval.median


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.7, 1.4), st.floats(0.001, 0.3), st.integers(2, 16), st.integers(0, 99)
)  # fmt: skip
def test_no_interval_excludes_1_beside_undecided(
    factor: float, noise: float, rounds: int, seed: int
) -> None:
    times = {SHM: 1e-5 * factor, "pipe": 1e-5, "unix-stream": 1.1e-5, "tcp": 2e-5}
    results = of(times, noise=noise, rounds=rounds, seed=seed)
    for one in comparisons(of_results(results), measured(results)):
        if one.ratio is None:
            continue
        above, below = one.ratio.low > 1, one.ratio.high < 1
        assert above == (one.verdict is Verdict.FASTER)
        assert below == (one.verdict is Verdict.SLOWER)
        if one.verdict is Verdict.TIE:
            assert one.small


# Words.


@pytest.mark.parametrize(
    ("verdict", "ratio", "text"),
    [
        (Verdict.FASTER, (1.4, 1.3, 1.5), "faster"),
        (Verdict.FASTER, (1.03, 1.01, 1.05), "faster, by less than 5 %"),
        (Verdict.SLOWER, (0.97, 0.9, 0.99), "slower, by less than 5 %"),
        (Verdict.SLOWER, (0.5, 0.4, 0.6), "slower"),
        (Verdict.TIE, (1.0, 0.98, 1.02), "tie within 5 %"),
        (Verdict.UNDECIDED, (1.1, 0.9, 1.3), "undecided"),
    ],
)
def test_a_verdict_in_words(verdict: Verdict, ratio: tuple[float, float, float], text: str) -> None:
    assert phrases.verdict(one_contest(verdict=verdict, ratio=Ratio(*ratio))) == text


def test_an_undecided_contest_says_what_it_lacks() -> None:
    undecided = {"verdict": Verdict.UNDECIDED, "ratio": Ratio(1.1, 0.9, 1.2)}
    more = one_contest(**undecided, needed=1440, why=Why.NEEDS_MORE)
    assert phrases.lacking(more) == "would take about 1,440 rounds"
    never = one_contest(**undecided, why=Why.OUT_OF_REACH)
    assert phrases.lacking(never) == "no reasonable number of rounds would decide it"
    assert phrases.lacking(one_contest()) == ""


@pytest.mark.parametrize(
    ("verdict", "ratio", "kind", "text"),
    [
        (Verdict.FASTER, (1.4, 1.3, 1.5), Kind.FASTER, ""),
        (Verdict.SLOWER, (0.97, 0.9, 0.99), Kind.FASTER, "slower, by less than 5 %"),
        (Verdict.TIE, (1.0, 0.98, 1.02), Kind.EQUAL, "tie within 5 %"),
        (Verdict.SLOWER, (0.93, 0.9, 0.96), Kind.EQUAL, "slower, perhaps by less than 5 %"),
        (Verdict.SLOWER, (0.9, 0.88, 0.92), Kind.EQUAL, ""),
    ],
)
def test_the_note_beside_a_mark(
    verdict: Verdict, ratio: tuple[float, float, float], kind: Kind, text: str
) -> None:
    one = one_contest(verdict=verdict, ratio=Ratio(*ratio))
    decision = Decision(Statement("any", "1", "Any.", Speed(kind, ("any",), "")), [one])
    assert phrases.note(decision, one) == text


def test_the_note_of_an_undecided_contest() -> None:
    decision = Decision(Statement("any", "1", "Any.", Speed(Kind.FASTER, ("any",), "")), [])
    undecided = {"verdict": Verdict.UNDECIDED, "ratio": Ratio(1.1, 0.9, 1.2)}
    assert phrases.note(decision, one_contest(**undecided, needed=40)) == "about 40 rounds"
    for why in Why:
        found = phrases.note(decision, one_contest(**undecided, why=why))
        assert bool(found) is (why is not Why.NEEDS_MORE)


def test_what_a_contest_crosses_is_named_beside_its_sides() -> None:
    planned = cells(("pipe",), sizes=(64,), runtimes=("python", "native"))
    results = sweep(lambda *_: 1e-5, planned)
    (one,) = comparisons(of_results(results), measured(results))
    assert phrases.apart(one.first, one.situation) == ", C loop"
    assert phrases.apart(one.second, one.situation) == ", Python loop"
    assert phrases.conditions(one.situation)[0] == "2 processes, both loops"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        ((1.4, 1.25, 1.5), f"1.25{TO}1.50{TIMES}"),
        ((1.4, 0.0, 1.5), f"up to 1.50{TIMES}"),
        ((1.4, 1.25, float("inf")), f"1.25{TIMES} or more"),
        ((1.4, 0.0, float("inf")), "no bounds"),
    ],
)
def test_bounds_that_the_rounds_cannot_give(ratio: tuple[float, float, float], text: str) -> None:
    assert phrases.interval(one_contest(ratio=Ratio(*ratio))) == text


def test_a_ratio_that_stopped_early_is_marked() -> None:
    early, late = one_contest(stopped_early=True), one_contest()
    assert phrases.ratio(early) == phrases.ratio(late) + phrases.EARLY
    assert phrases.EARLY in phrases.early_note([late, early])
    assert phrases.early_note([late]) == ""


# The page.


def page_of(results: Results, folder: Path) -> str:
    return write(results, folder).read_text()


def looked(results: Results, rounds: Sequence[int]) -> Results:
    """Give a sweep the lines of its contests and looks, as an adaptive one writes them."""
    for one in of_results(results):
        contest = one.contest
        results.contests[contest.id] = Contested(
            id=contest.id, task=contest.task, family=contest.family, statement=contest.statement,
            first=list(contest.first), second=list(contest.second), band=contest.band, level=0.025,
        )  # fmt: skip
    planned = list(results.contests.values())
    for number in rounds:
        stands = [
            Stand(
                contest=one.id, rounds=number, first=dict.fromkeys(one.first, 1.0),
                second=dict.fromkeys(one.second, 1.0), tie=1.0, p=1.0, verdict="undecided",
                needed=40,
            )
            for one in planned
        ]  # fmt: skip
        results.looks.append(Looked(rounds=number, stands=stands))
    return results


def test_the_page_has_a_heading_for_each_task_and_the_words(tmp_path: Path) -> None:
    page = page_of(of({SHM: 1e-6, "pipe": 1.3e-6, "unix-stream": 2e-6}), tmp_path)
    assert "<h3>A small request and its answer, with receivers that sleep" in page
    decided = part(page, "tasks")
    assert "in 2 families, each judged at a level of 0.025" in decided or "in one family" in decided
    assert "All contests were judged once, after the last round." in decided
    assert '<td data-label="verdict">faster<span' in part(page, "task-small-request")


def test_the_page_of_an_adaptive_sweep_names_its_looks(tmp_path: Path) -> None:
    results = of({SHM: 1e-6, "pipe": 1.001e-6}, noise=0.3)
    results.header = msgspec.structs.replace(
        results.header, settings=msgspec.structs.replace(results.header.settings, adaptive=True)
    )
    results.rounds[-1].mini = True
    for entry in results.cells.values():
        entry.tasks = ["small-request"]
    page = page_of(looked(results, (8, 12)), tmp_path)
    assert "Looks were taken after 8 and 12 rounds of a contest." in page
    assert "would take about 40 rounds" in page
    assert "· 11 rounds and 1 mini-round in " in page
    assert "about 40 rounds would decide" in page


def test_an_adaptive_sweep_that_ended_before_its_first_look_says_so(tmp_path: Path) -> None:
    results = of({SHM: 1e-6, "pipe": 2e-6}, rounds=7)
    looked(results, ())
    results.header = msgspec.structs.replace(
        results.header, settings=msgspec.structs.replace(results.header.settings, adaptive=True)
    )
    page = page_of(results, tmp_path)
    assert "The sweep ended before its first look, which comes after 8 rounds." in page
    assert "too few rounds" in page


def test_a_fixed_sweep_that_stopped_says_that_it_is_judged_anew(tmp_path: Path) -> None:
    page = page_of(looked(of({SHM: 1e-6, "pipe": 2e-6}), ()), tmp_path)
    assert "The sweep stopped before its look" in page


def test_contests_without_a_figure_are_counted(tmp_path: Path) -> None:
    results = of({SHM: 1e-6, "pipe": 1.3e-6, "unix-stream": 2e-6})
    every = len(of_results(results))
    results.cells["latency/unix-stream/python/64B/2p/same-core"].runs.clear()
    page = page_of(results, tmp_path)
    assert f"{every} contests in " in page
    assert "In 1, a side has no figure." in page
    assert "1 cell without a figure" in page


def test_names_of_a_journal_that_nobody_knows_stay_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    results = looked(of({SHM: 1e-6, "pipe": 1.3e-6}), (8,))
    for one in results.contests.values():
        one.task = one.family = one.statement = hostile
    page = page_of(results, tmp_path)
    assert page.count("<script>") == 1  # the page's own
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_thousands_of_contests_and_entrants_stay_one_page(tmp_path: Path) -> None:
    names = [f"shm:s{number}+futex" for number in range(40)]
    planned = cells(("pipe", *names), sizes=(64,), runtimes=("python",))
    many: list[Cell] = planned + cells(("pipe", "tcp"), ("stream",), sizes=range(4096, 5600))
    results = sweep(lambda *_: 1e-5, many, rounds=2)
    found = answered(results)
    assert all(len(tier.cells) <= MOST_ENTRANTS for one in found.values() for tier in one.tiers)
    assert len(found["unix-or-tcp"].comparisons if "unix-or-tcp" in found else ()) <= 1504
    for number, one in enumerate(list(looked(results, ()).contests.values())):
        one.task = f"task {number % 100}"
    page = page_of(results, tmp_path)
    assert page.count('id="task-') <= MOST_ANSWERS
    assert len(page) < 12_000_000
    assert MOST_CONTESTS == 1000
