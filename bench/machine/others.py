"""Other processes: the CPU time that they take beside this command, and which take most of it.

Between two looks at /proc. Nothing here raises: what is hidden, as in a container, is left out.
`root` is the folder that holds `proc`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.machine.cpu_time import ROOT, Ticks, stolen, ticks
from ipcbench.bench.machine.text import text_of
from ipcbench.bench.results.units import human_share
from ipcbench.bench.results.untrusted import one_line

NAMED = 2  # processes that are named, at most
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_KTHREADD = 2
_LONGEST_NAME = 40  # characters: a process chooses its own name


@dataclass(frozen=True, slots=True)
class _Process:
    """A process at one moment; `children`: the time of those that it has waited for."""

    name: str
    parent: int
    started: str
    time: float
    children: float


@dataclass(frozen=True, slots=True)
class Look:
    """All processes that can be seen, and the time of each CPU, at one moment."""

    at: float
    ticks: Mapping[int, Ticks]
    processes: Mapping[int, _Process]


@dataclass(frozen=True, slots=True)
class Busy:
    """A process, and the share of a CPU that it took."""

    pid: int
    name: str
    share: float

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid}, {human_share(self.share)} of a CPU)"


@dataclass(frozen=True, slots=True)
class Others:
    """The work of others between two looks.

    Attributes:
        share: CPUs' time that processes other than this command and its own had: 1.5 is one CPU
            and a half.
        steal: the largest share of a CPU that the hypervisor took.
        busiest: those that took most of it; none where they are not visible, or have ended.
    """

    share: float
    steal: float
    busiest: tuple[Busy, ...]

    @property
    def names(self) -> str:
        """Name the busiest ones; "" where none can be named."""
        return " and ".join(map(str, self.busiest))


def look(root: Path = ROOT) -> Look:
    """Look at all processes: some milliseconds on a machine with hundreds."""
    found = {}
    for entry in (root / "proc").glob("[0-9]*"):
        if (one := _process(text_of(entry / "stat"))) is not None:
            found[int(entry.name)] = one
    return Look(time.monotonic(), ticks(root), found)


def _process(stat: str) -> _Process | None:
    """Parse proc_pid_stat(5); None for a process that has ended meanwhile."""
    before, _, rest = stat.rpartition(")")
    fields = rest.split()
    if len(fields) < 20:
        return None
    name = one_line(before.partition("(")[2], _LONGEST_NAME)
    own, children = (int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14]))
    return _Process(name, int(fields[1]), fields[19], own * _TICK, children * _TICK)


def between(before: Look, after: Look, cpus: Collection[int], own: int = 0) -> Others:
    """Compare two looks.

    Args:
        before: the first one.
        after: the second one.
        cpus: those that count.
        own: the process whose descendants do not count, as itself; 0: this one.
    """
    passed = max(after.at - before.at, _TICK)
    ours = _descendants(after.processes, own or os.getpid())
    used = {pid: _used(pid, before, after) for pid in after.processes}
    theirs = {
        pid: seconds
        for pid, seconds in used.items()
        if pid not in ours and not _is_kernels(pid, after.processes[pid]) and seconds > 0
    }
    known = sum(used.values()) - sum(theirs.values()) + _ended(before, after, ours)
    busy = sum(
        after.ticks[cpu].since(before.ticks[cpu]).tasks * _TICK
        for cpu in cpus
        if cpu in before.ticks and cpu in after.ticks
    )
    top = sorted(theirs, key=lambda pid: theirs[pid], reverse=True)[:NAMED]
    least = (
        max(theirs.values(), default=0.0) / 4
    )  # a process beside a much busier one explains little
    return Others(
        share=max(0.0, busy - known - 2 * _TICK) / passed,  # each reading may be a tick off
        steal=max(stolen(before.ticks, after.ticks, cpus).values(), default=0.0),
        busiest=tuple(
            Busy(pid, after.processes[pid].name, theirs[pid] / passed)
            for pid in top
            if theirs[pid] >= max(least, 2 * _TICK)
        ),
    )


def _used(pid: int, before: Look, after: Look) -> float:
    now, then = after.processes[pid], before.processes.get(pid)
    known = then is not None and then.started == now.started
    return now.time - (then.time if known and then is not None else 0.0)


def _ended(before: Look, after: Look, ours: Collection[int]) -> float:
    """Return the time of processes that ours have waited for since; they had some of it before."""
    waited = sum(
        after.processes[pid].children
        - (before.processes[pid].children if pid in before.processes else 0.0)
        for pid in ours
    )
    gone = before.processes.keys() - after.processes.keys()
    earlier = sum(
        before.processes[pid].time for pid in gone if before.processes[pid].parent in ours
    )
    return max(0.0, waited - earlier)


def _is_kernels(pid: int, process: _Process) -> bool:
    return _KTHREADD in (pid, process.parent)


def _descendants(processes: Mapping[int, _Process], root: int) -> set[int]:
    found = {root}
    while more := {pid for pid, one in processes.items() if one.parent in found} - found:
        found |= more
    return found & processes.keys()
