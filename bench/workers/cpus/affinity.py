"""CPUs that the processes of a run may use, as the kernel has them.

They may differ from those asked for. For several CPUs, sched_setaffinity(2) takes the ones
that the cpuset allows, in silence; and a cpuset that changes, or a CPU that goes offline,
moves a pinned process: cpuset(7).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress


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


@contextmanager
def spread(own: Sequence[int], all_cpus: Sequence[Sequence[int]]) -> Iterator[None]:
    """Let this process use the CPUs of all processes of its run, and return to its own.

    A process that it forks meanwhile starts on a free one of them at once. It would wait
    behind its parent otherwise, whose CPUs it has until it pins itself. Raises: OSError.
    """
    with suppress(OSError):  # one of them has gone: the process of that CPU will say so
        os.sched_setaffinity(0, {cpu for cpus in all_cpus for cpu in cpus})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _list(cpus: Sequence[int]) -> str:
    return ", ".join(map(str, cpus)) or "none"
