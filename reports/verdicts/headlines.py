"""Headlines: what may stand at the top of the page.

A headline needs a verdict, or an estimate with rounds enough, of a placement on which the run may
be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ipcbench.bench.results.severity import Severity
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.decisions import Decision
from ipcbench.reports.verdicts.trust import Trust

FEW = f"No answer: there are fewer than {ENOUGH_ROUNDS} common rounds"


@dataclass(frozen=True, slots=True)
class Claim:
    """The part of a decision that may stand in a headline.

    `untrusted`: the placements, in words, whose contests are left out.
    """

    decision: Decision
    untrusted: Sequence[str]


def claim(decision: Decision, trust: Trust) -> Claim:
    """Leave out the contests on placements where the run cannot be trusted."""
    placements = dict.fromkeys(one.situation.placement for one in decision.comparisons)
    bad = [one for one in placements if not _trusted(one, trust)]
    kept = [one for one in decision.comparisons if one.situation.placement not in bad]
    return Claim(replace(decision, comparisons=kept), [place(one) for one in bad])


def lacking(placement: str, rounds: int, trust: Trust) -> str:
    """Say why an estimate has no headline; "" where it may have one.

    `rounds`: the fewest that one of its ratios has.
    """
    if not _trusted(placement, trust):
        return f"No answer: this run cannot be trusted on {place(placement)}"
    if rounds < ENOUGH_ROUNDS:
        return FEW
    return ""


def _trusted(placement: str, trust: Trust) -> bool:
    return trust.trusted(placement) is not Severity.PROBLEM
