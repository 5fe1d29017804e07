"""Board of a run: a row of counts for each receiver of a newest value, in memory that all share.

A process that reads writes its own row alone, when its loop ends. The process that publishes looks
at the rows to know when all others have ended: it never waits for them on the way.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import NamedTuple

WORDS = 8  # of a row: a cache line, which no other process writes
ROW_BYTES = 8 * WORDS


class Row(NamedTuple):
    """The words of a row that are used, in their order in memory: see also _newest.h.

    Attributes:
        ended: 1 when the loop has ended.
        seen: values that were read.
        missed: values between those, which another one replaced.
        vain: reads that found nothing newer.
        torn: copies that were discarded.
        broken: values that were not whole, or older than the last one.
    """

    ended: int
    seen: int
    missed: int
    vain: int
    torn: int
    broken: int


def board_bytes(rows: int) -> int:
    """Return the bytes of so many rows, in whole pages."""
    return -(-rows * ROW_BYTES // mmap.PAGESIZE) * mmap.PAGESIZE


def row_of(board: memoryview, number: int) -> memoryview:
    """Return the words of a row.

    Args:
        board: the words of all rows.
        number: that of the row, from 0 on.
    """
    return board[number * WORDS : (number + 1) * WORDS]


def each_row(board: memoryview) -> Iterator[Row]:
    """Yield the rows as they are."""
    for number in range(len(board) // WORDS):
        yield Row(*row_of(board, number)[: len(Row._fields)])


def clear(board: memoryview) -> None:
    """Set all words to 0, before the processes start a block."""
    for at in range(len(board)):
        board[at] = 0
