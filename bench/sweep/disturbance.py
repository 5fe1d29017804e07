"""The void rule: the runs that others have disturbed, and the reason, as a text.

Pure functions. One rule and one limit hold for every placement, and for calibrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ipcbench.bench.results.records import Disturbance
from ipcbench.bench.results.units import human_share

LIMIT = 0.05  # share of a CPU's time that others may have: as large as typical effects


class Disturbed(Protocol):
    """A run, or the outcome of one."""

    @property
    def foreign(self) -> float | None:
        """The share of time that others had; None: it cannot be seen."""

    @property
    def disturbance(self) -> Disturbance:
        """The parts of it."""

    @property
    def cpus(self) -> list[list[int]]:
        """For each process, the CPUs that it could use."""

    @property
    def distance(self) -> float | None:
        """The seconds of a cache line from one of them to another one and back."""


def why_void(run: Disturbed, usual: float = 0.0) -> str:
    """Return the reason why a run, or a calibration, does not count; "" where it counts.

    `usual`: the share that quiet runs of the cell have, of which only the excess counts.
    """
    parts = run.disturbance
    if parts.wall and parts.throttled > LIMIT * parts.wall:
        milliseconds = parts.throttled * 1e3
        return f"the CPU quota ({parts.quota}) stopped the processes for {milliseconds:.0f} ms"
    if run.foreign is None or run.foreign - usual <= LIMIT:
        return ""
    beyond = f", beyond the usual {human_share(usual)}" if usual else ""
    share = human_share(run.foreign - usual)
    if parts.waited is not None and parts.waited >= run.foreign:
        return f"a process waited for its CPU {share} of the time{beyond}"
    whose = "a CPU's" if parts.source else "the core's"
    return f"{share} of {whose} time went to other processes{beyond}"


def why_stolen(share: float) -> str:
    """Return the reason why a round does not count: the hypervisor took CPU time."""
    return f"the hypervisor took {human_share(share)} of a CPU's time in the round"


def usual_share(attempts: Sequence[Disturbed]) -> float:
    """Return the share that is usual for a cell, from the attempts at its calibration.

    It is 0 where one of them was quiet. Where none was, a kernel that accounts interrupts
    apart (CONFIG_IRQ_TIME_ACCOUNTING), or a container that hides ksoftirqd, may make the
    cell's own work look foreign, and a kernel before 6.0 counts an idle CPU's waking as a
    wait. Such a share is constant, and the ticks leave as much to it. Where they leave less
    than the calibrations had, another process was beside them, and nothing is usual.
    """
    shares = [one.foreign for one in attempts if one.foreign is not None]
    known = [share for one in attempts if (share := _own_work(one)) is not None]
    if not shares or not known or not LIMIT < min(shares) <= min(known) + LIMIT:
        return 0.0
    return max(0.0, min(*shares, *known))


def _own_work(attempt: Disturbed) -> float | None:
    """Return the share that may look foreign without any other process, at most."""
    parts = attempt.disturbance
    if parts.waited is None and not parts.source:  # on one CPU
        return parts.interrupts
    if parts.tasks is None or attempt.foreign is None:
        return None
    # Ticks are samples: of a CPU that is half busy, 30 of them may be off by some 10 %.
    return 1.0 if parts.tasks <= max(LIMIT, attempt.foreign / 2) else 0.0
