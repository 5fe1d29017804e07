"""All parts of closed loops of messages, wake-ups and guards, for tests of loops and checks.

Those that access a file, make channels, use the board, or are of an open loop have tests of their
own: test_file.py, test_set_up.py, test_latest.py, test_paced.py.
"""

from __future__ import annotations

from ipcbench.bench.patterns.part import ACCESSES, Board, Part
from ipcbench.bench.patterns.single.set_up import SETS_UP
from ipcbench.bench.patterns.table import PATTERNS

PARTS = tuple(
    dict.fromkeys(
        seat.part
        for pattern in PATTERNS.values()
        if not (pattern.alone or pattern.open_loop or pattern.kind == ACCESSES)
        if pattern is not SETS_UP
        for seat in pattern.seats(4)
        if seat.part.board is Board.NONE
    )
)


RECEIVERS = 3  # in a fan-out


def extra(part: Part, count: int) -> tuple[int, ...]:
    """Return the further arguments of a loop: of a fan-out's sender, the number of receivers."""
    return (min(RECEIVERS, count),) if part.marks else ()


def name(part: Part) -> str:
    """Return a part's name, for pytest's ids."""
    return part.name
