"""Steps of a sweep, shown with an estimate of the time that is left."""

from __future__ import annotations

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.results.records import Settings
from ipcbench.bench.rounds.adaptive import MOST_ROUNDS
from ipcbench.bench.rounds.looks import Looks
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep.display import Watcher


class Steps:
    """The steps of a sweep.

    An adaptive sweep may end earlier than is shown: nobody knows when its contests are decided.

    Args:
        round_seconds: about the seconds of a round of all cells.
    """

    def __init__(
        self,
        watcher: Watcher,
        settings: Settings,
        looks: Looks,
        progress: Progress,
        round_seconds: float,
        budget: float | None,
    ) -> None:
        self._watcher = watcher
        self._rounds = settings.rounds
        self._adaptive = settings.adaptive
        self._looks = looks
        self._progress = progress
        self._round_seconds = round_seconds
        self._budget = budget
        self._runs = 0

    @property
    def _at_most(self) -> bool:
        return self._adaptive and self._looks.all > 0

    @property
    def _most(self) -> int:
        """The rounds of the sweep, at most."""
        return max(self._rounds, LOOKS[-1]) if self._at_most else self._rounds

    def calibrating(self, left: float, cell: str, spent: float) -> None:
        """Show a calibration; `left`: the seconds of those that follow."""
        self._show(0.0, left + self._most * self._round_seconds, f"calibrating {cell}", spent)

    def experimenting(self, left: float, name: str, spent: float) -> None:
        """Show an experiment; `left`: the seconds of those that follow, and of itself."""
        self._show(0.0, left + self._most * self._round_seconds, f"experiment {name}", spent)

    def warming_up(self, left: float, spent: float) -> None:
        """Show a run that warms up; `left`: the seconds of those that follow."""
        self._show(0.0, left + self._most * self._round_seconds, "warming up", spent)

    def run(self, number: int, cell: str, spent: float, running: float, *, mini: bool) -> None:
        """Show a run of a round, `running` seconds after the first run."""
        loops, done = self._progress.loops, self._progress.done[number]
        of, total = f" of {self._rounds}", len(loops) * self._most
        behind = len(loops) * (number - 1) + len(done)
        usual = self._round_seconds / max(1, len(loops))
        each = running / self._runs if self._runs else usual
        rest = 0.0 if mini else max(0, len(loops) - len(done)) * each
        left = max(rest, (len(loops) * self._most_after(number) - behind) * each)
        self._runs += 1
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
                done, left = min(1.0, spent / self._budget), budgeted
            left = min(left, budgeted)
        self._watcher.update(done, left, what, at_most=self._at_most)
