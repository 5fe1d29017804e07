"""An exact test of whether one side of a contest is ahead of the other.

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
    """The result of `ahead`: a p-value, and whether all rounds tested agree."""

    p: float
    unanimous: bool


def ahead(candidates: Sequence[Times], rivals: Sequence[Times]) -> Ahead:
    """Test whether every rival is slower than a candidate in more than half of all rounds.

    In each round one candidate represents its side: the one that was best in
    the rounds *before* it. (So the first round is used for training only,
    unless there is a single candidate.) Its wins over each rival are counted;
    the p-value is the largest of the sign tests over the rivals.

    The test is valid without a correction for the number of candidates or
    rivals. Let the null hypothesis be true: there is a rival j to which every
    candidate loses, or is equal, in half of the rounds or more. The candidate
    of round r was chosen from earlier rounds alone, and rounds are independent
    of each other; so, given the earlier rounds, it beats j in round r with a
    probability of at most 1/2. The number of wins over j is then
    stochastically at most binomial(n, 1/2), and the sign test against j is
    valid. The largest of all p-values is at least that of j. (A choice by
    *all* rounds, the tested one included, would need Bonferroni's factor; to
    count the rounds in which a side has the fastest transport of all would
    favour the side with more transports.)
    """
    played = [0] * len(rivals)
    won = [0] * len(rivals)
    for number, chosen in _representatives(candidates).items():
        for index, rival in enumerate(rivals):
            if number in rival:
                played[index] += 1
                won[index] += candidates[chosen][number] < rival[number]
    p = max(_at_least(wins, n) for wins, n in zip(won, played, strict=True))
    unanimous = all(0 < n == wins for wins, n in zip(won, played, strict=True))
    return Ahead(p, unanimous)


def _representatives(candidates: Sequence[Times]) -> dict[int, int]:
    """Choose the candidate (index) of each round from the rounds before it."""
    if len(candidates) == 1:
        return dict.fromkeys(candidates[0], 0)
    # For each candidate: log(time / best time of that round), sorted.
    behind: list[list[float]] = [[] for _ in candidates]
    found: dict[int, int] = {}
    for number in sorted(set().union(*candidates)):
        present = [index for index, times in enumerate(candidates) if number in times]
        known = [index for index in present if behind[index]]
        if known:
            found[number] = min(known, key=lambda index: (_median(behind[index]), index))
        best = min(candidates[index][number] for index in present)
        for index in present:
            insort(behind[index], math.log(candidates[index][number] / best))
    return found


def _median(ordered: Sequence[float]) -> float:
    """Return the median of a sorted sample."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


def _at_least(wins: int, n: int) -> float:
    """Return P(binomial(n, 1/2) >= wins), or 1 where there are too few rounds for a verdict."""
    if n < ENOUGH_ROUNDS - 1:
        return 1.0
    return binomial_tail(n, wins)
