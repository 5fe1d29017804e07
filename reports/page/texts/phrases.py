"""Texts of the page for numbers and verdicts: short, and the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import BLOCK, SPIN
from ipcbench.bench.results.units import human_seconds, human_size, named_size, rounded_size
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.captions import (
    full_name,
    manner_phrases,
    pace_phrase,
    placed,
    wait_phrase,
)
from ipcbench.reports.model import Measured, loop_of
from ipcbench.reports.names import display, place
from ipcbench.reports.verdicts.places import distances_of
from ipcbench.reports.verdicts.python_cost import Sum
from ipcbench.reports.verdicts.spinning import MEMORY, PIPE, Split
from ipcbench.reports.verdicts.trust import Trust

TIMES = "\N{MULTIPLICATION SIGN}"
TO = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def times(ratio: float) -> str:
    """Format a ratio: 1.453 as `1.45x`, with a multiplication sign."""
    if ratio >= 1000:
        return f"{ratio:.3g}{TIMES}"
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    return f"{ratio:.{digits}f}{TIMES}" if ratio >= 0.01 else f"{ratio:.2g}{TIMES}"


def percent(share: float, digits: int = 1) -> str:
    """Format a share: 0.961 as `96.1 %`."""
    return f"{share * 100:.{digits}f} %"


class Ends(Protocol):
    """The ends of an interval."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def bounds(interval: Ends, kind: str) -> str:
    """Format the ends of an interval: `1.41-1.49x` or `2.1-2.3 µs`, with an en dash."""
    if kind != "ratio":
        return span_of(interval.low, interval.high)
    if not 0 < interval.low <= interval.high < math.inf:  # too few rounds for one end, or both
        return _open_ended(interval)
    return f"{times(interval.low).removesuffix(TIMES)}{TO}{times(interval.high)}"


def _open_ended(interval: Ends) -> str:
    if interval.low > 0:
        return f"{times(interval.low)} or more"
    return f"up to {times(interval.high)}" if interval.high < math.inf else "no bounds"


def span_of(first: float, last: float) -> str:
    """Format two times: `2.1-2.3 µs`, the unit once if both have the same."""
    low, high = human_seconds(first), human_seconds(last)
    same_unit = low.split(" ")[1] == high.split(" ")[1]
    return f"{low.split(' ')[0]}{TO}{high}" if same_unit else f"{low} {TO} {high}"


def count(value: float) -> str:
    """Format a number of events per unit: `0`, `0.0021`, `1.00`."""
    if value == 0:
        return "0"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def memory(size: int) -> str:
    """Format an amount of memory in GiB."""
    return f"{size / 2**30:.1f} GiB"


def in_flight(one: Measured) -> str:
    """Format the bytes that a direction of a cell's channels held: `64 KiB`, or nothing."""
    return "; ".join(map(rounded_size, one.in_flight[:3]))


def sentence(text: str) -> str:
    """Write the first letter as a capital, and leave the rest as it is."""
    return text[:1].upper() + text[1:]


def cost_headline(one: Sum) -> str:
    """Write the cost of Python: `1.20 µs of a round trip of 64 B`."""
    middle = one.added[1]
    cost = human_seconds(middle) if middle > 0 else "Nothing"
    return f"{cost} of a {one.per} of {human_size(one.size)}"


def cost_sentence(one: Sum) -> str:
    """Describe the time that the Python loop adds in one placement."""
    low, middle, high = one.added
    head = ", ".join(
        filter(None, (sentence(place(one.placement)), named_size(one.size), pace_phrase(one.pace)))
    )
    longer = f"the {one.per} {_longer(middle)} with the Python loop than with the C loop"
    if one.transports == 1:
        return f"{head}: {longer} (ratio {times(one.ratio[1])}).{_clear(one)}"
    return (
        f"{head}: {longer}. This is the median of {one.transports} transports, between "
        f"{signed(low)} and {signed(high)}; ratios {times(one.ratio[0])} to {times(one.ratio[2])}."
        f"{_clear(one)}"
    )


