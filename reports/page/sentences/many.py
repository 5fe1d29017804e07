"""The sentence about many processes: the largest number of clients, senders or readers."""

from __future__ import annotations

from collections.abc import Mapping

from ipcbench.reports.names import language
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.sentences.words import (
    fastest,
    foremost,
    time_of,
    where,
    with_others,
)
from ipcbench.reports.verdicts.answers import Tier
from ipcbench.reports.verdicts.finding import many

_FORMS: Mapping[str, tuple[str, str]] = {  # task -> the other processes, and what happens
    "many-clients": ("client", "a server answers a request every"),
    "many-senders": ("sender", "a receiver gets a message every"),
    "many-receivers": ("receiver", "a sender hands out a message every"),
    "newest-value": ("reader", "all see a newer value every"),
}


def sentence(found: Found) -> str:
    """Say how often one process serves the others, with the most of them that were measured."""
    for task, (others, does) in _FORMS.items():
        tier = _largest(found, task)
        if tier is not None:
            return _sentence(tier, many(tier.situation.processes - 1, others), does)
    tier = _largest(found, "many-pairs")
    if tier is None:
        return ""
    pairs = many(tier.situation.processes // 2, "pair")
    return _sentence(tier, f"{pairs} of processes", "all together transfer a message every")


def _largest(found: Found, task: str) -> Tier | None:
    tiers = found.tiers(task)
    most = max((one.situation.processes for one in tiers), default=0)
    return foremost(one for one in tiers if one.situation.processes == most)


def _sentence(tier: Tier, others: str, does: str) -> str:
    here = tier.situation
    return (
        f"With {others}, {does} {time_of(fastest(tier))} in "
        f"{language(here.runtime)} {where(here.placement)} ({with_others(tier)})."
    )
