"""Words that all sentences have in common: places, languages, and which tier they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipcbench.bench.decisions.ranks import Entrant
from ipcbench.bench.results.axes import (
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    RUNTIMES,
    SAME_CORE,
)
from ipcbench.bench.results.units import human_seconds
from ipcbench.reports.model import Measured, rank
from ipcbench.reports.names import display, place
from ipcbench.reports.verdicts.answers import Tier

PREFERRED = (CROSS_CORE_AWAKE, CROSS_CORE, SAME_CORE)
"""Placements, the one that a sentence is about first: programs mostly have two cores."""


def where(placement: str) -> str:
    """Name a placement inside a sentence: `on two cores awake`."""
    return f"on {place(placement)}"


def preference(placement: str) -> tuple[int, str]:
    """Return the sorting key of placements."""
    return rank(PREFERRED, placement)


def foremost(tiers: Iterable[Tier]) -> Tier | None:
    """Choose the tier of a sentence: by placement, then of most processes, then of most cells."""
    return min(
        tiers,
        key=lambda one: (
            preference(one.situation.placement),
            rank(RUNTIMES, one.situation.runtime),
            -one.situation.processes,
            -len(one.cells),
        ),
        default=None,
    )


def by_language(tiers: Iterable[Tier]) -> list[Tier]:
    """Choose the foremost placement, and one tier of it for each language."""
    every = list(tiers)
    first = foremost(every)
    if first is None:
        return []
    here = [one for one in every if one.situation.placement == first.situation.placement]
    runtimes = sorted({one.situation.runtime for one in here}, key=lambda one: rank(RUNTIMES, one))
    found = (foremost(one for one in here if one.situation.runtime == name) for name in runtimes)
    return [one for one in found if one is not None]


def fastest(tier: Tier) -> Measured:
    """Return the member with the smallest median."""
    return tier.cells[tier.members[0].cell]


def with_others(tier: Tier) -> str:
    """Name the fastest of a tier, and count the others: `pipe; 1 other is not told apart`."""
    others: Sequence[Entrant] = tier.members[1:]
    name = name_of(fastest(tier))
    if not others:
        return name
    number = len(others)
    return f"{name}; {number} {'other is' if number == 1 else 'others are'} not told apart"


def name_of(one: Measured) -> str:
    """Name the facility of a cell, without the way of waiting unless it never sleeps."""
    return display(one.cell.present.transport, one.wait).removesuffix(", spinning")


def time_of(one: Measured) -> str:
    """Write the median time of a cell."""
    return human_seconds(one.interval.median)
