"""The sentence about large blocks: the largest that shared memory and another facility moved."""

from __future__ import annotations

from ipcbench.bench.decisions.contest import Verdict
from ipcbench.bench.results.axes import STREAM
from ipcbench.bench.results.units import human_rate, short_size
from ipcbench.reports.names import language
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.sentences.words import (
    fastest,
    foremost,
    name_of,
    preference,
    time_of,
    where,
)
from ipcbench.reports.page.texts.phrases import times
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.contests import Comparison


def sentence(found: Found) -> str:
    """Compare the largest blocks, or name the fastest facility where there is no contest."""
    contests = [one for one in found.contests("large-messages") if _is_about_memory(one)]
    if contests:
        return _compared(max(contests, key=_order))
    tier = foremost(found.tiers("large-messages")) or foremost(found.tiers("frames"))
    if tier is None:
        return ""
    best = fastest(tier)
    return (
        f"A block of {short_size(best.cell.size)} takes {time_of(best)} a {best.facts.per} in "
        f"{language(best.cell.runtime)} {where(best.cell.placement)} ({name_of(best)})."
    )


def _is_about_memory(one: Comparison) -> bool:
    return one.contest.statement in SHM_FASTEST.about and one.ratio is not None


def _order(one: Comparison) -> tuple[object, ...]:
    here = one.situation
    number, name = preference(here.placement)
    return one.size, -number, here.pattern == STREAM, here.runtime, name


def _compared(one: Comparison) -> str:
    assert one.ratio is not None
    memory, other = one.first, one.second
    here = one.situation
    best = f"the best other facility, {name_of(other)}"
    if one.verdict is Verdict.UNDECIDED:
        against = f"not told apart from {best} ({time_of(other)})"
    elif one.verdict is Verdict.TIE:
        against = f"as fast as {best} ({time_of(other)})"
    elif one.verdict is Verdict.FASTER:
        against = f"{times(one.ratio.value)} as fast as {best}"
    else:
        against = f"{times(1 / one.ratio.value)} as slow as {best}"
    speed = human_rate(one.size / memory.interval.median, "B")
    rate = f" ({speed})" if here.pattern == STREAM else ""
    unit = "takes" if here.pattern == STREAM else "and its answer take"
    return (
        f"A block of {short_size(one.size)} {unit} {time_of(memory)}{rate} through shared memory "
        f"in {language(here.runtime)} {where(here.placement)}: {against}."
    )
