"""The rule by which earlier versions judged contests: exact sign tests over rounds.

A fixed sweep of twelve rounds, both directions of each contest, and Holm's correction over all
contests of a task in one runtime. It is kept for comparison alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ipcbench.bench.decisions.contest import Contest, Verdict
from ipcbench.bench.stats import binomial_tail, holm

LEVEL = 0.05
BAND = 0.05

Sample = NDArray[np.float64]  # of the logarithms of a cell's times, by round


def judge(
    contests: Sequence[Contest],
    samples: Mapping[str, Mapping[str, Sample]],
    runtime_of: Mapping[str, str],
) -> dict[str, Verdict]:
    """Return the verdict on each contest. `samples`: contest -> cell -> sample."""
    families: dict[tuple[str, str], list[Contest]] = {}
    for one in contests:
        key = one.statement or one.task, runtime_of[one.first[0]]
        families.setdefault(key, []).append(one)
    found: dict[str, Verdict] = {}
    for members in families.values():
        tests = [_both(one, samples[one.id]) for one in members]
        adjusted = iter(holm([p for both in tests for p in both]))
        for one in members:
            holds, fails = next(adjusted), next(adjusted)
            found[one.id] = _verdict(one, samples[one.id], holds, fails)
    return found


def _verdict(one: Contest, samples: Mapping[str, Sample], holds: float, fails: float) -> Verdict:
    if holds <= LEVEL:
        return Verdict.TIE if _asks_for_a_tie(one) else Verdict.FASTER
    if fails > LEVEL:
        return Verdict.UNDECIDED
    if not _asks_for_a_tie(one):
        return Verdict.SLOWER
    lead = float(np.median(samples[one.second[0]] - samples[one.first[0]]))
    return Verdict.FASTER if lead > 0 else Verdict.SLOWER


def _asks_for_a_tie(one: Contest) -> bool:
    """Tell if the statement is that two transports are equal."""
    return one.statement.startswith(("sysv-is-posix", "fifo-is-pipe"))


def _both(one: Contest, samples: Mapping[str, Sample]) -> tuple[float, float]:
    """Return the p-values of "as stated" and of "not as stated"."""
    first = [samples[cell] for cell in one.first]
    second = [samples[cell] for cell in one.second]
    if not _asks_for_a_tie(one):
        return ahead(first, second), ahead(second, first)
    difference = second[0] - first[0]  # above 0: the first is faster
    band = math.log1p(BAND)
    within = max(_sign(difference + band), _sign(band - difference))
    beyond = min(1.0, 2 * min(_sign(difference - band), _sign(-band - difference)))
    return within, beyond


def _sign(sample: Sample) -> float:
    return binomial_tail(len(sample), int((sample > 0).sum()))


def ahead(candidates: Sequence[Sample], rivals: Sequence[Sample]) -> float:
    """Test whether every rival is slower than a candidate in more than half of all rounds.

    In each round one candidate represents its side: the one that was best in the rounds before
    it. So the first round is used for training only, unless there is a single candidate.
    """
    chosen = np.stack(candidates)
    first = 0
    if len(candidates) > 1:
        behind = chosen - chosen.min(axis=0)
        rounds = range(1, chosen.shape[1])
        best = [int(np.median(behind[:, :number], axis=1).argmin()) for number in rounds]
        ours, first = chosen[best, list(rounds)], 1
    else:
        ours = chosen[0]
    return max(_sign(rival[first:] - ours) for rival in rivals)
