"""All parts of closed loops of messages, wake-ups and guards, for tests of loops and checks.

Those that access a file, of an open loop, and those that use the board have tests of their own:
test_file.py, test_paced.py, test_latest.py.
"""

from __future__ import annotations

from ipcbench.bench.patterns.part import ACCESSES, Board, Part
from ipcbench.bench.patterns.table import PATTERNS

PARTS = tuple(
    dict.fromkeys(
        seat.part
        for pattern in PATTERNS.values()
        if not (pattern.alone or pattern.open_loop or pattern.kind == ACCESSES)
        for seat in pattern.seats(4)
        if seat.part.board is Board.NONE
    )
)


def name(part: Part) -> str:
    """Return a part's name, for pytest's ids."""
    return part.name
