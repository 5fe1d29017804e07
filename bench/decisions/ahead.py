"""The p-values of one side of a contest against each rival, at one look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ipcbench.bench.decisions.comparison import p_faster, rounds_needed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = Mapping[str, "NDArray[np.float64]"]
"""Cell -> logarithms of its times."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The smallest p-value of any candidate against each rival.

    Attributes:
        rivals: the cells of the other side.
        faster: of "a candidate is faster than this rival".
        close: of "a candidate is not slower than this rival by more than the band".
        factor: the correction for the looks and for the choice among candidates.
        rounds: the values of each sample.
    """

    rivals: Sequence[str]
    faster: Sequence[float]
    close: Sequence[float]
    factor: int
    rounds: int

    def p_values(self) -> dict[str, float]:
        """Return the corrected p-value of "a candidate is faster", of each rival."""
        return {
            rival: min(1.0, self.factor * p)
            for rival, p in zip(self.rivals, self.faster, strict=True)
        }

    def p_close(self, beaten: Mapping[str, float]) -> float:
        """Return the corrected p-value of "the candidates are behind no rival".

        `beaten`: the p-values of the rivals that are beaten and take no part in this look.
        """
        close = max(min(1.0, self.factor * p) for p in self.close)
        others = (p for rival, p in beaten.items() if rival not in self.rivals)
        return max(close, *others, 0.0)

    def needed_faster(self, level: float) -> float:
        """Return the rounds that it takes to beat every rival at a level; infinity: too many."""
        return self._needed(self.faster, level)

    def needed_close(self, level: float) -> float:
        """Return the rounds that it takes to be behind no rival."""
        return self._needed(self.close, level)

    def _needed(self, p_values: Sequence[float], level: float) -> float:
        found = rounds_needed(p_values, self.rounds, level / self.factor)
        return float(found.max())


def ahead(
    candidates: Sequence[str],
    rivals: Sequence[str],
    samples: Samples,
    *,
    band: float,
    factor: int,
) -> Ahead:
    """Test the candidates against each rival.

    Args:
        samples: cell -> logarithms of its times, the same number of each cell.
        band: the relative difference up to which two cells are close.
    """
    import numpy as np

    ours = np.stack([samples[cell] for cell in candidates])[:, None, :]
    theirs = np.stack([samples[cell] for cell in rivals])[None, :, :]
    shifts = np.array([0.0, -math.log1p(band)])[:, None, None]
    faster, close = p_faster(ours, theirs, shifts).min(axis=1).tolist()
    return Ahead(rivals, faster, close, factor, ours.shape[-1])
