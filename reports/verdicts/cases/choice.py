"""Choices: a facility in one situation, with the numbers that decide for or against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from ipcbench.bench.results.axes import ECHO, PACED
from ipcbench.bench.results.pace import gap
from ipcbench.bench.results.records import REACHED
from ipcbench.reports.model import Measured
from ipcbench.reports.names import display
from ipcbench.reports.percentiles import percentile
from ipcbench.reports.verdicts.cases.facts import Beside, beside


@dataclass(frozen=True, slots=True)
class Choice:
    """A facility and its figures.

    Attributes:
        name, id: for people, and the cell's.
        seconds: of a unit `per`: the median of the runs, on which the verdict rests.
        p50, p99: of single times, of a unit `single` or of `a client`; None: there are too few.
        cpu: seconds of CPU time of all processes, for a unit.
        per_second: units a second; of messages at a rate, those that were sent.
        ratio: its time by that of the best of its situation.
        beside: facts beside speed; None where none are known.
    """

    name: str
    id: str
    transport: str
    family: str
    seconds: float
    per: str
    single: str
    p50: float | None
    p99: float | None
    cpu: float
    per_second: float
    size: int
    ratio: float
    beside: Beside | None

    @property
    def bytes_per_second(self) -> float:
        """The payload a second, one way."""
        return self.per_second * self.size


def choice_of(one: Measured, best: float, settings: Mapping[str, str]) -> Choice:
    """Return the choice of a cell; `best`: seconds of the best one of its situation."""
    seconds, present = one.interval.median, one.cell.present
    middle, high = percentile(one, 0.5), percentile(one, 0.99)
    single = one.facts.single or one.facts.per
    clients = one.cell.pattern == ECHO and one.cell.processes > 2  # side by side: each waits longer
    return Choice(
        name=display(one.cell.transport, one.wait),
        id=one.cell.id,
        transport=present.transport,
        family=one.facts.family,
        seconds=seconds,
        per=one.facts.per,
        single="a client" if clients else single,
        p50=middle.median if middle else None,
        p99=high.median if high else None,
        cpu=one.cpu,
        per_second=rate_of(one),
        size=one.cell.size,
        ratio=seconds / best if best else 1.0,
        beside=beside(present.transport, settings),
    )


def rate_of(one: Measured) -> float:
    """Return the units a second of a cell, with the pauses between them.

    Of messages at a rate, those that were sent.
    """
    if one.cell.pattern == PACED:
        reached = [run.observations[REACHED] for run in one.runs if REACHED in run.observations]
        return median(reached) if reached else 0.0
    each = one.interval.median + gap(one.cell.pace)
    return 1 / each if each else 0.0
