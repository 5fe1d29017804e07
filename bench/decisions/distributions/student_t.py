"""Tail of Student's t distribution, by the incomplete beta function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLOSE = 1e-14  # the continued fraction ends where a step changes it by less
MOST_STEPS = 10_000
SHIFT = 8  # Stirling's series is used from this argument on
SERIES = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)


def upper_tail(t: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P(T >= `t`) for `t` >= 0 and any positive number of degrees of freedom.

    With x = df / (df + t^2), it is half the regularized incomplete beta function I_x(df/2, 1/2)
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.27). Its continued fraction
    converges fast for x < (a + 1) / (a + b + 2), and that of 1 - I_{1-x}(b, a) for other x.
    """
    import numpy as np

    t, degrees = np.broadcast_arrays(np.asarray(t, float), np.asarray(degrees, float))
    a, square = degrees / 2, t * t
    x, rest = degrees / (degrees + square), square / (degrees + square)
    # t^2 may be far below df: then ln x needs log1p.
    front = np.exp(-a * np.log1p(square / degrees) - _log_beta(a)) * np.sqrt(rest)
    far = x < (a + 1) / (a + 2.5)
    half = np.full_like(a, 0.5)
    fraction = _fraction(np.where(far, a, half), np.where(far, half, a), np.where(far, x, rest))
    return np.where(far, front * fraction / (2 * a), 0.5 - front * fraction)


def _log_beta(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln B(a, 1/2) = ln(pi)/2 - ln(gamma(a + 1/2) / gamma(a)), by Stirling's series."""
    import numpy as np

    shifted = a + SHIFT
    ratio = np.log(shifted) / 2
    power, square = 1 / shifted, 1 / shifted**2
    for coefficient in SERIES:
        ratio += coefficient * power
        power = power * square
    product = np.ones_like(a)
    for step in range(SHIFT):
        product *= (a + step) / (a + step + 0.5)
    beta: NDArray[np.float64] = math.log(math.pi) / 2 - ratio - np.log(product)
    return beta


def _fraction(
    a: NDArray[np.float64], b: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the continued fraction of I_x(a, b), by the modified method of Lentz.

    Press et al., Numerical Recipes, 3rd edition, 6.4.
    """
    import numpy as np

    c = np.ones_like(x)
    d = 1 / (1 - (a + b) * x / (a + 1))
    value = d
    moves = np.ones(x.shape, dtype=bool)
    for step in range(1, MOST_STEPS):
        twice = 2 * step
        even = step * (b - step) * x / ((a + twice - 1) * (a + twice))
        d, c = 1 / (1 + even * d), 1 + even / c
        change = d * c
        odd = -(a + step) * (a + b + step) * x / ((a + twice) * (a + twice + 1))
        d, c = 1 / (1 + odd * d), 1 + odd / c
        # A value that has converged stays, or its last digit would depend on the others.
        value = np.where(moves, value * (change * (d * c)), value)
        moves &= np.abs(d * c - 1) > CLOSE
        if not moves.any():
            break
    return value
