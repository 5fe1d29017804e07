"""All parts of all patterns with a channel, for the tests of their loops and their checks."""

from __future__ import annotations

from ipcbench.bench.patterns.part import Part
from ipcbench.bench.patterns.table import PATTERNS

PARTS = tuple(
    dict.fromkeys(
        seat.part for pattern in PATTERNS.values() if not pattern.alone for seat in pattern.seats(4)
    )
)


def name(part: Part) -> str:
    """Return a part's name, for pytest's ids."""
    return part.name
