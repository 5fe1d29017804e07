"""Alignment: logarithms of times without the drift that a placement's other cells show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.contest import Times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH = 10  # cells outside the contest that a round needs: fewer would add their own noise
KEPT = 32  # sets of rounds whose deviations are kept: the contests of a look share a few


def aligned(
    times: Times,
    cells: Sequence[str],
    rounds: Sequence[int],
    placement_of: Callable[[str], str],
) -> dict[str, NDArray[np.float64]]:
    """Return the aligned logarithms of a contest's cells over rounds that all of them have."""
    return Aligner(times, placement_of).aligned(cells, rounds)


class Aligner:
    """Alignment of many contests of the same times.

    Attributes:
        times: those of all cells of a sweep.
    """

    def __init__(self, times: Times, placement_of: Callable[[str], str]) -> None:
        self.times = times
        self._placement_of = placement_of
        self._cells: dict[str, list[str]] = {}
        for cell in times:
            self._cells.setdefault(placement_of(cell), []).append(cell)
        self._deviations = lru_cache(maxsize=KEPT)(self._compute_deviations)

    def aligned(
        self, cells: Sequence[str], rounds: Sequence[int]
    ) -> dict[str, NDArray[np.float64]]:
        """Return cell -> logarithms over these rounds, which all of the cells must have."""
        drift = {
            placement: self._offsets(placement, cells, tuple(rounds))
            for placement in {self._placement_of(cell) for cell in cells}
        }
        return {
            cell: _logs(self.times[cell], rounds) - drift[self._placement_of(cell)]
            for cell in cells
        }

    def _offsets(
        self, placement: str, contest: Collection[str], rounds: tuple[int, ...]
    ) -> NDArray[np.float64]:
        outside = [cell not in contest for cell in self._cells[placement]]
        return offsets(self._deviations(placement, rounds)[outside])

    def _compute_deviations(self, placement: str, rounds: tuple[int, ...]) -> NDArray[np.float64]:
        import numpy as np

        logs = [_logs(self.times[cell], rounds) for cell in self._cells[placement]]
        return deviations(np.array(logs).reshape(-1, len(rounds)))


def deviations(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract each cell's median: arrays of shape (..., cells, rounds), NaN for a missing run."""
    return logs - _medians(logs)[..., None]


def offsets(outside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each round's median deviation, 0 where fewer than `ENOUGH` cells have that round.

    `outside`: deviations of the cells outside the contest, of shape (..., cells, rounds).
    """
    import numpy as np

    by_round = np.swapaxes(outside, -1, -2)
    enough = (~np.isnan(by_round)).sum(axis=-1) >= ENOUGH
    return np.where(enough, _medians(by_round), 0.0) if by_round.shape[-1] else enough * 0.0


def _medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the medians along the last axis of what is there; numpy's nanmedian is slow."""
    import numpy as np

    ordered = np.sort(values, axis=-1)  # NaN comes last
    count = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    middles = np.concatenate([np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2], axis=-1)
    middles = np.minimum(middles, values.shape[-1] - 1)
    medians: NDArray[np.float64] = np.take_along_axis(ordered, middles, axis=-1).mean(axis=-1)
    return medians


def _logs(times: Mapping[int, float], rounds: Sequence[int]) -> NDArray[np.float64]:
    """Return the logarithms of a cell's times, NaN where it has no run."""
    import numpy as np

    return np.log([times.get(each, np.nan) for each in rounds])
