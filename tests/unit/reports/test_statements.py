"""reports.verdicts.statements: one transport against another, as the chapter names them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.claims import Verdict
from ipcbench.reports.verdicts.statements import STATEMENTS, Judgement, Truth, judged
from tests.synthetic import GUARDS, SIGNALS, cells, reference, sweep


def judge(times: Mapping[str, float], noise: float = 0.01, **options) -> dict[str, Judgement]:
    planned = cells(tuple(times), **options)
    results = sweep(lambda transport, *rest: times[transport], planned, noise=noise)
    return {one.statement.id: one for one in judged(measured(results))}


@pytest.mark.parametrize(
    ("socket", "verdict"),
    [(2e-5, Verdict.SUPPORTED), (5e-6, Verdict.REFUTED), (1e-5, Verdict.INCONCLUSIVE)],
)
def test_who_is_faster(socket: float, verdict: Verdict) -> None:
    found = judge({"pipe": 1e-5, "unix-stream": socket})
    assert set(found) == {"pipe-beats-socket"}  # no other has both of its transports
    assert found["pipe-beats-socket"].verdict is verdict
    assert found["pipe-beats-socket"].family == 4


@pytest.mark.parametrize(
    ("fifo", "verdict"),
    [
        (1.00e-5, Verdict.SUPPORTED),
        (1.01e-5, Verdict.SUPPORTED),
        (1.05e-5, Verdict.INCONCLUSIVE),  # on the border
        (1.15e-5, Verdict.REFUTED),
        (0.85e-5, Verdict.REFUTED),
    ],
)
def test_equal_within_five_percent(fifo: float, verdict: Verdict) -> None:
    assert judge({"fifo": fifo, "pipe": 1e-5})["fifo-is-pipe"].verdict is verdict


def test_noise_is_no_equality() -> None:
    found = judge({"fifo": 1e-5, "pipe": 1e-5}, noise=0.1)["fifo-is-pipe"]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.count(Truth.OPEN) == 2


def test_it_depends_on_the_size() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return 1e-5 if (transport == "pipe") is (size == 64) else 2e-5

    results = sweep(time, cells(("pipe", "unix-stream")))
    (found,) = judged(measured(results))
    assert found.verdict is Verdict.DEPENDS
    assert [one.truth for one in found.compared] == [Truth.HOLDS, Truth.DIFFERS]


def test_too_few_rounds_decide_nothing() -> None:
    planned = cells(("pipe", "unix-stream"))
    (found,) = judged(measured(sweep(reference, planned, rounds=5)))
    assert found.verdict is Verdict.NONE
    assert found.count(Truth.TOO_FEW) == 2


def test_like_is_held_against_like_alone() -> None:
    planned = cells(SIGNALS, ("signal",), (0,)) + cells(GUARDS, ("counter",), (0,))
    (found,) = judged(measured(sweep(reference, planned)))
    assert found.statement.id == "sysv-is-posix, semaphores"
    assert {one.situation.pattern for one in found.compared} == {"signal", "counter"}
    for one in found.compared:
        assert one.first.situation == one.second.situation


def test_no_alarm_where_all_are_equal() -> None:
    """40 sweeps of equal transports: an error of 5 % a statement."""
    planned = cells(("pipe", "unix-stream", "fifo", "tcp"), sizes=(64, 4096, 65536))
    wrong: dict[str, int] = {}
    for seed in range(40):
        for one in judged(measured(sweep(lambda *rest: 1e-5, planned, seed=seed, noise=0.05))):
            faster = one.statement.id != "fifo-is-pipe"
            alarm = one.count(Truth.DIFFERS) + (one.count(Truth.HOLDS) if faster else 0)
            wrong[one.statement.id] = wrong.get(one.statement.id, 0) + bool(alarm)
    assert set(wrong) == {"pipe-beats-socket", "fifo-is-pipe", "unix-vs-tcp"}
    assert max(wrong.values()) <= 6


def test_statements_have_names_of_their_own() -> None:
    assert len({one.id for one in STATEMENTS}) == len(STATEMENTS)
