"""Distance of a run's CPUs: the time of a cache line from one to the other and back.

The host of a virtual machine moves its CPUs between cores that share a cache and cores that share
none, and all times on two CPUs move with them. So each run has a distance of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.loops import native_loops


def distance(cpus: Sequence[Sequence[int]]) -> float | None:
    """Measure from this process's CPU to that of the first process with another one.

    Takes about a millisecond.

    Args:
        cpus: for each process, the CPUs that it is pinned to; process 0 is this one.

    Returns:
        Seconds; None where the processes share a CPU, are pinned to none, or nothing is compiled.
    """
    own, *others = cpus
    other = next((each[0] for each in others if len(each) == 1 and each != own), None)
    if len(own) != 1 or other is None or native_loops.compiled is None:
        return None
    return native_loops.distance(other) or None
