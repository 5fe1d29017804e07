"""Placements: the CPUs that the processes of a run are pinned to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.machine.topology import (
    Cpu,
    cores_of_nodes,
    kinds_of,
    near_cores,
    of_one_kind,
    threads_of_a_core,
)
from ipcbench.bench.results.axes import (
    CROSS_CORE_AWAKE,
    CROSS_NODE,
    PLACEMENTS,
    SAME_CORE,
    SMT,
    UNPINNED,
    unknown,
)
from ipcbench.transports.contract import Limit


@dataclass(frozen=True, slots=True)
class Impossible:
    """A placement that this machine does not offer, with the reason and a remedy."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The CPUs of a machine, their last cache, and the memory that is free on it.

    `idle`: "", or the reason why idle states cannot be forbidden. `memory` None, or `cache` 0
    bytes: unknown.
    """

    cpus: Sequence[Cpu]
    idle: str
    memory: Limit | None = None
    cache: int = 0


def place(placement: str, processes: int, site: Site) -> list[list[int]] | Impossible:
    """Return the CPUs that each process may use, the worker first.

    `same-core` puts all processes on the last CPU, since the first ones serve
    most interrupts. `smt` distributes them in turn over the threads of one core,
    `cross-core` over distinct physical cores that share their last-level cache, and
    `cross-node` over cores of two NUMA nodes. All of them use one kind of core.

    Raises: ValueError for an unknown placement.
    """
    if placement not in PLACEMENTS:
        raise ValueError(unknown("placement", placement, PLACEMENTS))
    everywhere = [cpu.number for cpu in site.cpus]
    if placement == UNPINNED:
        return [everywhere] * processes
    if placement == SAME_CORE:
        return [[max(cpu.number for cpu in of_one_kind(site.cpus))]] * processes
    if placement == SMT:
        return _on_threads(processes, site)
    if placement == CROSS_NODE:
        return _on_nodes(processes, site)
    cores = near_cores(of_one_kind(site.cpus))
    if len(cores) < 2:
        return Impossible(
            f"only one physical core{_of_its_kind(site.cpus)} with this last-level cache may be "
            "used",
            "allow CPUs of two cores, which lscpu --extended shows: taskset -c, or --cpuset-cpus "
            "of a container",
        )
    if placement == CROSS_CORE_AWAKE and site.idle:
        return Impossible(
            f"idle states cannot be forbidden: {site.idle}", "run as root, outside a container"
        )
    return [[cores[number]] for number in _deal(processes, len(cores))]


def _on_threads(processes: int, site: Site) -> list[list[int]] | Impossible:
    threads = threads_of_a_core(of_one_kind(site.cpus))
    if len(threads) < 2:
        return Impossible(
            f"no core{_of_its_kind(site.cpus)} has two threads that may be used",
            "allow all threads of a core, which lscpu --extended shows: taskset -c, or "
            "--cpuset-cpus of a container; if each core has one, allow SMT in the firmware and "
            "remove the boot option nosmt",
        )
    return [[threads[number % len(threads)]] for number in range(processes)]


def _on_nodes(processes: int, site: Site) -> list[list[int]] | Impossible:
    nodes = cores_of_nodes(of_one_kind(site.cpus))
    if len(nodes) < 2:
        return Impossible(
            f"only one NUMA node has cores{_of_its_kind(site.cpus)} that may be used",
            "on a machine with two nodes, which lscpu shows, allow CPUs of both: taskset -c, or "
            "--cpuset-cpus of a container",
        )
    # Each node's processes are dealt out over its own cores.
    return [
        [nodes[number % 2][number // 2 % len(nodes[number % 2])]] for number in range(processes)
    ]


def describe_cpus(placed: Sequence[Sequence[int]], site: Site) -> str:
    """Say which CPUs the processes get: `2 processes on CPUs 1 and 0 (performance cores)`."""
    used = {cpu for own in placed for cpu in own}
    kinds = [kind.name for kind in kinds_of(cpu for cpu in site.cpus if cpu.number in used)]
    cores = f" ({', '.join(kinds)})" if kinds[0] else ""
    return f"{len(placed)} processes on {name_cpus(placed)}{cores}"


def name_cpus(placed: Sequence[Sequence[int]]) -> str:
    """Name the CPUs of a placement, the worker's first: `CPU 1`, `CPUs 1 and 0`."""
    numbers = list(dict.fromkeys(str(cpu) for own in placed for cpu in own))
    if len(numbers) == 1:
        return f"CPU {numbers[0]}"
    return f"CPUs {', '.join(numbers[:-1])} and {numbers[-1]}"


def _of_its_kind(cpus: Sequence[Cpu]) -> str:
    return " of its kind" if len(kinds_of(cpus)) > 1 else ""


def _deal(processes: int, cores: int) -> list[int]:
    """Distribute processes in turn; with three cores or more, the first has one of its own."""
    if cores < 3 or processes <= cores:
        return [number % cores for number in range(processes)]
    return [0, *(1 + number % (cores - 1) for number in range(processes - 1))]
