"""The blocks of a run that its account covers, and what lies between two of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ipcbench.bench.plan.timing import WarmUp
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.blocks.open_loop import ClosedLoop, OpenLoop
from ipcbench.bench.workers.worker import Worker

LOOPS, VALUES = 100, 3


class Recorded:
    """A worker's account, its pace and its blocks, which note what happens."""

    def __init__(self, pace: type[ClosedLoop], *, one_cpu: bool) -> None:
        self.log: list[str] = []
        self.account: Any = SimpleNamespace(
            one_cpu=one_cpu, settled=0.0, begin=lambda: None, end=lambda: None
        )
        worker: Any = Worker.__new__(Worker)
        worker.report = lambda line: None
        settings = Settings(values=VALUES, warmups=0, block=0.01, stamps=0, rounds=1)
        worker.job = SimpleNamespace(loops=LOOPS, settings=settings, warm_up=WarmUp(least=1))
        worker._blocks, worker._timed, worker._usage = 0, 0.0, []
        worker._account = self.account
        worker._observed = SimpleNamespace(count=lambda: None)
        worker._pace = SimpleNamespace(
            draws=pace.draws,
            draw=lambda count: self.log.append("draw"),
            figure=lambda loops, seconds, counts: self.log.append("figure"),
        )
        worker._leaders = []
        worker._runner = SimpleNamespace(prepare=lambda loops, turns: loops)
        worker._delay = SimpleNamespace(turns=0)
        worker._run_block = self.run_block
        self.worker = worker

    def run_block(
        self, loops: int, own: object, *, enters: bool = False, leaves: bool = False
    ) -> tuple[float, list[Any]]:
        self.log += ["enter"] * enters + ["block"] + ["leave"] * leaves
        return 0.01, []

    def covered(self) -> list[str]:
        """Return what happens between the account's readings, in a whole run."""
        for _ in range(VALUES):
            self.worker._block(LOOPS)
        found, inside = [], False
        for what in self.log:
            if what in ("enter", "leave"):
                assert inside == (what == "leave"), self.log
                inside = what == "enter"
            elif inside:
                found.append(what)
        assert not inside
        return found


@pytest.mark.parametrize("one_cpu", [False, True])
def test_the_account_of_an_open_loop_leaves_out_the_drawing_of_its_schedules(one_cpu: bool) -> None:
    """Else others that ran meanwhile would void a run that they have not disturbed."""
    recorded = Recorded(OpenLoop, one_cpu=one_cpu)
    assert recorded.covered() == ["block"] * (VALUES + (not one_cpu))
    assert recorded.log.count("draw") == VALUES + 1


def test_the_account_of_a_closed_loop_goes_from_its_first_block_to_its_last() -> None:
    """Readings between its blocks would change how its processes are scheduled."""
    for one_cpu in (False, True):
        recorded = Recorded(ClosedLoop, one_cpu=one_cpu)
        covered = recorded.covered()
        assert covered.count("block") == VALUES + (not one_cpu)
        assert recorded.log.count("enter") == recorded.log.count("leave") == 1
