"""Looks of a sweep at its contests and promises, and the mini-rounds between them.

A fixed sweep has one look, at its end. An adaptive sweep has its base, which are rounds of all
cells; then looks, and mini-rounds of the cells that go on. Where it has promises, these alone say
what goes on; its contests are judged beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ipcbench.bench.decisions.contest import LOOKS, Contest
from ipcbench.bench.decisions.looks import Judge
from ipcbench.bench.decisions.promises.looks import PromisedRatio, PromiseJudge
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.records import Looked, Reason, Settings
from ipcbench.bench.rounds.adaptive import MOST_ROUNDS, Adaptive
from ipcbench.bench.rounds.order import Shuffle
from ipcbench.bench.rounds.progress import Progress


class Looks:
    """The looks of one sweep.

    Args:
        seconds: cell -> about the seconds of a run, the same whenever the sweep is resumed.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        contests: Sequence[Contest],
        settings: Settings,
        progress: Progress,
        seconds: Mapping[str, float],
        promises: Sequence[PromisedRatio] = (),
        *,
        seed: int,
        budget: float | None,
    ) -> None:
        self._cells = cells
        self._contests = contests
        self._promises = promises
        self._settings = settings
        self._progress = progress
        self._seconds = seconds
        self._seed = seed
        self._budget = budget
        self._adaptive: Adaptive | None = None
        self._playing: Sequence[Contest] = ()  # in the round that was last asked about
        self._beside: Judge | None = None  # of the contests of a sweep that promises go on with
        if settings.adaptive and promises:
            self._adaptive = Adaptive(self._promise_judge(LOOKS), progress.looks)
            self._beside = self._judge(LOOKS)
            self._beside.resume(progress.looks)
        elif settings.adaptive and contests:
            self._adaptive = Adaptive(self._judge(LOOKS), progress.looks)

    def _judge(self, looks: Sequence[int]) -> Judge:
        return Judge(self._contests, self._placements().__getitem__, looks=looks)

    def _promise_judge(self, looks: Sequence[int]) -> PromiseJudge:
        return PromiseJudge(self._promises, self._placements().__getitem__, looks=looks)

    def _placements(self) -> Mapping[str, str]:
        return {one.cell.id: one.cell.placement for one in self._cells}

    @property
    def all(self) -> int:
        """The number of contests, or of promises that the sweep goes on with."""
        return len(self._contests if self._beside is None else self._promises)

    @property
    def open(self) -> int:
        """The number of these without a verdict."""
        return self.all if self._adaptive is None else self._adaptive.open

    def describe(self, cell: str) -> str:
        """Say how many contests are open, and which one a cell of a mini-round is run for."""
        worked_on = next((one.id for one in self._playing if cell in one.cells), "")
        what = "contests" if self._beside is None else "promises"
        return f"{self.open} of {self.all} {what} open: {worked_on or f'beside them {cell}'}"

    def has_base(self) -> bool:
        """Tell whether the rounds of all cells are complete."""
        base = self._progress.finished - self._progress.mini
        wanted = self._settings.rounds
        most = wanted + wanted // 2  # void rounds are repeated, but not without end
        return len(base - self._progress.void) >= wanted or len(base) >= most

    # An adaptive sweep, behind its base

    def over(self, spent: float) -> Reason | None:
        """Return the reason why no further look is taken and no mini-round starts, or None."""
        adaptive, progress = self._adaptive, self._progress
        if adaptive is None:
            return "complete"
        if self.due():
            return None
        if not adaptive.open:
            return "decided"
        able = adaptive.able(progress.times, progress.loops)
        goes_on = progress.loops.keys() & (adaptive.goes_on or ())
        if not adaptive.able(progress.times, goes_on):
            return "budget" if able and self._budget is not None else "complete"
        if len(progress.finished) >= MOST_ROUNDS:
            return "complete"
        if self._budget is None or self._progress.next in progress.begun:
            return None
        return "budget" if spent + self._mini_seconds() > self._budget else None

    def due(self) -> bool:
        """Tell whether a look is due."""
        adaptive = self._adaptive
        return adaptive is not None and adaptive.due(self._progress.times) is not None

    def take(self, spent: float) -> Looked:
        """Take the look that is due; behind the last of several, choose what goes on."""
        adaptive, times = self._adaptive, self._progress.times
        assert adaptive is not None
        rounds = adaptive.due(times)
        assert rounds is not None
        look = adaptive.look(times, rounds)
        if self._beside is not None:
            look.stands = self._beside.look(times, rounds).stands
        look.at = spent
        if self._budget is not None:
            look.left = self._budget - spent
        if adaptive.due(times) is None:
            prices = self._progress.prices(self._seconds)
            look.goes_on = adaptive.choose(times, self._progress.loops, prices, look.left)
        self._progress.looks.append(look)
        return look

    def choose_anew(self, spent: float) -> Looked | None:
        """Choose what goes on, with another budget than at the last look.

        Nothing is judged. Returns None where there was no look, or the next one chooses.
        """
        adaptive, progress = self._adaptive, self._progress
        if adaptive is None or not progress.looks or self.due() or self._budget is None:
            return None
        look = Looked(rounds=progress.looks[-1].rounds, stands=[], at=spent)
        look.left = self._budget - spent
        prices = progress.prices(self._seconds)
        look.goes_on = adaptive.choose(progress.times, progress.loops, prices, look.left)
        progress.looks.append(look)
        return look

    def mini_cells(self) -> list[PlannedCell]:
        """Return the cells of the next mini-round."""
        assert self._adaptive is not None
        running = [one for one in self._cells if one.cell.id in self._progress.loops]
        goes_on = {*(self._adaptive.goes_on or ())}
        return Shuffle(self._seed, self._progress.next).padded(goes_on, running, self._seconds)

    def _mini_seconds(self) -> float:
        assert self._adaptive is not None
        goes_on = dict.fromkeys(self._adaptive.goes_on or (), 1)
        return self._progress.prices(self._seconds).of(goes_on)

    # Any sweep

    def in_play(self, *, mini: bool) -> Sequence[Contest]:
        """Return the contests by which a round that begins is ordered."""
        if mini and self._adaptive is not None:
            self._playing = self._adaptive.chosen(self._progress.times)
        elif self._beside is not None:
            self._playing = [one.contest() for one in self._promises]
        else:
            self._playing = self._contests
        return self._playing

    def at_the_end(self, spent: float) -> Looked | None:
        """Judge the contests and promises of a fixed sweep, once."""
        times = self._progress.times
        rounds = max(map(len, times.values()), default=0)
        nothing = not rounds or not (self._contests or self._promises)
        if self._settings.adaptive or self._progress.looks or nothing:
            return None
        look = self._judge((rounds,)).look(times, rounds)
        look.promises = self._promise_judge((rounds,)).look(times, rounds).promises
        look.at = spent
        self._progress.looks.append(look)
        return look
