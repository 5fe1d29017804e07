"""The sentence about published numbers: the range of one round trip within this run."""

from __future__ import annotations

from collections.abc import Iterable

from ipcbench.bench.results.axes import BLOCK, LATENCY, NO_WAIT
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.captions import wait_phrase
from ipcbench.reports.charts.kinds.ladder import rungs
from ipcbench.reports.model import Measured, is_plain
from ipcbench.reports.names import language, place
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.sentences.words import name_of, time_of
from ipcbench.reports.page.texts.phrases import times


def sentence(found: Found) -> str:
    """Name the fastest and the slowest bar of the ladder, of those that a headline may name."""
    bars = (one for cells in rungs(found.cells).values() for one in cells)
    trips = [one for one in bars if found.bears(one)]
    if len(trips) < 2:
        return ""
    fast = min(trips, key=lambda one: one.interval.median)
    slow = max(trips, key=lambda one: one.interval.median)
    apart = times(slow.interval.median / fast.interval.median)
    return (
        f"In this run alone, a round trip of {short_size(fast.cell.size)} takes from "
        f"{_told(fast)} to {_told(slow)}: {apart} as long."
    )


def small_trips(found: Found) -> list[Measured]:
    """Return the usual round trips of the smallest size that a headline may name."""
    trips = list(_usual(found.cells))
    smallest = min((one.cell.size for one in trips), default=0)
    return [one for one in trips if one.cell.size == smallest and found.bears(one)]


def _usual(cells: Iterable[Measured]) -> Iterable[Measured]:
    for one in cells:
        cell = one.cell
        plain = cell.depth is None and is_plain(cell) and not one.facts.in_place
        if cell.pattern == LATENCY and one.competes and plain:
            yield one


def _told(one: Measured) -> str:
    wait = "" if one.wait in (BLOCK, NO_WAIT) else f", {wait_phrase(one.wait)}"
    here = f"{place(one.cell.placement)}{wait}"
    name = name_of(one)
    return f"{time_of(one)} ({name}, {language(one.cell.runtime)}, {here})"
