"""Is one side of a contest ahead of the other? One exact test, however many take part.

A side is a set of transports, each a mapping of round -> seconds.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ipcbench.bench.stats import ENOUGH_ROUNDS, binomial_tail

Times = Mapping[int, float]


class Ahead(NamedTuple):
    """`p`: against "some rival is beaten by no candidate". `agreed`: in all rounds tested."""

    p: float
    agreed: bool


def ahead(candidates: Sequence[Times], rivals: Sequence[Times]) -> Ahead:
    """Test whether every rival is slower than a candidate in more than half of all rounds.

    Each round is played by one candidate, the one that was best in the rounds
    *before* it (the first round only teaches, unless there is no choice). For
    each rival its wins are counted; the p-value is the largest of the sign
    tests' over the rivals.

    Why that holds its level, without a factor for candidates or rivals: let
    the null hypothesis be true, so there is a rival j to which every candidate
    loses, or is equal, in half of the rounds or more. Whoever plays round r
    was chosen from earlier rounds alone, and rounds are independent of each
    other; so, given the past, it beats j in round r with a chance of at most
    1/2. The number of wins over j is then stochastically at most binomial
    (n, 1/2), and j's sign test valid. The largest of all p-values is at least
    j's. (Choosing by *all* rounds instead, the tested one among them, would
    need Bonferroni's factor; counting who is first of all would favour the
    side with more transports.)
    """
    played = [0] * len(rivals)
    won = [0] * len(rivals)
    for number, chosen in _players(candidates).items():
        for index, rival in enumerate(rivals):
            if number in rival:
                played[index] += 1
                won[index] += candidates[chosen][number] < rival[number]
    p = max(_at_least(wins, n) for wins, n in zip(won, played, strict=True))
    agreed = all(0 < n == wins for wins, n in zip(won, played, strict=True))
    return Ahead(p, agreed)


def _players(candidates: Sequence[Times]) -> dict[int, int]:
    """Round -> the index of the candidate that plays it, chosen from the rounds before."""
    if len(candidates) == 1:
        return dict.fromkeys(candidates[0], 0)
    # Behind the best of its round, in logarithms, kept in order.
    behind: list[list[float]] = [[] for _ in candidates]
    players: dict[int, int] = {}
    for number in sorted(set().union(*candidates)):
        there = [index for index, times in enumerate(candidates) if number in times]
        known = [index for index in there if behind[index]]
        if known:
            players[number] = min(known, key=lambda index: (_middle(behind[index]), index))
        best = min(candidates[index][number] for index in there)
        for index in there:
            insort(behind[index], math.log(candidates[index][number] / best))
    return players


def _middle(ordered: Sequence[float]) -> float:
    """The median of what is in order already."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


def _at_least(wins: int, n: int) -> float:
    """P(binomial(n, 1/2) >= wins), or 1 where there are too few rounds for any verdict."""
    if n < ENOUGH_ROUNDS - 1:
        return 1.0
    return binomial_tail(n, wins)
