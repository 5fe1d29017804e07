"""Steps of a comparison, shown with an estimate of the time that is left."""

from __future__ import annotations

from ipcbench.bench.pairs.progress import PairProgress
from ipcbench.bench.sweep.display import Watcher

USUAL_PAIRS = 16  # of a cell that is not slower, on a quiet machine
LAST_PAIRS = 4  # further ones, once there were so many


class Steps:
    """The steps of a comparison.

    Nobody knows when a cell is decided: the time that is left is that of the usual number of
    pairs, and never more than the budget.

    Args:
        pairs: those that each cell is to have, whatever its verdict; 0: until it is decided.
    """

    def __init__(
        self, watcher: Watcher, progress: PairProgress, budget: float | None, pairs: int
    ) -> None:
        self._watcher, self._progress = watcher, progress
        self._budget, self._pairs = budget, pairs

    def calibrating(self, left: float, cell: str, spent: float, pair: float) -> None:
        """Show a calibration.

        Args:
            left: seconds of those that follow.
            cell: the one that is calibrated.
            spent: seconds of the comparison so far.
            pair: seconds of a round of all cells.
        """
        self._show(0.0, left + pair * (self._pairs or USUAL_PAIRS), f"calibrating {cell}", spent)

    def pair(self, number: int, cell: str, spent: float, open_cells: list[str]) -> None:
        """Show a pair of a round."""
        progress = self._progress
        total = len(progress.tests)
        needed = {each: self._needed(each) for each in open_cells}
        left = sum(n * progress.costs.get(each, 0.0) for each, n in needed.items())
        left += max(needed.values(), default=0) * progress.start
        done = spent / (spent + left) if spent + left else 0.0
        what = f"round {number}, {total - len(open_cells)} of {total} cells decided: {cell}"
        if self._pairs:
            what = f"round {number} of {self._pairs}: {cell}"
        self._show(done, left, what, spent)

    def _needed(self, cell: str) -> int:
        """Return the pairs that a cell may still take."""
        had = self._progress.tests[cell].pairs
        return max(1, self._pairs - had) if self._pairs else max(LAST_PAIRS, USUAL_PAIRS - had)

    def _show(self, done: float, left: float, what: str, spent: float) -> None:
        if self._budget is not None:
            left = min(left, max(0.0, self._budget - spent))
        self._watcher.update(done, left, what)
