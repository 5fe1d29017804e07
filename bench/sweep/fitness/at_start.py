"""Checks at the start of a sweep: what matters now, in one to three lines.

They take no time of their own: the other processes are watched while the sweep is planned.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from ipcbench.bench.machine import others
from ipcbench.bench.machine.others import Look, Others
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.slowdowns import FIXED_CLOCK_RATE, GOVERNOR, slowdowns
from ipcbench.bench.results.units import human_share
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.disturbance import LIMIT
from ipcbench.bench.sweep.fitness.finding import Finding, warning
from ipcbench.bench.sweep.fitness.other_load import about_others
from ipcbench.transports.base.os_errors import with_remedy

MOST = 3  # lines
SHORTEST = 0.3  # seconds between the two looks: ticks are 10 ms


class AtStart:
    """The checks; made before the sweep is planned."""

    def __init__(self) -> None:
        self._before: Look = others.look()

    def tell(self, machine: MachineInfo, watcher: Watcher, *, keep_disturbed: bool) -> None:
        """Show the lines."""
        for line in self.lines(machine, keep_disturbed=keep_disturbed):
            watcher.note(line)

    def lines(self, machine: MachineInfo, *, keep_disturbed: bool) -> list[str]:
        """Return the lines; [] where nothing is wrong.

        Args:
            keep_disturbed: runs count, whatever disturbs them.
        """
        left = self._before.at + SHORTEST - time.monotonic()
        if left > 0:
            time.sleep(left)
        found = others.between(self._before, others.look(), os.sched_getaffinity(0))
        return as_lines([*_load(found, keep_disturbed), *_machine(machine)])


def as_lines(findings: list[Finding]) -> list[str]:
    """Write the worst findings as lines; where there are more, the last line says so."""
    worst = sorted(findings, key=lambda one: one.severity, reverse=True)
    shown = [f"{one.topic}: {with_remedy(one.text, one.remedy)}" for one in worst[:MOST]]
    if len(worst) > MOST:
        shown[-1] += f" ({len(worst) - MOST} more: ipcbench doctor)"
    return shown


def _load(found: Others, keep_disturbed: bool) -> Iterator[Finding]:
    busy = about_others(found)
    if busy.severity > Severity.OK:
        what = "count, as --keep-disturbed asks" if keep_disturbed else "are void, and retaken"
        text = f"{busy.text}; runs that they disturb {what}"
        yield Finding(busy.severity, busy.topic, text, busy.remedy)
    if found.steal > LIMIT:
        yield Finding(
            Severity.PROBLEM,
            "steal",
            f"the hypervisor takes {human_share(found.steal)} of a CPU",
            "measure at another time, or on another machine",
        )


def _machine(machine: MachineInfo) -> Iterator[Finding]:
    if len(machine.cpus) == 1:
        yield warning(
            "CPUs",
            "one may be used: processes cannot be placed on two",
            "allow more: taskset -c, or --cpuset-cpus of a container",
        )
    for one in slowdowns(machine.settings):
        yield warning(one.topic, one.text, one.remedy)
    governor = machine.settings.get(GOVERNOR, "")
    if governor not in ("", "performance"):
        text = f"{governor}: the clock rate changes with the load"
        yield warning(GOVERNOR, text, FIXED_CLOCK_RATE)
