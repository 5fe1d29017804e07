"""Suites that are drawn from the noise of a recorded run, and judged as a sweep judges them.

The noise of a cell is what its runs deviate from its median, aligned as in a sweep. A suite draws
runs with replacement, each cell its own: the cells of a round, once aligned, are hardly
correlated, and to draw the same rounds for all would make two cells of a short recording
dependent by chance. A small normal deviate keeps it from being a population of a few values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipcbench.bench.decisions.ahead import Ahead
from ipcbench.bench.decisions.alignment import Aligner, deviations, offsets
from ipcbench.bench.decisions.comparison import p_faster
from ipcbench.bench.decisions.contest import LOOKS, Asks, Contest, Times
from ipcbench.bench.decisions.looks import Judge, Sample
from ipcbench.bench.decisions.state import State

MOST = LOOKS[-1]
MANY = 1000  # values that stand for all values of a cell
BLUR = 0.25  # standard deviation of the normal deviate, of the noise's own

Logs = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """A run: its contests, and each cell's location and noise in logarithms of seconds.

    Attributes:
        seconds: cell -> of a run.
    """

    contests: Sequence[Contest]
    placements: Mapping[str, str]
    runtimes: Mapping[str, str]
    locations: Mapping[str, float]
    noise: Mapping[str, Logs]
    seconds: Mapping[str, float]


def aligned_noise(
    times: Times, placements: Mapping[str, str]
) -> tuple[dict[str, float], dict[str, Logs]]:
    """Return each cell's location, and its deviations without those of its placement."""
    rounds = sorted(set().union(*times.values()))
    locations: dict[str, float] = {}
    noise: dict[str, Logs] = {}
    for placement in dict.fromkeys(placements[cell] for cell in times):
        cells = [cell for cell in times if placements[cell] == placement]
        logs = np.log([[times[cell].get(number, np.nan) for number in rounds] for cell in cells])
        off = deviations(logs)
        for index, cell in enumerate(cells):
            own = off[index] - offsets(np.delete(off, index, axis=0))
            locations[cell] = float(np.nanmedian(logs[index]))
            noise[cell] = own[~np.isnan(own)]
    return locations, noise


class Draw:
    """Samples of all cells, for several suites at once: cell -> (suites, `MOST`)."""

    def __init__(self, recorded: Recorded, suites: int, rng: np.random.Generator) -> None:
        self.samples = {
            cell: drawn(own, (suites, MOST), rng) for cell, own in recorded.noise.items()
        }


def drawn(noise: Logs, shape: tuple[int, ...], rng: np.random.Generator) -> Logs:
    """Draw values of a cell's noise with replacement, each with a small normal deviate."""
    spread = 1.4826 * float(np.median(np.abs(noise - np.median(noise))))
    found: Logs = rng.choice(noise, shape) + BLUR * spread * rng.standard_normal(shape)
    return found


def centre(noise: Logs) -> float:
    """Return the median of all means of two values: the Hodges-Lehmann estimate of a centre."""
    return float(np.median((noise[:, None] + noise[None, :]) / 2))


def centred(contest: Contest, recorded: Recorded) -> dict[str, float]:
    """Return the shifts by which the cells of a contest become even with its first one.

    Two cells are even where a value of the one is below one of the other as often as above it.
    """
    rng = np.random.default_rng(0)
    populations = {cell: drawn(recorded.noise[cell], (MANY,), rng) for cell in contest.cells}
    reference = populations[contest.first[0]]
    return {
        cell: -float(np.median(own[None, :] - reference[:, None]))
        for cell, own in populations.items()
    }


@dataclass(frozen=True)
class PValues:
    """The p-values of a contest at each look: (suites, candidates, rivals) of each side.

    `beyond`: of "faster by more than the band", where that is asked.
    """

    faster: Mapping[int, tuple[Logs, Logs]]
    close: Mapping[int, tuple[Logs, Logs]]
    beyond: Mapping[int, tuple[Logs, Logs]]


def p_values_of(contest: Contest, draw: Draw, shifts: Mapping[str, float]) -> PValues:
    """Compute the p-values of all pairs of a contest, at every look and in every suite."""
    first = np.stack([draw.samples[cell] + shifts[cell] for cell in contest.first], axis=1)
    second = np.stack([draw.samples[cell] + shifts[cell] for cell in contest.second], axis=1)
    band = math.log1p(contest.band)
    faster, close, beyond = {}, {}, {}
    for look in LOOKS:
        one, other = first[:, :, None, :look], second[:, None, :, :look]
        faster[look] = p_faster(one, other), p_faster(other, one)
        close[look] = p_faster(one, other, -band), p_faster(other, one, -band)
        if contest.asks is Asks.BAND:
            beyond[look] = p_faster(one, other, band), p_faster(other, one, band)
    return PValues(faster, close, beyond)


class SuiteJudge(Judge):
    """A judge whose p-values were computed beforehand."""

    def __init__(
        self,
        recorded: Recorded,
        tests: Mapping[str, PValues],
        suite: int,
        looks: Sequence[int] = LOOKS,
    ) -> None:
        super().__init__(recorded.contests, recorded.placements.__getitem__, looks=looks)
        self._tests = tests
        self._suite = suite

    def sample(self, state: State, times: Times, rounds: int, aligner: Aligner) -> Sample | None:
        """Return the cells that go on and the rounds, without logarithms."""
        first, second = self._sides(state, times)
        numbers = self._rounds(first, second, times, rounds)
        return Sample(first, second, numbers, {}) if numbers else None

    def _rounds(
        self, first: Sequence[str], second: Sequence[str], times: Times, rounds: int
    ) -> list[int]:
        enough = first and second and min(len(times[cell]) for cell in (*first, *second)) >= rounds
        return list(range(1, rounds + 1)) if enough else []

    def _ahead(self, state: State, sample: Sample) -> tuple[Ahead, Ahead]:
        """Look the p-values up."""
        contest, look, suite = state.contest, len(sample.rounds), self._suite
        found = self._tests[contest.id]
        pairs = np.ix_(
            [contest.first.index(cell) for cell in sample.first],
            [contest.second.index(cell) for cell in sample.second],
        )

        def side(number: int, rivals: Sequence[str]) -> Ahead:
            """Take the smallest p-value of its candidates against each rival."""
            faster, close, beyond = (
                each[look][number][suite][pairs].min(axis=number).tolist() if look in each else ()
                for each in (found.faster, found.close, found.beyond)
            )
            return Ahead(rivals, faster, close, self.factors(contest)[number], look, beyond)

        return side(0, sample.second), side(1, sample.first)


ROUNDS: Mapping[int, Mapping[int, float]] = {
    count: dict.fromkeys(range(1, count + 1), 1.0) for count in range(1, MOST + 1)
}
"""The rounds of a cell that has so many; their times are not looked at."""
