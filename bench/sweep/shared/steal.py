"""Steal of a round: the CPU time that the hypervisor took meanwhile."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ipcbench.bench.machine import cpu_time
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.records import Round
from ipcbench.bench.sweep.disturbance import LIMIT, why_stolen


def end_of_round(
    number: int,
    wall: float,
    timed: float,
    cells: Sequence[PlannedCell],
    before: Mapping[int, Ticks] | None,
    *,
    mini: bool = False,
) -> Round:
    """Return the entry for the end of a round.

    Args:
        number: its number.
        wall: its seconds.
        timed: seconds inside of timed blocks.
        cells: those of the measurement.
        before: the ticks of the CPUs at its start; None: its noise does not count.
        mini: it is a mini-round.
    """
    cpus = sorted({cpu for one in cells for own in one.cpus for cpu in own})
    stolen = {} if before is None else cpu_time.stolen(before, cpu_time.ticks(), cpus)
    line = Round(
        round=number,
        wall=wall,
        timed=timed,
        steal=max(stolen.values(), default=0.0),
        load=os.getloadavg()[0],
        stolen=stolen,
        limit=LIMIT,
        mini=mini,
    )
    worst = max((line.share(planned.cpus) for planned in cells), default=0.0)
    if worst > LIMIT:
        line.void = why_stolen(worst)
    return line
