"""All parts of closed loops of messages, wake-ups and guards, for tests of loops and checks.

Those that access a file have tests of their own, test_file.py, as have those of an open loop:
test_paced.py.
"""

from __future__ import annotations

from ipcbench.bench.patterns.part import ACCESSES, Part
from ipcbench.bench.patterns.table import PATTERNS

PARTS = tuple(
    dict.fromkeys(
        seat.part
        for pattern in PATTERNS.values()
        if not (pattern.alone or pattern.open_loop or pattern.kind == ACCESSES)
        for seat in pattern.seats(4)
    )
)


def name(part: Part) -> str:
    """Return a part's name, for pytest's ids."""
    return part.name
