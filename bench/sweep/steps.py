"""Steps of a sweep, shown with an estimate of the time that is left."""

from __future__ import annotations

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.results.records import Settings
from ipcbench.bench.rounds.adaptive import MOST_ROUNDS
from ipcbench.bench.rounds.forecast import Forecast
from ipcbench.bench.rounds.looks import Looks
from ipcbench.bench.rounds.order import MINI
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep.display import Watcher

TELLS = 1.0  # seconds of runs that tell how far the others are from what is expected


class Steps:
    """The steps of a sweep.

    An adaptive sweep may end earlier than is shown: nobody knows when its contests are decided.

    Args:
        forecast: the seconds of the sweep, which its calibrations correct.
    """

    def __init__(
        self,
        watcher: Watcher,
        settings: Settings,
        looks: Looks,
        progress: Progress,
        forecast: Forecast,
        budget: float | None,
    ) -> None:
        self._watcher = watcher
        self._rounds = settings.rounds
        self._adaptive = settings.adaptive
        self._looks = looks
        self._progress = progress
        self._forecast = forecast
        self._budget = budget
        self._expected = 0.0  # seconds of the runs that were shown
        self._last = ""  # the cell of the last one
        self._calibrations = 0  # that were shown
        self._calibrating_since = 0.0

    @property
    def _at_most(self) -> bool:
        return self._forecast.goes_on

    @property
    def _most(self) -> int:
        """The rounds of the sweep, at most."""
        return max(self._rounds, LOOKS[-1]) if self._at_most else self._rounds

    def _rounds_left(self) -> float:
        """Return the seconds of all rounds that are not complete."""
        done = len(self._progress.finished)
        base = max(0, self._rounds - done) * self._forecast.round
        return base + max(0, self._most - max(done, self._rounds)) * MINI

    def calibrating(self, left: float, cell: str, spent: float) -> None:
        """Show a calibration; `left`: the seconds of those that follow."""
        warm_up = max(0.0, self._forecast.before_rounds - self._forecast.calibration)
        before = left * self._slower_calibrations(spent) + self._forecast.experiments + warm_up
        rest = before + self._forecast.round  # one round is played, even if the budget is spent
        self._show(0.0, before + self._rounds_left(), f"calibrating {cell}", spent, rest)

    def _slower_calibrations(self, spent: float) -> float:
        """Return what calibrations take, divided by what was expected; 1 until they tell.

        On a busy machine each takes longer, and is made twice.
        """
        if not self._calibrations:
            self._calibrating_since = spent
        expected = self._calibrations * self._forecast.mean_calibration
        self._calibrations += 1
        running = spent - self._calibrating_since
        return max(1.0, running / expected) if expected and running > TELLS else 1.0

    def experimenting(self, left: float, name: str, spent: float) -> None:
        """Show an experiment; `left`: the seconds of those that follow, and of itself."""
        self._show(0.0, left + self._rounds_left(), f"experiment {name}", spent)

    def warming_up(self, left: float, spent: float) -> None:
        """Show a run that warms up; `left`: the seconds of those that follow."""
        self._show(0.0, left + self._rounds_left(), "warming up", spent)

    def run(self, number: int, cell: str, spent: float, running: float, *, mini: bool) -> None:
        """Show a run of a round, `running` seconds after the first run."""
        loops, done = self._progress.loops, self._progress.done[number]
        of, total = f" of {self._rounds}", len(loops) * self._most
        behind = len(loops) * (number - 1) + len(done)
        if self._last:
            self._expected += self._forecast.runs([self._last])
        self._last = cell
        # What was expected is corrected by what the runs have taken, once they tell.
        slower = running / self._expected if self._expected and running > TELLS else 1.0
        rest = 0.0 if mini else self._forecast.runs(loops.keys() - done) * slower
        later = max(0, self._rounds - number) * self._forecast.round * slower
        minis = max(0, self._most_after(number) - max(number - mini, self._rounds))
        left = rest + later + minis * max(MINI, self._progress.pace if mini else 0.0)
        if mini:
            what = f"round {number}, {self._looks.describe(cell)}"
        else:
            of = "" if self._budget is not None and not self._adaptive else of
            what = f"round {number}{of}: {cell}"
        self._show(min(1.0, behind / total), left, what, spent, rest)

    def _most_after(self, number: int) -> int:
        """Return the rounds of the sweep, at most, where void ones are repeated."""
        return MOST_ROUNDS if self._at_most and number > self._most else self._most

    def _show(self, done: float, left: float, what: str, spent: float, rest: float = 0.0) -> None:
        """Show a step; a budget limits the time that is left, but no round ends within: `rest`."""
        if self._budget is not None:
            budgeted = max(rest, self._budget - spent)
            if self._at_most or not self._adaptive:
                done, left = spent / max(self._budget, spent + budgeted), budgeted
            left = min(left, budgeted)
        self._watcher.update(done, left, what, at_most=self._at_most)
