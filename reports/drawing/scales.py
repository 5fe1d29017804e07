"""Scales: the positions of values on an axis, and the ticks with their texts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ipcbench.bench.results.units import format_size, human_rate, human_seconds
from ipcbench.reports.charts.look.axis import Axis, value_text

_SUBS: tuple[tuple[float, tuple[float, ...]], ...] = (  # from this ratio of the limits on
    (300, (1,)), (30, (1, 3)), (6, (1, 2, 5)), (0, (1, 1.5, 2, 3, 4, 5, 7)),
)  # fmt: skip
_MOST_DECADES = 7  # with a tick each


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic axis from `low` to `high`, in inches from `start` to `end`; SHARE is linear."""

    kind: Axis
    low: float
    high: float
    start: float
    end: float
    linear: bool = False

    def at(self, value: float) -> float:
        """Return the position of a value; one outside of the limits is at the nearer end."""
        value = min(max(value, self.low), self.high)
        if self.linear:
            share = (value - self.low) / (self.high - self.low)
        elif self.kind is Axis.PERCENTILE:
            share = _nines(value, self.low) / _nines(self.high, self.low)
        else:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the positions of round values, with their texts."""
        values = _even(self.low, self.high) if self.linear else _round(self.low, self.high)
        return [(self.at(value), tick(self.kind, value)) for value in values]


def _nines(quantile: float, low: float) -> float:
    return math.log10((1 - low) / (1 - quantile))


def log_scale(kind: Axis, low: float, high: float, start: float, end: float) -> Scale:
    """Make a logarithmic scale; where a value is not above 0, it is at the start."""
    if not low > 0:
        low = high / 1e3 if high > 0 else 1.0
    if not high / low > 1.01:
        low, high = low / 1.5, low * 1.5
    return Scale(kind, low, high, start, end)


def _round(low: float, high: float) -> list[float]:
    subs = next(subs for ratio, subs in _SUBS if high / low >= ratio)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = max(1, math.ceil((last - first) / _MOST_DECADES))
    found = (
        sub * 10.0**power
        for power in range(first, last + 1)
        if (power - first) % step == 0
        for sub in subs
    )
    return [value for value in found if low * 0.999 <= value <= high * 1.001]


def _even(low: float, high: float) -> list[float]:
    """Return about four round values with one distance."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(sub * power for sub in (1, 2, 2.5, 5, 10) if sub * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [step * number for number in range(first, math.floor(high / step + 1e-9) + 1)]


def tick(kind: Axis, value: float) -> str:
    """Format the round number of a tick, without trailing zeros."""
    if kind is Axis.SHARE:
        return f"{value * 100:.0f} %"
    if kind is Axis.BYTES:
        return format_size(round(value))
    if kind is Axis.COUNT:
        return f"{value:.0f}"
    if kind is Axis.PERCENTILE:
        return value_text(kind, value)
    if kind is Axis.SECONDS:
        if value == 0:
            return "0"
        text = human_seconds(value * (1 + 1e-9))
    else:
        unit = "B" if kind is Axis.BYTES_PER_SECOND else ""
        text = human_rate(value * (1 + 1e-9), unit)
    return re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", text).replace(". ", " ").rstrip(".")
