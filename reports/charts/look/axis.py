"""Units of the axes of charts, and the texts of values on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from ipcbench.bench.results.units import human_rate, human_seconds, short_size
from ipcbench.bench.stats import Interval

TO = "\N{EN DASH}"


class Axis(Enum):
    """The unit of an axis; it decides the text of the ticks. All but SHARE are logarithmic, and
    PERCENTILE is so by the share that lies above."""

    BYTES = "bytes"
    SECONDS = "seconds"
    BYTES_PER_SECOND = "bytes per second"
    UNITS_PER_SECOND = "units per second"
    COUNT = "count"
    SHARE = "share"
    PERCENTILE = "percentile"


_TEXTS: Mapping[Axis, Callable[[float], str]] = {
    Axis.BYTES: lambda value: short_size(round(value)),
    Axis.SECONDS: human_seconds,
    Axis.BYTES_PER_SECOND: lambda value: human_rate(value, "B"),
    Axis.UNITS_PER_SECOND: lambda value: human_rate(value, ""),
    Axis.COUNT: lambda value: f"{value:,.0f}",
    Axis.SHARE: lambda value: f"{value * 100:.1f} %",
    Axis.PERCENTILE: lambda value: f"p{value * 100:.6g}",
}


def value_text(axis: Axis, value: float) -> str:
    """Format one number of an axis: `4.90 µs`, `64 KiB`."""
    return _TEXTS[axis](value)


def interval_text(axis: Axis, interval: Interval) -> str:
    """Format a median with its interval: `4.90 µs (4.80-5.10)`, with an en dash.

    The unit stands once where all three have the same.
    """
    middle, *ends = (
        value_text(axis, value) for value in (interval.median, interval.low, interval.high)
    )
    if interval.low == interval.high:
        return middle
    unit = middle[middle.index(" ") :] if " " in middle else ""
    if all(end.endswith(unit) for end in ends):
        return f"{middle} ({TO.join(end.removesuffix(unit) for end in ends)})"
    return f"{middle} ({ends[0]} {TO} {ends[1]})"
