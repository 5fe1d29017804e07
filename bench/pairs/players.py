"""Players: the runners of both arms, each with fork servers of its own program."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcbench.bench.arms.arm import Arm
from ipcbench.bench.pairs.coin import in_order
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import Timing
from ipcbench.bench.results.comparison.records import ARMS, ArmName
from ipcbench.bench.sweep.runner import Runner
from ipcbench.bench.workers.fork_parent import Program
from ipcbench.bench.workers.job import Reply


def program_of(arm: Arm) -> Program:
    """Return what the fork servers of an arm are started with."""
    changes = tuple(sorted(arm.changes.items()))
    return Program(arm.executable, changes, arm.dropped, arm.name, arm.package)


class Players:
    """The runners of both arms.

    A layout of addresses that lasts for several pairs would be a bias, not noise: so both have
    new fork servers in each round.
    """

    def __init__(
        self,
        timings: Mapping[str, Timing],
        clock: str,
        watch: Callable[[int], None],
        programs: Mapping[ArmName, Program],
    ) -> None:
        self._last: ArmName | None = None  # the arm that ran last
        self._runners = {arm: Runner(timings, clock, watch, programs[arm]) for arm in ARMS}

    def renew(self, first: ArmName, next_first: ArmName) -> None:
        """Take other fork servers, which start side by side. Raises: ForkServerLost.

        Args:
            first: the arm whose server is started first.
            next_first: the same of the next round, for those that are started ahead.
        """
        order = [self._runners[arm] for arm in in_order(first)]
        for runner in order:
            runner.start()
        for arm in in_order(next_first):
            self._runners[arm].start_ahead()
        for runner in order:
            runner.meet()
        # Else the first run waits for the other server, or does not, by the coin of the last round.
        for runner in order:
            runner.settle()
        self._last = None

    def run(
        self,
        arm: ArmName,
        planned: PlannedCell,
        number: int,
        attempt: int,
        loops: int,
        turns: int = 0,
        rate: float = 0.0,
    ) -> Reply:
        """Have an arm do a run; `loops` 0: a calibration. Raises: ForkServerLost.

        The other arm's fork server rests meanwhile.
        """
        if self._last is not None and self._last != arm:
            self._runners[self._last].settle()
        self._last = arm
        runner = self._runners[arm]
        return runner.run(planned, number, attempt, loops, turns=turns, rate=rate)

    def end(self) -> None:
        """End the fork servers."""
        for runner in self._runners.values():
            runner.end()
