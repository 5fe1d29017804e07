"""Placements: which CPUs the processes of a run are pinned to. Pure, given the machine's CPUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.machine.host import Cpu
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, PLACEMENTS, SAME_CORE, UNPINNED, unknown


@dataclass(frozen=True, slots=True)
class Impossible:
    """This machine has no such placement, and what would give it one."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What a machine offers to placements. `idle`: "" or why idle states stay allowed."""

    cpus: Sequence[Cpu]
    idle: str


def place(placement: str, processes: int, site: Site) -> list[list[int]] | Impossible:
    """For each process, the worker first, the CPUs that it may use.

    `same-core` puts all on the last CPU: the first ones serve most
    interrupts. `cross-core` deals the processes out in turn over distinct
    physical cores that share their last cache. Raises: ValueError.
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
            "only one physical core with this last cache may be used",
            "allow more CPUs: taskset -c 0,1 …, or a machine with two cores",
        )
    if placement == CROSS_CORE_AWAKE and site.idle:
        return Impossible(
            f"idle states cannot be forbidden: {site.idle}", "run as root, outside a container"
        )
    return [[cores[number]] for number in _deal(processes, len(cores))]


def _deal(processes: int, cores: int) -> list[int]:
    """In turn; with enough cores the first process, which others serve, keeps its own alone."""
    if cores < 3 or processes <= cores:
        return [number % cores for number in range(processes)]
    return [0, *(1 + number % (cores - 1) for number in range(processes - 1))]


def _near_cores(cpus: Sequence[Cpu]) -> list[int]:
    """One CPU of each physical core, from the largest group that shares its last cache."""
    groups: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for cpu in cpus:
        groups.setdefault(cpu.shares_cache_with, {}).setdefault(cpu.core, cpu.number)
    largest = max(groups.values(), key=len, default={})
    return sorted(largest.values(), reverse=True)
