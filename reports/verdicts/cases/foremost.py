"""The answer of a case that is shown first: the placement that answers most, the usual size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log2

from ipcbench.bench.results.axes import CROSS_CORE, CROSS_CORE_AWAKE, SAME_CORE
from ipcbench.reports.model import rank
from ipcbench.reports.verdicts.cases.recommend import Recommendation

PREFERRED = (CROSS_CORE_AWAKE, CROSS_CORE, SAME_CORE)  # of placements
USUAL = 64  # bytes of a message


def is_main(one: Recommendation) -> bool:
    """Tell if an answer is one of the first screen, of the usual work of its case."""
    return one.case.main and one.key == one.case.id


def foremost_placement(known: Sequence[str], runtime: str, found: Iterable[Recommendation]) -> str:
    """Return the placement that answers most main cases in a language.

    Of several, it is the one that decides most.
    """
    answered: Mapping[str, set[str]] = {name: set() for name in known}
    for one in found:
        if is_main(one) and one.runtime == runtime and one.placement in answered:
            answered[one.placement].add(one.key)
    return min(known, key=lambda one: (-len(answered[one]), rank(PREFERRED, one)))


def foremost(found: Iterable[Recommendation], placement: str) -> Recommendation:
    """Return the foremost of some answers to a case in a language: in the placement, if any is."""
    return min(
        found,
        key=lambda one: (
            one.placement != placement,
            rank(PREFERRED, one.placement),
            abs(log2(one.size / USUAL)) if one.size else 0,
            -one.processes if one.case.many else one.processes,
            bool(one.spin),
        ),
    )
