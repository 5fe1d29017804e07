"""Topology: the CPUs that may be used, their cores, caches and kinds, as /sys shows them.

A hybrid machine has cores of several kinds. Three files tell them apart. The first one in
which CPUs differ decides:

- On Intel the CPUs of each kind's counters, `cpu_core/cpus` and `cpu_atom/cpus`
  (arch/x86/events/intel/core.c). With SMT, Intel's driver gives no capacities, and without it
  the preferred cores have a slightly higher one (drivers/cpufreq/intel_pstate.c).
- `cpu_capacity`, the speed of a CPU relative to the fastest one, 1024
  (Documentation/ABI/testing/sysfs-devices-system-cpu).
- `cpufreq/cpuinfo_max_freq`, the highest clock rate: AMD's dense cores have a lower one and no
  capacity of their own.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.machine.text import text_of
from ipcbench.bench.results.units import parse_size

DEVICES = Path("/sys/devices")
INTEL = {  # the counters of a kind -> its name, the fastest first
    "cpu_core": "performance cores",
    "cpu_atom": "efficiency cores",
    "cpu_lowpower": "low-power cores",
}
ALIKE = 0.95  # of the highest capacity of a kind: preferred cores differ by less
ALIKE_RATE = 0.9  # of the highest clock rate of a kind, likewise


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind of core. `rank` 0: the fastest; `name` "": the machine shows one kind alone."""

    rank: int = 0
    name: str = ""
    capacity: int = 0  # 0: not shown


@dataclass(frozen=True, slots=True)
class Cpu:
    """A CPU that may be used; two with the same `core` are threads of one physical core."""

    number: int
    core: tuple[int, ...]
    shares_cache_with: tuple[int, ...]
    kind: Kind = Kind()
    node: int = 0  # of the memory that is nearest to it; 0 as well where the kernel has no NUMA


def topology() -> list[Cpu]:
    """List the CPUs of sched_getaffinity(2); without topology in /sys, each is a core."""
    allowed = sorted(os.sched_getaffinity(0))
    kinds = _kinds({*allowed, *_present()})
    nodes = _nodes()
    found = []
    for number in allowed:
        folder = DEVICES / f"system/cpu/cpu{number}"
        siblings = cpu_list(text_of(folder / "topology/thread_siblings_list")) or [number]
        cache = cpu_list(text_of(folder / "cache/index3/shared_cpu_list")) or allowed
        kind, node = kinds.get(number, Kind()), nodes.get(number, 0)
        found.append(Cpu(number, tuple(siblings), tuple(cache), kind, node))
    return found


def last_cache() -> int:
    """Return the bytes of the largest last-level cache of the CPUs that may be used; 0: unknown."""
    return max(map(_last_cache, os.sched_getaffinity(0)))


def _last_cache(cpu: int) -> int:
    folder = DEVICES / f"system/cpu/cpu{cpu}/cache"
    return max((_size(text_of(index / "size")) for index in folder.glob("index*")), default=0)


def _size(written: str) -> int:
    try:
        return parse_size(written)
    except ValueError:
        return 0


def cpu_list(written: str) -> list[int]:
    """Parse the CPU lists of /sys: `0-2,5` -> [0, 1, 2, 5]."""
    cpus: list[int] = []
    for part in filter(None, written.split(",")):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def kinds_of(cpus: Iterable[Cpu]) -> dict[Kind, list[Cpu]]:
    """Group CPUs by the kind of their core, the fastest first."""
    found: dict[Kind, list[Cpu]] = {}
    for cpu in sorted(cpus, key=lambda one: (one.kind, one.number)):
        found.setdefault(cpu.kind, []).append(cpu)
    return found


def of_one_kind(cpus: Sequence[Cpu]) -> Sequence[Cpu]:
    """Return the CPUs of the kind of core that pinned processes use.

    Of several kinds it is the fastest that has two cores with a common last-level cache, so
    that `same-core` and `cross-core` differ in the placement alone; else the fastest.
    """
    kinds = list(kinds_of(cpus).values())
    return next((one for one in kinds if len(near_cores(one)) > 1), kinds[0] if kinds else [])


