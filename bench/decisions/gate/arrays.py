"""The bets of the sequential test for many cells, or many shifts, at once: arrays of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ipcbench.bench.decisions.gate.sequential import BETS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def log_gains(
    over: NDArray[np.float64], ahead: NDArray[np.float64], scale: NDArray[np.float64], band: float
) -> NDArray[np.float64]:
    """Return the logarithms of the factors of all bets, on a last axis.

    Args:
        over: by how much a difference lies beyond the shift that is bet against.
        ahead: the same of the median of the earlier pairs.
        scale: of the earlier pairs.
    """
    import numpy as np

    learned = np.maximum(ahead, band)
    factors = []
    for bet in BETS:
        distance = learned if bet.learns else band
        unit = bet.scale * scale * math.sqrt(2)
        near, far = ((over - distance) / unit) ** 2, ((over + distance) / unit) ** 2
        factors.append(math.log(2) - np.log1p(((1 + near) / (1 + far)) ** 1.5))
    return np.stack(np.broadcast_arrays(*factors), axis=-1)


def log_capital(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the mean over the bets, which are the last axis."""
    import numpy as np

    best = logs.max(axis=-1)
    found: NDArray[np.float64] = best + np.log(np.exp(logs - best[..., None]).mean(axis=-1))
    return found
