"""Size of a tail pass: how many single times each run of a cell takes.

A percentile is computed in every round by itself (docs/method.md, Tails). So each run of a
cell has the same number of times, however slow it is, and the number decides which
percentiles the cell can show: 20 bear the p50, 100 the p90, 200 the p95, 1,000 the p99.
"""

from __future__ import annotations

FAST = 10e-6  # seconds of a loop: below, more stamps cost little time
MORE = 5  # times as many stamps for fast loops
PASS_BLOCKS = 10  # blocks of the profile that a pass may take
FEWER = (1000, 200, 100, 20)  # where more would take too long; 20 are the least that bear the p50


def stamps_of(asked: int, loop: float, block: float) -> int:
    """Return the number of stamps for a cell.

    Args:
        asked: stamps of a pass, by the profile.
        loop: seconds of a loop, pauses included.
        block: seconds of a block, by the profile.
    """
    longest = PASS_BLOCKS * block
    wanted = asked * MORE if loop < FAST else asked
    if wanted * loop <= longest:
        return wanted
    return next((fewer for fewer in FEWER if fewer < wanted and fewer * loop <= longest), 0)