def near_cores(cpus: Iterable[Cpu]) -> list[int]:
    """Return a CPU of each physical core in the largest group with a common last-level cache."""
    groups: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for cpu in cpus:
        groups.setdefault(cpu.shares_cache_with, {}).setdefault(cpu.core, cpu.number)
    largest = max(groups.values(), key=len, default={})
    return sorted(largest.values(), reverse=True)


def threads_of_a_core(cpus: Iterable[Cpu]) -> list[int]:
    """Return the CPUs of a physical core that has most of them; of several, of the last one."""
    cores: dict[tuple[int, ...], list[int]] = {}
    for cpu in cpus:
        cores.setdefault(cpu.core, []).append(cpu.number)
    ordered = sorted(cores.values(), key=lambda own: (len(own), max(own)))
    return sorted(ordered[-1], reverse=True) if ordered else []


def cores_of_nodes(cpus: Iterable[Cpu]) -> list[list[int]]:
    """Return a CPU of each physical core of each NUMA node; the node of most cores is first."""
    nodes: dict[int, dict[tuple[int, ...], int]] = {}
    for cpu in cpus:
        nodes.setdefault(cpu.node, {}).setdefault(cpu.core, cpu.number)
    ordered = sorted(nodes.items(), key=lambda item: (-len(item[1]), item[0]))
    return [sorted(cores.values(), reverse=True) for _, cores in ordered]


def _present() -> set[int]:
    return set(cpu_list(text_of(DEVICES / "system/cpu/present")))


def _kinds(cpus: Collection[int]) -> Mapping[int, Kind]:
    """Find the kind of each CPU; none where all CPUs of the machine are of one kind.

    The CPUs that may not be used count as well: a sweep that is confined to the slow cores
    says so.
    """
    capacities = {cpu: _number(cpu, "cpu_capacity") for cpu in cpus}
    rates = {cpu: _number(cpu, "cpufreq/cpuinfo_max_freq") // 1000 for cpu in cpus}
    groups = next(
        (
            found
            for found in (
                _by_counters(cpus),
                _by_speed(capacities, ALIKE, "cores of capacity {}"),
                _by_speed(rates, ALIKE_RATE, "cores of {} MHz"),
            )
            if len(found) > 1
        ),
        {},
    )
    highest = {name: max(map(capacities.__getitem__, group)) for name, group in groups.items()}
    ranked = sorted(groups, key=lambda name: -highest[name])  # a stable sort: the fastest first
    return {
        cpu: Kind(rank, name, highest[name])
        for rank, name in enumerate(ranked)
        for cpu in groups[name]
    }


def _nodes() -> dict[int, int]:
    """Return the NUMA node of each CPU (Documentation/ABI/stable/sysfs-devices-node)."""
    folder = DEVICES / "system/node"
    numbers = cpu_list(text_of(folder / "has_cpu"))
    return {
        cpu: node for node in numbers for cpu in cpu_list(text_of(folder / f"node{node}/cpulist"))
    }


def _number(cpu: int, file: str) -> int:
    written = text_of(DEVICES / f"system/cpu/cpu{cpu}/{file}")
    return int(written) if written.isdecimal() else 0


def _by_counters(cpus: Collection[int]) -> dict[str, Sequence[int]]:
    found = {
        name: sorted(set(cpu_list(text_of(DEVICES / counters / "cpus"))).intersection(cpus))
        for counters, name in INTEL.items()
    }
    return {name: group for name, group in found.items() if group}


def _by_speed(speeds: Mapping[int, int], alike: float, name: str) -> dict[str, Sequence[int]]:
    """Group CPUs whose speed is at least `alike` of the highest of their group."""
    groups: dict[int, list[int]] = {}
    highest = 0
    for cpu in sorted(speeds, key=lambda one: (-speeds[one], one)):
        if not highest or speeds[cpu] < alike * highest:
            highest = speeds[cpu]
        groups.setdefault(highest, []).append(cpu)
    return {name.format(highest): sorted(group) for highest, group in groups.items()}
