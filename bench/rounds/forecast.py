"""Forecast of a sweep: about the seconds that it takes, before anything is measured. Pure.

The constants were measured on a quiet machine of two cores (`make bench-self ARGS=estimates`
compares forecasts with real sweeps). Blocks have the length that the settings ask for, so most of
the time is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.tail import stamps_of
from ipcbench.bench.plan.timing import Timing
from ipcbench.bench.results.axes import NATIVE, PYTHON
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.rounds.estimate import ROUND_START
from ipcbench.bench.rounds.order import MINI
from ipcbench.bench.stats import ENOUGH_ROUNDS

FORK, EACH = 0.004, 0.0065  # seconds of a run beside its blocks: and for each process
BETWEEN = 0.0035  # seconds between two runs of a round: the journal's entry is written
OF_BYTES = 18e-9  # seconds for each byte of a message: buffers are filled, and checked
SETTLING = 0.015  # seconds before the values, where idle states decide
WANDERS = 1.15  # a warm-up that lasts until its blocks agree, by the least that it lasts
TRIALS = 7.0  # short blocks of a calibration, which tries one loop, two, four and so on
LONG, LONG_TRIALS = 0.01, 3.0  # seconds of a long block, whose trials are halves of each other
LATE = 1.8  # an open loop's blocks with its start, by the blocks alone
AGAIN = 1.02  # runs with those that are retaken, on a quiet machine
_LOOP = {PYTHON: 6e-6, NATIVE: 3.5e-6}  # seconds of a small loop, where processes do not sleep
_WAKE = 25e-6  # and more of it, where they do on CPUs of their own
_COPY = 0.28e-9  # seconds for each byte that is sent
WARM_UP = 10.0  # seconds of runs before the first round, those of the calibration included
WARM_UP_SHARE = 0.05  # of a budget, at most
WARM_UP_OF_ROUNDS = 0.2  # of the rounds, at most


def run_seconds(cell: Cell, timing: Timing, asked: Settings, loop: float | None = None) -> float:
    """Return about the seconds of a run in a base round, with its tail pass.

    Args:
        cell: the cell.
        timing: that of its runs.
        asked: the settings of the profile.
        loop: seconds of a loop, as calibrated; None: a guess.
    """
    settings, pattern = timing.settings, pattern_of(cell)
    loop = guessed_loop(cell, timing) if loop is None else loop
    block = max(timing.block, pattern.least * loop)
    seconds = beside_blocks(cell) + block * (settings.values + max(0, settings.warmups - 1))
    if settings.warmups:
        seconds += max(timing.warm_up.least * WANDERS, timing.warm_up.share * block)
    if timing.warm_up.least:
        seconds += SETTLING
    if pattern.open_loop:
        return seconds * LATE + timing.watch
    stamps = stamps_of(asked.stamps, loop, asked.block) if pattern.single else 0
    return seconds + stamps * loop


def beside_blocks(cell: Cell) -> float:
    """Return the seconds of a run that are spent outside its blocks."""
    alone = pattern_of(cell).alone
    return FORK + EACH * cell.processes + (0.0 if alone else OF_BYTES * cell.size)


def guessed_loop(cell: Cell, timing: Timing) -> float:
    """Guess the seconds of a loop of a cell that is not calibrated yet."""
    pattern = pattern_of(cell)
    wakes = _WAKE if timing.warm_up.least else 0.0
    return _LOOP.get(cell.runtime, _LOOP[PYTHON]) + wakes + _COPY * cell.size + pattern.gap


def calibration_seconds(cell: Cell, timing: Timing) -> float:
    """Return about the seconds of a calibration."""
    short = min(timing.block, LONG)
    trials = TRIALS * short + LONG_TRIALS * (timing.block - short)
    return beside_blocks(cell) + trials + WANDERS * timing.warm_up.least


class Forecast:
    """The seconds of a sweep, as they are expected: before it, and once cells are calibrated.

    Attributes:
        experiments: seconds of the experiments that were chosen.
        goes_on: contests or promises may have more rounds than the base, until they are decided or
            the budget is spent.
    """

    def __init__(
        self,
        cells: Iterable[Cell],
        timings: Mapping[str, Timing],
        settings: Settings,
        *,
        budget: float | None,
        experiments: float,
        contests: bool,
    ) -> None:
        """Begin without calibrations.

        Args:
            cells: those that are measured.
            timings: cell -> that of its runs.
            settings: those of the profile.
            budget: seconds of the sweep; None: as many as its rounds take.
            experiments: seconds of the experiments.
            contests: it has contests, or promises to decide.
        """
        self._cells = {cell.id: cell for cell in cells}
        self._timings, self._settings, self._budget = timings, settings, budget
        self.experiments = experiments
        self.goes_on = settings.adaptive and contests
        self._runs = {key: self._run(key) for key in self._cells}

    def calibrated(self, cell: str, loop: float) -> None:
        """Take the seconds of a loop of a cell, as calibrated."""
        self._runs[cell] = self._run(cell, loop)

    def _run(self, cell: str, loop: float | None = None) -> float:
        return run_seconds(self._cells[cell], self._timings[cell], self._settings, loop)

    def runs(self, cells: Iterable[str]) -> float:
        """Return the seconds of one run of each of these cells."""
        return sum(AGAIN * (self._runs[cell] + BETWEEN) for cell in cells)

    @property
    def round(self) -> float:
        """Return the seconds of a round of all cells."""
        return ROUND_START + self.runs(self._cells)

    @property
    def calibration(self) -> float:
        """Return the seconds of all calibrations."""
        return sum(calibration_seconds(self._cells[key], self._timings[key]) for key in self._cells)

    @property
    def mean_calibration(self) -> float:
        """Return the seconds of a calibration, over all cells."""
        return self.calibration / max(1, len(self._cells))

    @property
    def before_rounds(self) -> float:
        """Return the seconds of the runs before the first round, calibrations included."""
        if self._settings.rounds < ENOUGH_ROUNDS:
            return 0.0
        if self._budget is not None:
            return min(WARM_UP, WARM_UP_SHARE * self._budget)
        return min(WARM_UP, WARM_UP_OF_ROUNDS * self.round * self._settings.rounds)

    @property
    def seconds(self) -> float:
        """Return the seconds of the whole sweep; of one that may end earlier, the most.

        A round that has begun is completed. Behind the base a mini-round takes a second.
        """
        before = max(self.calibration, self.before_rounds) + self.experiments
        base = before + self.round * self._settings.rounds
        if self.goes_on:
            most = base + max(0, LOOKS[-1] - self._settings.rounds) * (MINI + ROUND_START)
            return most if self._budget is None else max(base, min(most, self._budget))
        if self._budget is None:
            return base
        return max(before + self.round, self._budget - self.round / 2)
