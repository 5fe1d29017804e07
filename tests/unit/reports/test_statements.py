"""Tests of `reports.verdicts.statements`: the chapter's statements about pairs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ipcbench.reports.model import measured
from ipcbench.reports.page.phrases import summaries
from ipcbench.reports.verdicts.chapter import STATEMENTS
from ipcbench.reports.verdicts.decisions import ClaimVerdict, Decision, Outcome
from ipcbench.reports.verdicts.statements import decide_statements
from tests.synthetic import GUARDS, SIGNALS, cells, reference, sweep


def decisions(times: Mapping[str, float], noise: float = 0.01, **options) -> dict[str, Decision]:
    planned = cells(tuple(times), **options)
    results = sweep(lambda transport, *rest: times[transport], planned, noise=noise)
    return {one.statement.id: one for one in decide_statements(measured(results))}


@pytest.mark.parametrize(
    ("socket", "verdict"),
    [(2e-5, ClaimVerdict.SUPPORTED), (5e-6, ClaimVerdict.REFUTED), (1e-5, ClaimVerdict.UNDECIDED)],
)
def test_the_faster_of_a_pair(socket: float, verdict: ClaimVerdict) -> None:
    found = decisions({"pipe": 1e-5, "unix-stream": socket})
    assert set(found) == {"pipe-beats-socket"}  # no other has both of its transports
    assert found["pipe-beats-socket"].verdict is verdict
    assert found["pipe-beats-socket"].families == {"python": 4}


@pytest.mark.parametrize(
    ("fifo", "verdict"),
    [
        (1.00e-5, ClaimVerdict.SUPPORTED),
        (1.01e-5, ClaimVerdict.SUPPORTED),
        (1.05e-5, ClaimVerdict.UNDECIDED),  # on the border
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


@pytest.mark.parametrize(("sizes", "are"), [((64,), "1 is"), ((64, 4096), "2 are")])
def test_undecided_cells_are_counted(sizes: tuple[int, ...], are: str) -> None:
    (found,) = decisions({"fifo": 1e-5, "pipe": 1e-5}, noise=0.1, sizes=sizes).values()
    cells_of_both = "1 cell" if len(sizes) == 1 else "2 cells"
    assert summaries(found) == f"Of {cells_of_both} with both sides: {are} undecided."


def test_it_depends_on_the_size() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return 1e-5 if (transport == "pipe") is (size == 64) else 2e-5

    results = sweep(time, cells(("pipe", "unix-stream")))
    (found,) = decide_statements(measured(results))
    assert found.verdict is ClaimVerdict.DEPENDS
    assert [one.outcome for one in found.comparisons] == [Outcome.HOLDS, Outcome.FAILS]


def test_too_few_rounds_decide_nothing() -> None:
    planned = cells(("pipe", "unix-stream"))
    (found,) = decide_statements(measured(sweep(reference, planned, rounds=5)))
    assert found.verdict is ClaimVerdict.NONE
    assert found.count(Outcome.TOO_FEW) == 2


def test_only_like_is_compared_with_like() -> None:
    planned = cells(SIGNALS, ("signal",), (0,)) + cells(GUARDS, ("counter",), (0,))
    (found,) = decide_statements(measured(sweep(reference, planned)))
    assert found.statement.id == "sysv-is-posix, semaphores"
    assert {one.situation.pattern for one in found.comparisons} == {"signal", "counter"}
    for one in found.comparisons:
        assert one.first.situation == one.second.situation


def test_no_alarm_where_all_are_equal() -> None:
    """40 sweeps of equal transports: an error of 5 % a statement."""
    planned = cells(("pipe", "unix-stream", "fifo", "tcp"), sizes=(64, 4096, 65536))
    wrong: dict[str, int] = {}
    for seed in range(40):
        for one in decide_statements(
            measured(sweep(lambda *rest: 1e-5, planned, seed=seed, noise=0.05))
        ):
            faster = one.statement.id != "fifo-is-pipe"
            alarm = one.count(Outcome.FAILS) + (one.count(Outcome.HOLDS) if faster else 0)
            wrong[one.statement.id] = wrong.get(one.statement.id, 0) + bool(alarm)
    assert set(wrong) == {"pipe-beats-socket", "fifo-is-pipe", "unix-vs-tcp"}
    assert max(wrong.values()) <= 6


def test_statements_have_names_of_their_own() -> None:
    assert len({one.id for one in STATEMENTS}) == len(STATEMENTS)