def _clear(one: Sum) -> str:
    """Say how many of the differences are told apart from nothing; "" for all."""
    if one.clear == one.transports:
        return ""
    if one.transports == 1:
        return " Its interval contains 0."
    if not one.clear:
        return " In none of them does the interval exclude 0."
    return f" In {one.clear} of them alone the interval excludes 0."


def _longer(seconds: float) -> str:
    if seconds < 0:
        return f"takes {human_seconds(-seconds)} less"
    return f"takes {human_seconds(seconds)} longer"


def signed(seconds: float) -> str:
    """Format a difference: `+1.20 µs`, with a minus sign (not a hyphen)."""
    if seconds == 0:
        return "0"
    return f"{'+' if seconds > 0 else MINUS}{human_seconds(abs(seconds))}"


def signed_span(one: Interval) -> str:
    """Format the ends of a difference's interval: `+1.10 to +1.30 µs`."""
    low, high = signed(one.low), signed(one.high)
    if low.partition(" ")[2] == high.partition(" ")[2]:
        low = low.partition(" ")[0]
    return f"{low} to {high}"


def split_headline(one: Split) -> str:
    """Write the two shares of a lead: `40.1x by spinning, 5.80x by the memory`."""
    if one.spinning is None or one.memory is None:
        return "No common round"
    return f"{marked_ratio(one.spinning)} by spinning, {marked_ratio(one.memory)} by the memory"


def marked_ratio(one: Interval) -> str:
    """Format a ratio, marked where its interval contains 1, or where the rounds are too few."""
    decided = one.verdict_possible and not one.low <= 1 <= one.high
    return times(one.median) if decided else f"≈ {times(one.median)}"


def split_sentence(one: Split) -> str:
    """Describe the shares of a lead, with their intervals, and the CPU time of each side."""
    cell = one.blocking_pipe.cell
    head = f"{sentence(loop_of(cell.runtime))}, {place(cell.placement)}, {named_size(cell.size)}"
    if one.spinning is None or one.memory is None or one.lead is None:
        return f"{head}: no round has all three."
    cpu = ", ".join(human_seconds(each.cpu) for each in one.cells)
    return (
        f"{head}: a {PIPE} is {_ratio(one.spinning)} as fast if both ends spin, and shared memory "
        f"({MEMORY}) that spins {_ratio(one.memory)} as fast as that; together "
        f"{_ratio(one.lead)}. CPU time of both processes in a round trip: {cpu}."
    )


def _ratio(one: Interval) -> str:
    return f"{marked_ratio(one)} ({bounds(one, 'ratio')})"


def entrant(one: Measured, situation: Situation) -> str:
    """Name a transport in a row of a table: by its wait as well, where the row has several."""
    name = copying(one) if situation.in_place else one.cell.transport
    if situation.wait and one.wait == SPIN and "+futex" in name:  # a ring without a waiter
        text = display(name, SPIN).removesuffix(f", {wait_phrase(SPIN)}")
    else:
        text = display(name, BLOCK if situation.wait else one.wait)
    return ", ".join([text, *manner_phrases(one.cell)])


def copying(one: Measured) -> str:
    """Name a transport in a row whose head says that it is read in place."""
    name = one.cell.transport
    return name.removesuffix("/in-place") if one.facts.in_place else name


def trust_class(trust: Trust) -> str:
    """Return the class of a severity in style.css."""
    return ("good", "good", "warning", "bad")[trust.severity]


FILTERS: Mapping[str, Callable[..., object]] = {
    "distances": distances_of,
    "bounds": bounds,
    "copying": copying,
    "count": count,
    "entrant": entrant,
    "in_flight": in_flight,
    "memory": memory,
    "percent": percent,
    "pace": pace_phrase,
    "placed": placed,
    "sentence": sentence,
    "marked_ratio": marked_ratio,
    "signed": signed,
    "signed_span": signed_span,
    "times": times,
    "waiting": wait_phrase,
    "facility": full_name,
    "manner": manner_phrases,
}
GLOBALS: Mapping[str, Callable[..., object]] = {
    "cost_headline": cost_headline,
    "cost_sentence": cost_sentence,
    "span_of": span_of,
    "split_headline": split_headline,
    "split_sentence": split_sentence,
    "trust_class": trust_class,
}
