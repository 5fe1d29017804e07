"""Meeting of children: each waits until all have come, and then all go on at the same time."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Meeting:
    """A place in memory where the children of an experiment meet, each with a number.

    There are 255 meetings at most: each process notes its number in a byte. They yield the CPU
    until all are there; the deadline of the children ends it where one is missing.
    """

    memory: mmap.mmap
    processes: int
    held: int = 0  # meetings so far, of this process

    def meet(self, number: int) -> None:
        """Come to the next meeting, and wait for the others."""
        self.held += 1
        self.memory[number] = self.held
        while min(self.memory[: self.processes]) < self.held:
            os.sched_yield()


@contextmanager
def meeting(processes: int) -> Iterator[Meeting]:
    """Yield a meeting for children that are forked in the block."""
    memory = mmap.mmap(-1, processes)  # shared with children: mmap(2), MAP_SHARED
    try:
        yield Meeting(memory, processes)
    finally:
        memory.close()
