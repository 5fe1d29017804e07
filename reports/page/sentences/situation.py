"""The sentence about the situation: one facility, one size, and times far apart."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.axes import BLOCK, NO_WAIT, RUNTIMES
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.captions import wait_phrase
from ipcbench.reports.model import Measured, grouped, rank
from ipcbench.reports.names import language
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.sentences.ladder import small_trips
from ipcbench.reports.page.sentences.words import name_of, time_of, where
from ipcbench.reports.page.texts.phrases import times

FIRST = "pipe"  # the facility that readers know best


def sentence(found: Found) -> str:
    """Compare the fastest and the slowest round trip of one facility, by place and waiting."""
    trips = small_trips(found)
    groups = grouped(trips, lambda one: (one.cell.runtime, one.cell.present.transport)).values()
    several = [some for some in groups if len({_way(one) for one in some}) > 1]
    if not several:
        return ""
    chosen = min(several, key=_order)
    fast = min(chosen, key=lambda one: one.interval.median)
    slow = max(chosen, key=lambda one: one.interval.median)
    cell, cell_name = slow.cell, name_of(slow)
    return (
        f"One facility ({cell_name}), one round trip of {short_size(cell.size)}, one language "
        f"({language(cell.runtime)}): {_told(fast)}, and {_told(slow)}, which is "
        f"{times(slow.interval.median / fast.interval.median)} as long."
    )


def _way(one: Measured) -> tuple[str, str]:
    return one.cell.placement, one.wait


def _order(some: Sequence[Measured]) -> tuple[object, ...]:
    cell = some[0].cell
    ways = len({_way(one) for one in some})
    return cell.present.transport != FIRST, -ways, rank(RUNTIMES, cell.runtime), cell.transport


def _told(one: Measured) -> str:
    wait = "" if one.wait in (BLOCK, NO_WAIT) else f" {wait_phrase(one.wait)}"
    return f"{time_of(one)} {where(one.cell.placement)}{wait}"
