"""Sizes of the runs of each cell: chosen by its calibration, corrected after a round, written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import Timing
from ipcbench.bench.results.records import Calibrated, Settings
from ipcbench.bench.sweep.calibration import RESCALES, rescaled, sizes_of
from ipcbench.bench.sweep.disturbance import usual_share
from ipcbench.bench.workers.job import Outcome


class Sized(Protocol):
    """The sizes of all cells, of which a resumption knows those that were written."""

    loops: dict[str, int]
    stamps: dict[str, int]
    delays: dict[str, tuple[int, float]]  # turns, share that they add
    rates: dict[str, tuple[float, float]]  # capacity, offered rate
    usual: dict[str, float]  # share of foreign time in quiet runs
    rescales: Counter[str]  # corrections of the loops


class Sizing:
    """The sizes of a measurement's runs.

    Args:
        write: is called with each line of a calibration.
        spent: returns the seconds of the measurement so far.
        noise_counts: runs that others disturb do not count.
    """

    def __init__(
        self,
        sized: Sized,
        timings: Mapping[str, Timing],
        settings: Settings,
        write: Callable[[Calibrated], None],
        spent: Callable[[], float],
        *,
        noise_counts: bool,
    ) -> None:
        self._sized, self._timings, self._settings = sized, timings, settings
        self._write, self._spent, self._noise_counts = write, spent, noise_counts

    def settle(
        self,
        planned: PlannedCell,
        unit: float,
        outcomes: Sequence[Outcome],
        delay: tuple[int, float] | None = None,
    ) -> None:
        """Keep the sizes of a cell.

        Args:
            planned: the cell.
            unit: seconds per unit, pauses included.
            outcomes: those of its calibrations.
            delay: turns, and the share that they add; None: those of the calibration.
        """
        cell, sized = planned.cell, self._sized
        if self._noise_counts:
            sized.usual[cell.id] = usual_share(outcomes)
        last = outcomes[-1]
        sized.delays[cell.id] = delay or (last.turns, last.slow_down)
        sizes = sizes_of(cell, self._timings[cell.id], unit, self._settings)
        sized.rates[cell.id] = sizes.rates
        sized.stamps[cell.id] = sizes.stamps
        self._set_loops(planned, sizes.loops, 0, last.waiting)

    def rescale(
        self, cells: Sequence[PlannedCell], number: int, lengths: Mapping[str, float]
    ) -> None:
        """Correct the loops of cells whose blocks were too short or too long in a round."""
        for planned in cells:
            identity = planned.cell.id
            loops = self._sized.loops.get(identity)
            if loops is None or identity not in lengths or pattern_of(planned.cell).open_loop:
                continue
            block, asked = lengths[identity], self._timings[identity].block
            better = rescaled(planned.cell, loops, block, asked)
            if better is not None and self._sized.rescales[identity] < RESCALES:
                self._set_loops(planned, better, number, {})

    def _set_loops(
        self, planned: PlannedCell, loops: int, number: int, waiting: Mapping[int, float]
    ) -> None:
        """Set the loops of a cell, found after so many rounds."""
        identity, sized = planned.cell.id, self._sized
        timing = self._timings[identity]
        sized.loops[identity] = loops
        turns, slow_down = sized.delays.get(identity, (0, 0.0))
        capacity, rate = sized.rates.get(identity, (0.0, 0.0))
        sized.rescales[identity] += number > 0
        self._write(
            Calibrated(
                cell=identity,
                loops=loops,
                stamps=sized.stamps[identity],
                block=timing.block,
                warm_up=timing.warm_up.least,
                round=number,
                at=self._spent(),
                usual_foreign=sized.usual.get(identity, 0.0),
                waiting=dict(waiting),
                turns=turns,
                slow_down=slow_down,
                capacity=capacity,
                rate=rate,
            )
        )
