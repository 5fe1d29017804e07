"""Experiment `lost-updates`: count++ by several processes, with and without a guard."""

from __future__ import annotations

import mmap
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from ipcbench.bench.experiments.children import together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.facilities import channel_of, transport
from ipcbench.bench.experiments.lacks import in_words
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Role, Spec, Ticket, Topology, Transport, Unavailable

GUARDS = ("unguarded", "posix-sem", "sysv-sem")
PROCESSES = (2, 4)
UPDATES = 2000  # of each process, at most
COUNTING = 1.0  # seconds after which it stops: where others have the CPU, a yield takes long
READY = 64  # where each process has a byte in the shared memory, which begins with the variable
TIME = 5.0  # seconds for one row of the table
ATTACH = 2.0  # seconds


def play(guards: Sequence[str] = GUARDS) -> Observation:
    """Count the lost updates of each guard, by the number of processes."""
    seen = Observation(experiment=EXPERIMENT.name)
    for guard in guards:
        for processes in PROCESSES:
            try:
                updates, lost = lost_updates(guard, processes)
            except Unavailable as missing:
                seen.rows.append({"guard": guard, "skipped": in_words(missing)})
                break
            seen.rows.append(
                {
                    "guard": guard,
                    "processes": processes,
                    "updates": updates,
                    "updates lost": lost,
                }
            )
            for name, number in (("updates", updates), ("updates lost", lost)):
                figure = f"{name}, {guard}"
                seen.figures[figure] = seen.figures.get(figure, 0) + number
    return seen


def lost_updates(guard: str, processes: int) -> tuple[int, int]:
    """Have processes count up one variable; return their updates, and how many are missing.

    Raises: Unavailable, Stuck, ChildFailed.
    """
    found = transport(guard)
    seats = [(Role.MEMBER, index) for index in range(processes)]
    with (
        channel_of(found, Spec(0, Topology.GUARD, processes), seats) as tickets,
        mmap.mmap(-1, mmap.PAGESIZE) as memory,  # mmap(2), MAP_SHARED
    ):
        counted = together([partial(_count, found, each, memory) for each in tickets], TIME)
        return sum(counted), sum(counted) - int.from_bytes(memory[:8], sys.byteorder)


def _count(guard: Transport, ticket: Ticket, memory: mmap.mmap) -> int:
    """Count up, when all processes are ready; return the number of updates.

    Each gives up its CPU between reading and writing, so that another one can come between
    on a machine with one CPU as well.
    """
    member: Any = guard.attach(ticket, time.monotonic() + ATTACH)
    with memoryview(memory) as view, view[:8].cast("Q") as words:
        view[READY + ticket.index] = 1
        while sum(view[READY : READY + ticket.spec.parties]) < ticket.spec.parties:
            os.sched_yield()
        updates, end = 0, time.monotonic() + COUNTING
        while updates < UPDATES and time.monotonic() < end:
            member.acquire()
            found = words[0]
            os.sched_yield()
            words[0] = found + 1
            member.release()
            updates += 1
    member.close()
    return updates


EXPERIMENT = Experiment(
    name="lost-updates",
    question="How many updates are lost when processes count up one variable together?",
    statements=("semaphore-guards", "sysv-is-posix"),
    limit=30.0,
    usual=0.5,
    play=play,
)
