"""Memory that all processes of a run share, and the barrier of a block in it.

The barrier is a word of shared memory on which all processes that start a block wait.

One futex(2) call wakes all of them; a message to each takes longer the more there are. With
more processes than CPUs, some still begin only when others leave them a CPU: a block must be
long compared with that (bench/plan/timing.py).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from itertools import repeat

from ipcbench.bench.patterns.newest.board import WORDS, Row, board_bytes, clear, each_row
from ipcbench.bench.patterns.part import Board, Seat
from ipcbench.bench.workers.cpus.affinity import is_exclusive
from ipcbench.transports.sync import futex

WORD_BYTES = 4
# Bytes into the memory: far enough from the variable that no prefetch of a pair of cache lines
# touches both.
BARRIER_AT = 256
SPINS = 400  # looks before a process sleeps, on a CPU of its own: some 20 microseconds


class Barrier:
    """The number of the last block that was released.

    No release is lost: each block has a number of its own, and futex(2) compares the word
    with the earlier number before it puts a process to sleep.
    """

    def __init__(self, memory: memoryview) -> None:
        """Use the first bytes of this memory, which fork shares with all processes of a run."""
        self._word = memory[:WORD_BYTES].cast("I")
        self._place = ctypes.addressof(ctypes.c_char.from_buffer(memory))

    def release(self, number: int) -> None:
        """Release the block of that number, one above that of the block before."""
        self._word[0] = number
        futex.wake_at(self._place)

    def wait(self, number: int, spins: int) -> None:
        """Wait until the block of that number is released; look so often before it sleeps."""
        word = self._word
        for _ in repeat(None, spins):
            if word[0] == number:
                return
        while (seen := word[0]) != number:
            futex.sleep_at(self._place, seen)


def spins_of(cpus: Sequence[int], all_cpus: Sequence[Sequence[int]]) -> int:
    """Return the looks of a process: none on a CPU that others need to get ready."""
    return SPINS if is_exclusive(cpus, all_cpus) else 0


class Shared:
    """The variable of the pattern `counter`, the barrier of blocks, and the board.

    The worker makes it before it forks its peers.
    """

    def __init__(self, seats: Sequence[Seat]) -> None:
        """Map the memory; the board has a row for each seat that writes one."""
        writers = sum(seat.part.board is Board.WRITES for seat in seats)
        memory = memoryview(mmap.mmap(-1, mmap.PAGESIZE + board_bytes(writers)))
        self.variable = memory[:8].cast("Q")
        self.barrier = Barrier(memory[BARRIER_AT : mmap.PAGESIZE])
        self.board = memory[mmap.PAGESIZE :].cast("Q")[: writers * WORDS]

    def clear(self) -> None:
        """Set the variable and the board to 0, before a block."""
        self.variable[0] = 0
        clear(self.board)

    def rows(self) -> list[Row]:
        """Return the rows of the board."""
        return [*each_row(self.board)]
