"""Percentiles of a cell's single times, over rounds: each round has one of its own."""

from __future__ import annotations

from ipcbench.bench.results.histogram import bearable, percentiles
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.reports.model import Measured


def percentile(one: Measured, quantile: float) -> Interval | None:
    """Return a percentile in seconds; None where a round has too few times to show it."""
    rounds = list({run.round: run.tail for run in one.runs if run.tail}.values())
    if not rounds or not bearable(min(sum(counts.values()) for counts in rounds), quantile):
        return None
    return median_interval([percentiles(counts, [quantile])[0] * 1e-9 for counts in rounds])
