"""Experiment `pipe-multiplex`: exchanges of any size by two processes a side, and by poll(2).

Two sides send each other the same number of bytes at the same time, over one pipe for each
direction: pipe(7). Sides that write first deadlock past the capacity; a side of a reading and a
writing process does not, nor one that reads and writes whichever is possible: poll(2).
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.pipes.exchange import (
    POLL,
    TWO_PROCESSES,
    WRITE_FIRST,
    deadlocks,
    pipe,
)
from ipcbench.bench.results.entries.bounds import Row
from ipcbench.bench.results.records import Observation
from ipcbench.transports.pipes.pipe import DEFAULT_CAPACITY

SIZES = tuple(sorted({1, DEFAULT_CAPACITY, DEFAULT_CAPACITY + 1, 1 << 20, 4 << 20}))

Exchange = Callable[[int], bool]
"""A function that plays an exchange of a size, and tells whether it deadlocks."""

WAYS: dict[str, Exchange] = {
    "without multiplexing": partial(deadlocks, WRITE_FIRST),
    "with a reading and a writing process": partial(deadlocks, TWO_PROCESSES),
    "with poll": partial(deadlocks, POLL),
}

READS = 200  # of one byte, in a round
ROUNDS = 45


def play(ways: Mapping[str, Exchange] = WAYS) -> Observation:
    """Play exchanges of each size in each way, and count the deadlocks."""
    seen = Observation(experiment=EXPERIMENT.name)
    seen.figures["sizes"] = len(SIZES)
    seen.figures["largest size, bytes"] = SIZES[-1]
    seen.figures["sizes past the capacity"] = sum(size > DEFAULT_CAPACITY for size in SIZES)
    for way in ways:
        seen.figures[f"deadlocks {way}"] = 0
    for size in SIZES:
        row: Row = {"size": size}
        for way, exchange in ways.items():
            deadlock = exchange(size)
            row[way] = "deadlock" if deadlock else "passes"
            seen.figures[f"deadlocks {way}"] += deadlock
        seen.rows.append(row)
    seen.figures["poll before a read, ns"] = poll_cost()
    return seen


def poll_cost() -> float:
    """Return the nanoseconds that a poll(2) before each read(2) of Python's takes.

    The byte is there already: no process waits, so CPU time is all that it takes, and other
    processes do not count. Rounds with and without it alternate.
    """
    with pipe(None) as (reading, writing):
        poll = select.poll()
        poll.register(reading, select.POLLIN)
        differences = [
            _reads(reading, writing, poll.poll) - _reads(reading, writing, _no_poll)
            for _ in range(ROUNDS)
        ]
    return round(max(0.0, median(differences)) * 1e9, 1)


def _no_poll() -> None:
    pass


def _reads(reading: int, writing: int, before: Callable[[], object]) -> float:
    """Return the CPU seconds of one write and one read, with a call before the read."""
    start = time.thread_time()
    for _ in range(READS):
        os.write(writing, b"!")
        before()
        os.read(reading, 1)
    return (time.thread_time() - start) / READS


EXPERIMENT = Experiment(
    name="pipe-multiplex",
    question="Do two processes a side, or poll(2), prevent the deadlock of two pipes at any size?",
    statements=("pipe-multiplex",),
    limit=30.0,
    usual=0.9,
    play=play,
)
