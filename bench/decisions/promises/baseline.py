"""Bounds against a stored run: time(now) / time(baseline) of a cell, judged once.

The rounds of both runs are compared as two samples. The runs are not interleaved, so what changed
on the machine between them is in the ratio as well. The cells of other transports show some of it:
a verdict must hold for the ratio itself, and for the ratio divided by their median one. A change
that slows all transports alike has no verdict here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import log_ratio, log_ratio_limits
from ipcbench.bench.decisions.contest import LEVEL, Times
from ipcbench.bench.decisions.looks import rejected
from ipcbench.bench.decisions.promises.looks import (
    PromisedRatio,
    PromiseState,
    PromiseVerdict,
    PValues,
    Sample,
    p_values,
)
from ipcbench.bench.decisions.promises.verdicts import agrees, in_rounds
from ipcbench.bench.decisions.verdicts import NUDGE, Ratio
from ipcbench.bench.results.results import Results
from ipcbench.bench.stats import ENOUGH_ROUNDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEW = 3  # cells of other transports: a median of fewer says nothing about the machine


@dataclass(frozen=True, slots=True)
class BoundedCell:
    """A cell that takes at most `at_most` times as long as in the baseline.

    Attributes:
        promise: its name.
        now, before: the ids of the cell in both runs; an older journal may name it by an alias.
    """

    promise: str
    now: str
    before: str
    at_most: float


@dataclass(frozen=True, slots=True)
class BaselineOutcome:
    """A bounded cell with its verdict.

    Attributes:
        ratio: now / baseline, with limits 0 and infinity where it was not judged; None: a run has
            no round of it.
        coverage: of the limits, with all other cells.
        rounds: of the run that has fewer.
        needed: rounds of each run that a verdict would take, about; 0: it has one, or none would
            do.
        moved: now / baseline of the cells of other transports in that placement, their median;
            None: they are fewer than `FEW`.
        others: the number of these cells.
    """

    cell: BoundedCell
    verdict: PromiseVerdict
    ratio: Ratio | None
    coverage: float
    rounds: int
    needed: int
    moved: float | None
    others: int

    @property
    def judged(self) -> bool:
        """Tell whether both runs have the rounds that a verdict takes."""
        return self.rounds >= ENOUGH_ROUNDS


def judge_baseline(
    now: Results, before: Results, cells: Sequence[BoundedCell], level: float = LEVEL
) -> list[BaselineOutcome]:
    """Judge cells against a stored run, all corrected together (Holm)."""
    logs_now, logs_before, shifts = _Logs(now), _Logs(before), Shifts(now, before)
    judged = []
    for number, cell in enumerate(cells):
        ratio = PromisedRatio(str(number), cell.before, cell.now, at_most=cell.at_most)
        others = shifts.beside(cell.now)
        samples = _samples(logs_now.of(cell.now), logs_before.of(cell.before), others)
        state = PromiseState(ratio, len(cells))
        state.rounds = min(len(samples[0].faster), len(samples[0].than))
        if state.rounds >= ENOUGH_ROUNDS:
            state.p = _both([p_values(ratio, one) for one in samples])
            state.needed = state.p.needed(state.rounds, level / (2 * len(cells)))
        judged.append((cell, state, samples, others))
    for state, step in rejected((one for _, one, _, _ in judged), lambda one: one.p.both, level):
        state.decide(step)
    return [
        BaselineOutcome(
            cell,
            state.verdict,
            _ratio(state, samples, level),
            1 - level / state.step,
            state.rounds,
            state.needed,
            math.exp(median(others)) if len(others) >= FEW else None,
            len(others),
        )
        for cell, state, samples, others in judged
    ]


def _samples(
    now: NDArray[np.float64], before: NDArray[np.float64], others: Sequence[float]
) -> list[Sample]:
    """Return the samples for which a verdict must hold: as measured, and without the shift."""
    found = [Sample([], before, now)]
    if len(others) >= FEW:
        found.append(Sample([], before, now - median(others)))
    return found


def _both(found: Sequence[PValues]) -> PValues:
    """Return the larger one of each p-value."""
    return PValues(
        max(one.above_least for one in found),
        max(one.below_most for one in found),
        max(one.below_least for one in found),
        max(one.above_most for one in found),
    )


def _ratio(state: PromiseState, samples: Sequence[Sample], level: float) -> Ratio | None:
    """Return the ratio, and the ratios that the tests of any sample do not reject."""
    if not state.rounds:
        return None
    value = float(log_ratio(samples[0].faster, samples[0].than))
    if state.rounds < ENOUGH_ROUNDS:
        return Ratio(math.exp(value), 0.0, math.inf)
    each = level / (2 * state.step) * (1 - NUDGE if state.is_open else 1 + NUDGE)
    limits = [log_ratio_limits(one.faster, one.than, each, each) for one in samples]
    low, high = min(float(low) for low, _ in limits), max(float(high) for _, high in limits)
    if low > high or not agrees(state, low, high):
        return Ratio(math.exp(value), 0.0, math.inf)
    return Ratio(math.exp(min(max(value, low), high)), math.exp(low), math.exp(high))


class Shifts:
    """The ratios now / baseline of the cells that both runs have, as logarithms."""

    def __init__(self, now: Results, before: Results) -> None:
        self._cells = {key: one.cell.present for key, one in now.cells.items()}
        names = {one.cell.present: key for key, one in before.cells.items()}
        stored = times_of(before)
        self._found = {
            key: math.log(median(times.values()) / median(there.values()))
            for key, times in times_of(now).items()
            if not self._cells[key].is_control
            and times
            and (there := stored.get(names.get(self._cells[key], "")))
        }

    def beside(self, cell: str) -> list[float]:
        """Return those of the cells of other transports in the placement of a cell."""
        own = self._cells[cell]
        return [
            shift
            for key, shift in self._found.items()
            if self._cells[key].placement == own.placement
            and self._cells[key].transport != own.transport
        ]


class _Logs:
    """Logarithms of the times of a run's cells, each aligned by the others of its placement."""

    def __init__(self, results: Results) -> None:
        self._times = times_of(results)
        self._aligner = Aligner(self._times, lambda cell: results.cells[cell].cell.placement)

    def of(self, cell: str) -> NDArray[np.float64]:
        import numpy as np

        if cell not in self._times:
            return np.empty(0)
        return self._aligner.aligned([cell], sorted(self._times[cell]))[cell]


def times_of(results: Results) -> Times:
    """Return the times of a run; of an adaptive one those of its base.

    Its later rounds depend on what it found.
    """
    times: Mapping[str, dict[int, float]] = {
        key: cell.by_round() for key, cell in results.cells.items() if cell.good
    }
    if not results.header.settings.adaptive:
        return times
    base = {line.round for line in results.rounds if not line.mini}
    return {cell: in_rounds(own, base) for cell, own in times.items()}
