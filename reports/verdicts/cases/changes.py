"""Conditions that change an answer: another core, language, size, or way of waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.axes import LATENCY, STREAM
from ipcbench.bench.results.units import short_size
from ipcbench.reports.names import language, place
from ipcbench.reports.verdicts.cases.choice import Choice
from ipcbench.reports.verdicts.cases.recommend import Recommendation

MOST = 6  # changes of an answer
WAYS: Mapping[str, str] = {LATENCY: "for a round trip", STREAM: "one way"}


@dataclass(frozen=True, slots=True)
class Change:
    """A condition, and the best facility under it. `same`: it is in the tier without it too."""

    condition: str
    best: Choice
    same: bool


def changes(one: Recommendation, found: Sequence[Recommendation]) -> list[Change]:
    """Return the answers that differ from one in a single condition."""
    if not one.members:
        return []
    names = {each.transport for each in one.members}
    made = [
        Change(condition, other.best, other.best.transport in names)
        for other in found
        if other.members and (condition := _condition(one, other))
    ]
    return made[:MOST]


def _condition(one: Recommendation, other: Recommendation) -> str:
    """Name the only condition in which two answers differ; "" where it is none, or several."""
    if one.case.id != other.case.id or _work(one) != _work(other):
        return ""
    spin = "if a core may spin" if other.spin else "if none spins"
    differ = [
        text
        for text, differs in (
            (spin, bool(one.spin) is not bool(other.spin)),
            (WAYS.get(other.situation.pattern, ""), one.key != other.key),
            (f"from {language(other.runtime)}", one.runtime != other.runtime),
            (f"on {place(other.placement)}", one.placement != other.placement),
            (f"with {short_size(other.size)}", one.size != other.size),
            (f"with {other.processes} processes", one.processes != other.processes),
        )
        if differs
    ]
    return differ[0] if len(differ) == 1 else ""


def _work(one: Recommendation) -> tuple[object, ...]:
    here = one.situation
    way = here.pattern if here.pattern not in WAYS else ""
    return way, here.payload, here.pace, here.depth, here.batch
