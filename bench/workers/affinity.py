"""CPUs that the processes of a run may use, as the kernel has them.

They may differ from those asked for. For several CPUs, sched_setaffinity(2) takes the ones
that the cpuset allows, in silence; and a cpuset that changes, or a CPU that goes offline,
moves a pinned process: cpuset(7).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence


def cpus_of(pids: Iterable[int]) -> list[list[int]]:
    """Return the CPUs of each process, 0: this one; [] for one that has ended."""
    return [_of(pid) for pid in pids]


def _of(pid: int) -> list[int]:
    try:
        return sorted(os.sched_getaffinity(pid))
    except ProcessLookupError:
        return []


def moved(before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> str:
    """Say which process got other CPUs during a run; "" if none did."""
    for number, (then, now) in enumerate(zip(before, after, strict=True)):
        if list(then) != list(now):
            return (
                f"the CPUs of process {number} changed during the run: {_list(then)}, then "
                f"{_list(now)}"
            )
    return ""


def is_exclusive(cpus: Sequence[int], all_cpus: Sequence[Sequence[int]]) -> bool:
    """Return True if no other process uses these CPUs; `all_cpus` has those of all processes."""
    return sum(not set(cpus).isdisjoint(others) for others in all_cpus) <= 1


def _list(cpus: Sequence[int]) -> str:
    return ", ".join(map(str, cpus)) or "none"
