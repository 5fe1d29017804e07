"""Placements: the CPUs that the processes of a run are pinned to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.machine.host import Cpu
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, PLACEMENTS, SAME_CORE, UNPINNED, unknown


@dataclass(frozen=True, slots=True)
class Impossible:
    """A placement that this machine does not offer, with the reason and a remedy."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The CPUs of a machine. `idle`: "", or the reason why idle states cannot be forbidden."""

    cpus: Sequence[Cpu]
    idle: str


def place(placement: str, processes: int, site: Site) -> list[list[int]] | Impossible:
    """Return the CPUs that each process may use, the worker first.

    `same-core` puts all processes on the last CPU, since the first ones serve
    most interrupts. `cross-core` distributes them in turn over distinct
    physical cores that share their last-level cache.

    Raises: ValueError for an unknown placement.
    """
    if placement not in PLACEMENTS:
        raise ValueError(unknown("placement", placement, PLACEMENTS))
    everywhere = [cpu.number for cpu in site.cpus]
    if placement == UNPINNED:
        return [everywhere] * processes
    if placement == SAME_CORE:
        return [[everywhere[-1]]] * processes
    cores = _near_cores(site.cpus)
    if len(cores) < 2:
        return Impossible(
            "only one physical core with this last-level cache may be used",
            "allow more CPUs: taskset -c 0,1 …, or a machine with two cores",
        )
    if placement == CROSS_CORE_AWAKE and site.idle:
        return Impossible(
            f"idle states cannot be forbidden: {site.idle}", "run as root, outside a container"
        )
    return [[cores[number]] for number in _deal(processes, len(cores))]


def _deal(processes: int, cores: int) -> list[int]:
    """Distribute processes in turn; with three cores or more, the first has one of its own."""
    if cores < 3 or processes <= cores:
        return [number % cores for number in range(processes)]
    return [0, *(1 + number % (cores - 1) for number in range(processes - 1))]


def _near_cores(cpus: Sequence[Cpu]) -> list[int]:
    """Return a CPU of each physical core in the largest group with a common last-level cache."""
    groups: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for cpu in cpus:
        groups.setdefault(cpu.shares_cache_with, {}).setdefault(cpu.core, cpu.number)
    largest = max(groups.values(), key=len, default={})
    return sorted(largest.values(), reverse=True)
