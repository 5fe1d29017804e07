"""Null distribution of the Mann-Whitney statistic."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT = 100  # the largest sample with exact probabilities


def tail(won: NDArray[np.float64], n: int, m: int) -> NDArray[np.float64]:
    """Return P(U >= `won`) where U counts the pairs won, of `n` times `m`, by chance.

    Beyond `EXACT` values in a sample it is the normal approximation with a correction for
    continuity: far out it is above the exact probability, nearer at most 0.3 % below.
    """
    import numpy as np

    won = np.asarray(won)
    if max(n, m) <= EXACT:
        return _exact(n, m)[won.astype(np.intp)]
    score = (won - 0.5 - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 6)  # sqrt(2) in it
    tails = [math.erfc(each) / 2 for each in score.ravel().tolist()]
    return np.array(tails, dtype=np.float64).reshape(won.shape)


@lru_cache(maxsize=256)
def _exact(n: int, m: int) -> NDArray[np.float64]:
    """Return P(U >= u) for each u from 0 to n m.

    The generating function of the counts is the Gaussian binomial coefficient, the product of
    (1 - q^(m + i)) / (1 - q^i) for i = 1 ... n (Andrews, The Theory of Partitions, 3.2); whole
    numbers, so that nothing is rounded.
    """
    import numpy as np

    counts = [1] + [0] * (n * m)
    for i in range(1, min(n, m) + 1):
        step = max(n, m) + i
        for u in range(n * m, step - 1, -1):
            counts[u] -= counts[u - step]
        for u in range(i, n * m + 1):
            counts[u] += counts[u - i]
    total = math.comb(n + m, n)
    tails = np.array([count / total for count in accumulate(counts)])[::-1].copy()
    tails.flags.writeable = False  # it is shared
    return tails
