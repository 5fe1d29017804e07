"""Coin that says which arm of a pair goes first. Pure.

Each pair has an independent toss, so that the difference of two equal arms is as likely to have
either sign, whatever drifts and whatever the second run of a pair suffers from the first. It is
a digest, not `random`: a resumed comparison tosses as it would have without the stop.
"""

from __future__ import annotations

import hashlib

from ipcbench.bench.results.comparison.records import ARMS, BASE, HEAD, ArmName


def first_arm(seed: int, cell: str, number: int, attempt: int) -> ArmName:
    """Return the arm that goes first in a pair: its cell, round and attempt."""
    toss = hashlib.sha256(f"{seed}/{number}/{attempt}/{cell}/first".encode()).digest()
    return ARMS[toss[0] & 1]


def first_started(seed: int, number: int) -> ArmName:
    """Return the arm whose fork server is started first in a round.

    Its place may be a part of how fast its runs are, and it is that of all runs of the round.
    """
    return first_arm(seed, "fork servers", number, 0)


def in_order(first: ArmName) -> tuple[ArmName, ArmName]:
    """Return both arms, this one first."""
    return (BASE, HEAD) if first == BASE else (HEAD, BASE)
