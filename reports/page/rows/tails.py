"""Rows of the page's table of tails: percentiles of single times.

A round is one pair, or group, of fresh processes, so the unit of replication is the round: each
round has percentiles of its own, and a cell shows their median and its interval by order
statistics, as for any other figure. Single times of all rounds together would count as many
independent ones, and a round with more of them would weigh more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.histogram import bearable, percentiles
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.reports.model import Measured
from ipcbench.reports.page.rows.tables import Rows

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
RARE = (0.9, 0.95)  # that few readers need


@dataclass(frozen=True, slots=True)
class Tail:
    """Single times of a cell, in nanoseconds.

    `fewest`, `most`: of a round, over all processes that took some. `percentiles`: over
    `rounds`, one for each of QUANTILES; None where a round is too small to show it.
    """

    measured: Measured
    rounds: int
    fewest: int
    most: int
    percentiles: list[Interval | None]
    longest: float

    @property
    def single(self) -> str:
        """The unit that a time is of: older journals stamped what their figures are of."""
        return self.measured.facts.single or self.measured.facts.per


def tails(cells: Iterable[Measured], most: int | None = None) -> Rows[Tail]:
    """List the cells with single times, at most so many of them; None: all."""
    having = [one for one in cells if any(run.tail for run in one.runs)]
    return Rows([_tail(one) for one in having[:most]], len(having))


def _tail(one: Measured) -> Tail:
    rounds = list({run.round: run.tail for run in one.runs if run.tail}.values())
    sizes = [sum(counts.values()) for counts in rounds]
    shown = [quantile for quantile in QUANTILES if bearable(min(sizes), quantile)]
    found = [percentiles(counts, (*shown, 1.0)) for counts in rounds]
    columns = list(zip(*found, strict=True))
    return Tail(
        measured=one,
        rounds=len(rounds),
        fewest=min(sizes),
        most=max(sizes),
        percentiles=_filled([median_interval(column) for column in columns[:-1]]),
        longest=max(columns[-1]),
    )


def _filled(shown: Sequence[Interval]) -> list[Interval | None]:
    """Append None for the percentiles that are not shown, which are the highest ones."""
    return [*shown, *[None] * (len(QUANTILES) - len(shown))]
