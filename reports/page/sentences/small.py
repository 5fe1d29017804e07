"""The sentence about small messages: the fastest round trip of each language, asleep and awake."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.axes import SPIN
from ipcbench.bench.results.units import short_size
from ipcbench.reports.names import language
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.sentences.words import (
    by_language,
    fastest,
    name_of,
    time_of,
    where,
    with_others,
)
from ipcbench.reports.verdicts.answers import Tier


def sentence(found: Found) -> str:
    """Say how long a small message and its answer take, or one message where no answer was sent."""
    asleep = by_language(found.tiers("small-request"))
    unit = "and its answer take"
    if not asleep:
        asleep, unit = by_language(found.tiers("small-one-way")), "takes, one way,"
    if not asleep:
        return ""
    first = asleep[0].situation
    times = " and ".join(
        f"{time_of(fastest(one))} in {language(one.situation.runtime)} ({with_others(one)})"
        for one in asleep
    )
    text = f"A message of {short_size(first.size)} {unit} {times} {where(first.placement)}"
    return f"{text}, with receivers that sleep{_spinning(found, first.placement, asleep)}."


def _spinning(found: Found, placement: str, asleep: Sequence[Tier]) -> str:
    """Say what spinning brings in the same place, in the last of the languages."""
    runtime = asleep[-1].situation.runtime
    tiers = [
        one
        for one in found.tiers("lowest-latency")
        if (one.situation.placement, one.situation.runtime) == (placement, runtime)
    ]
    quick = [one for one in map(fastest, tiers) if one.wait == SPIN]
    if not quick:
        return ""
    one = quick[0]
    return f"; {time_of(one)} in {language(runtime)} if both ends spin ({name_of(one)})"
