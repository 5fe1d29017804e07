"""Design of a selftest: which cells each run of the gate slows, and by how much. Pure.

A tenth of the cells, and one at least, is slowed by 5 %, as many by 10 %, others in each run: all
cells have their turn before one has its second. A cell is slowed by both sizes equally often.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from ipcbench.bench.errors import SweepError
from ipcbench.bench.results.comparison.selftest import SIZES

PART = 10  # the part of the cells that is slowed by one size
FEWEST = len(SIZES) + 1  # cells: one a size, and one whose arms are equal


def designs(cells: Sequence[str], runs: int, seed: int) -> list[dict[str, float]]:
    """Return for each run the shares by which cells are slowed.

    More runs begin as fewer do. Raises: SweepError where there are too few cells.
    """
    if len(cells) < FEWEST:
        raise SweepError(
            f"a selftest slows some cells and leaves others as they are: {len(cells)} of them are "
            f"too few, it takes {FEWEST}; leave some filters out"
        )
    number = max(1, round(len(cells) / PART))
    dealt = _dealt(cells, random.Random(seed))
    small: Counter[str] = Counter()  # cell -> how often it had the smaller size, less the larger
    found = []
    for _ in range(runs):
        hand = [next(dealt) for _ in range(number * len(SIZES))]
        hand.sort(key=lambda cell: small[cell])
        small.update(hand[:number])
        small.subtract(hand[number:])
        found.append({cell: SIZES[at >= number] for at, cell in enumerate(hand)})
    return found


def _dealt(cells: Sequence[str], draw: random.Random) -> Iterator[str]:
    """Yield cells in shuffled orders; none comes again before half of the others have come."""
    last: list[str] = []
    while True:
        order = draw.sample(cells, len(cells))
        late = [cell for cell in order if cell in last]
        order = [cell for cell in order if cell not in last] + late
        yield from order
        last = order[-(len(cells) // 2) :]
