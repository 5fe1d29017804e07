"""Experiment `pipe-deadlock`: the size at which two processes that write first wait for ever.

A pipe has one direction, and holds as many bytes as its capacity: pipe(7). The size is found by
trying sizes, each with two real processes: `deadlocks`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.lacks import in_words
from ipcbench.bench.experiments.pipes.exchange import READ_FIRST, WRITE_FIRST, deadlocks, pipe
from ipcbench.bench.results.entries.bounds import Row
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.pipes.pipe import DEFAULT_CAPACITY

_PAGE = os.sysconf("SC_PAGE_SIZE")
CAPACITIES = sorted({_PAGE, 4 * _PAGE, DEFAULT_CAPACITY, 1 << 20})
# One more than half of a page: a second such write does not fit into the page of the first,
# and takes a page of its own (pipe_write() of Linux's fs/pipe.c).
PIECE = _PAGE // 2 + 1

Exchange = Callable[..., bool]
"""A function as `deadlocks`, for the way of writing first."""


WRITING_FIRST: Exchange = partial(deadlocks, WRITE_FIRST)


def play(exchange: Exchange = WRITING_FIRST) -> Observation:
    """Find the size for each capacity, and for small writes into a pipe of the default one."""
    seen = Observation(experiment=EXPERIMENT.name)
    figures = seen.figures
    exact = []
    for capacity in CAPACITIES:
        try:
            passes = largest(exchange, capacity)
        except Unavailable as lack:
            seen.rows.append({"capacity": capacity, "skipped": in_words(lack)})
            continue
        seen.rows.append(_row(capacity, 0, passes))
        exact.append(passes == capacity)
        if capacity == DEFAULT_CAPACITY:
            figures["default capacity, bytes"] = capacity
            figures["largest that passes, bytes"] = passes
            pieces = largest(exchange, capacity, PIECE)
            seen.rows.append(_row(capacity, PIECE, pieces))
            figures["largest that passes in small writes, bytes"] = pieces
            figures["bytes of a small write"] = PIECE
    if exact:  # or else they would agree with no pipe tried
        figures["capacities"] = len(exact)
        figures["capacities where one byte more deadlocks"] = sum(exact)
    figures["deadlocks of two that read first"] = int(deadlocks(READ_FIRST, 1))
    figures["directions of a pipe"] = 1 + _carries_back()
    return seen


def _row(capacity: int, piece: int, passes: int) -> Row:
    return {
        "capacity": capacity,
        "bytes of a write": piece or "all",
        "largest that passes": passes,
        "smallest that deadlocks": passes + 1 if passes < 2 * capacity else "none",
    }


def largest(exchange: Exchange, capacity: int, piece: int = 0) -> int:
    """Find the largest size that passes where one byte more deadlocks; at most twice the capacity.

    The expected size and the one above it are tried first. If these do not decide it, the size is
    found by bisection.

    Raises: Unavailable, TimedOut, ChildFailed.
    """
    passes, fails = 0, 2 * capacity + 1
    first = [_expected(capacity, piece), _expected(capacity, piece) + 1]
    while fails - passes > 1:
        size = first.pop(0) if first else (passes + fails) // 2
        if not passes < size < fails:
            continue
        if exchange(size, piece=piece, capacity=capacity):
            fails = size
        else:
            passes = size
    return passes


def _expected(capacity: int, piece: int) -> int:
    """Return the bytes that a pipe is expected to hold: its capacity, or a page for each PIECE.

    The last piece may be a part that still fits into the page of the one before it.
    """
    return capacity // _PAGE * piece + _PAGE - piece if piece else capacity


def _carries_back() -> bool:
    """Tell whether a pipe carries bytes from its reading end to its writing end."""
    with pipe(None) as (reading, _):
        try:
            os.write(reading, b"!")
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            return False
    return True


EXPERIMENT = Experiment(
    name="pipe-deadlock",
    question="At which size do two processes that both write first wait for each other for ever?",
    statements=("pipe-half-duplex",),
    limit=30.0,
    usual=0.6,
    play=play,
)
