"""The measuring of delays: runs of each, corrections, and what cannot be slowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.selftest import delays
from ipcbench.bench.selftest.delays import CORRECTIONS, Delays, Wish, wishes_of
from ipcbench.bench.selftest.records import Delayed, Undelayed
from ipcbench.bench.sweep.display import Silent
from ipcbench.bench.workers.control import ProcessFailure
from tests import comparisons, synthetic
from tests.unit.bench.test_schedule import a_reply

SETTINGS = Settings(values=2, warmups=1, block=0.0055, rounds=1)
CELL = comparisons.cells(1)[0]
PLANNED = PlannedCell(CELL, synthetic.facts(CELL.transport, CELL.pattern), [[0], [0]])
WISH = Wish(PLANNED, 0.05)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Delays, list[Any]]]:
    """Measure the wish; `share`: turns -> share; the delay that is chosen first has 100."""

    def play(share: Callable[[int], float], failure: ProcessFailure | None = None) -> Any:
        class Runner:
            def __init__(self, *_: Any) -> None:
                pass

            def renew(self) -> None: ...

            def end(self) -> None: ...

            def run(self, *_: Any) -> Any:
                return msgspec.structs.replace(reply(), failure=failure)

            def trial(
                self, planned: Any, loops: int, turns: int, pairs: int, by: float, rate: float
            ) -> Any:
                assert (loops, by, rate) == (2750, 0.05, 0.0)
                found = reply()
                found.outcome.turns = turns or 100
                found.outcome.slow_down = share(turns or 100)
                return found

        monkeypatch.setattr(delays, "Runner", Runner)
        monkeypatch.setattr(delays, "calibrated", lambda reply: [(1, 2e-6)])
        written: list[Any] = []
        found = Delays({}, {}, SETTINGS, "perf_counter", written.append, Silent(), lambda: False)
        found.measure([WISH], lambda pid: None)
        assert found.is_complete([WISH])
        return found, written

    return play


def reply() -> Any:
    from ipcbench.bench.plan.timing import WarmUp
    from ipcbench.bench.workers.job import Job

    return a_reply(
        Job(
            cell=CELL, round=1, loops=10, settings=SETTINGS, warm_up=WarmUp(), cpus=[[0], [0]],
            awake=False, clock="fake", deadline=1.0,
        )
    )  # fmt: skip


def test_three_runs_measure_a_delay(played: Any) -> None:
    shares = iter([0.051, 0.2, 0.049])
    found, written = played(lambda turns: next(shares))
    assert found.found(CELL.id, 0.05) == (100, 0.051)
    assert [entry.share for entry in written] == [0.051, 0.2, 0.049]
    assert all(isinstance(entry, Delayed) for entry in written)
    assert found.found(CELL.id, 0.10) == (0, 0.0)


def test_a_delay_that_is_off_is_corrected(played: Any) -> None:
    found, written = played(lambda turns: 0.01 + turns * 0.0008)
    turns, share = found.found(CELL.id, 0.05)
    assert share == pytest.approx(0.05, rel=0.15)
    assert len(written) == 6
    assert {entry.turns for entry in written} == {100, turns}


def test_the_shortest_delay_is_used_though_it_is_longer(played: Any) -> None:
    found, _ = played(lambda turns: 0.2 + turns * 1e-4)
    assert found.found(CELL.id, 0.05) == (1, pytest.approx(0.2001))
    assert found.undelayed == {}


def test_a_cell_whose_noise_hides_the_delay_is_given_up(played: Any) -> None:
    found, written = played(lambda turns: -0.1)
    assert len(written) == 3 * (CORRECTIONS + 1) + 1
    assert isinstance(written[-1], Undelayed)
    assert "its noise hides 5%, which came out as -10%" in found.undelayed[CELL.id]
    assert found.found(CELL.id, 0.05) == (0, 0.0)


def test_a_cell_that_fails_is_given_up(played: Any) -> None:
    found, written = played(lambda turns: 0.05, ProcessFailure("the worker", "", "it fell"))
    assert found.undelayed == {CELL.id: "the worker: it fell"}
    assert len(written) == 1


def test_each_wish_stands_once() -> None:
    design = {CELL.id: 0.05}
    assert wishes_of([PLANNED], [design, design, {CELL.id: 0.10}]) == [WISH, Wish(PLANNED, 0.10)]
