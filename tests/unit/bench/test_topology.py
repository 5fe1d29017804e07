"""bench.machine.topology: cores, caches and kinds of core, of machines as /sys shows them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.machine import host
from ipcbench.bench.machine import topology as module
from ipcbench.bench.machine.topology import (
    Cpu,
    Kind,
    cpu_list,
    kinds_of,
    last_cache,
    of_one_kind,
    topology,
)
from ipcbench.bench.plan.placement import Impossible, Site, place
from ipcbench.bench.results.axes import CROSS_CORE, CROSS_NODE, SAME_CORE, SMT, UNPINNED


class Devices:
    """A tree like /sys/devices, of a machine whose CPUs are all allowed."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(module, "DEVICES", root)
        monkeypatch.setattr(host, "DEVICES", root)

    def write(self, path: str, value: object) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")

    def allow(self, cpus: Collection[int]) -> None:
        self._monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(cpus))

    def cpus(
        self,
        cores: Collection[Collection[int]],
        *,
        caches: Collection[Collection[int]] = (),
        capacity: Mapping[int, int] | None = None,
    ) -> None:
        """Write the CPUs of each core, those of each L3 cache, and their capacities."""
        every = [cpu for core in cores for cpu in core]
        for number, core in enumerate(cores):
            for cpu in core:
                folder = f"system/cpu/cpu{cpu}/topology"
                self.write(f"{folder}/thread_siblings_list", ",".join(map(str, sorted(core))))
                self.write(f"{folder}/core_id", number)
        for cache in caches:
            for cpu in cache:
                shared = ",".join(map(str, sorted(cache)))
                self.write(f"system/cpu/cpu{cpu}/cache/index3/shared_cpu_list", shared)
        for cpu, speed in (capacity or {}).items():
            self.write(f"system/cpu/cpu{cpu}/cpu_capacity", speed)
        self.write("system/cpu/present", f"0-{max(every)}")
        self.allow(every)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Devices:
    return Devices(tmp_path, monkeypatch)


def alder_lake(devices: Devices) -> None:
    """Core i9-12900K: 8 cores with two threads, 8 with one, a common L3; no capacities."""
    performance = [(2 * core, 2 * core + 1) for core in range(8)]
    devices.cpus([*performance, *((cpu,) for cpu in range(16, 24))], caches=[range(24)])
    devices.write("cpu_core/cpus", "0-15")
    devices.write("cpu_atom/cpus", "16-23")


def lunar_lake(devices: Devices) -> None:
    """Core Ultra 258V: 4 and 4 cores without SMT, with capacities; an L3 for the first alone."""
    fast = {0: 1024, 1: 1009, 2: 1009, 3: 1024}
    slow = dict.fromkeys(range(4, 8), 689)
    devices.cpus([(cpu,) for cpu in range(8)], caches=[range(4)], capacity=fast | slow)
    devices.write("cpu_core/cpus", "0-3")
    devices.write("cpu_atom/cpus", "4-7")


def arrow_lake(devices: Devices) -> None:
    """Core Ultra 255H: 6 performance, 8 efficiency and 2 low-power cores."""
    devices.cpus([(cpu,) for cpu in range(16)], caches=[range(14)])
    devices.write("cpu_core/cpus", "0-5")
    devices.write("cpu_atom/cpus", "6-13")
    devices.write("cpu_lowpower/cpus", "14-15")


def pentium_8505(devices: Devices) -> None:
    """Pentium 8505: one core with two threads, and four with one."""
    devices.cpus([(0, 1), *((cpu,) for cpu in range(2, 6))], caches=[range(6)])
    devices.write("cpu_core/cpus", "0-1")
    devices.write("cpu_atom/cpus", "2-5")


def big_little(devices: Devices) -> None:
    """RK3588: four Cortex-A55 first, four Cortex-A76 behind; no L3 in /sys."""
    capacity = dict.fromkeys(range(4), 530) | dict.fromkeys(range(4, 8), 1024)
    devices.cpus([(cpu,) for cpu in range(8)], capacity=capacity)


def prime(devices: Devices) -> None:
    """Snapdragon 888: four slow cores, three fast ones, and one that is faster."""
    capacity = dict.fromkeys(range(4), 250) | dict.fromkeys(range(4, 7), 871) | {7: 1024}
    devices.cpus([(cpu,) for cpu in range(8)], caches=[range(8)], capacity=capacity)


def strix_point(devices: Devices) -> None:
    """Ryzen AI 9 HX 370: 4 Zen 5 and 8 Zen 5c, each with an L3 and two threads."""
    devices.cpus(
        [(core, core + 12) for core in range(12)],
        caches=[(*range(4), *range(12, 16)), (*range(4, 12), *range(16, 24))],
        capacity=dict.fromkeys(range(24), 1024),
    )
    for cpu in range(24):
        rate = 5157895 if cpu % 12 < 4 else 3306000
        devices.write(f"system/cpu/cpu{cpu}/cpufreq/cpuinfo_max_freq", rate)


def two_sockets(devices: Devices) -> None:
    """A server: two sockets of four cores with two threads, every CPU of capacity 1024."""
    devices.cpus(
        [(core, core + 8) for core in range(8)],
        caches=[(*range(4), *range(8, 12)), (*range(4, 8), *range(12, 16))],
        capacity=dict.fromkeys(range(16), 1024),
    )
    devices.write("system/node/has_cpu", "0-1")
    devices.write("system/node/node0/cpulist", "0-3,8-11")
    devices.write("system/node/node1/cpulist", "4-7,12-15")


def bare_vm(devices: Devices) -> None:
    """A virtual machine that shows nothing but its CPUs."""
    devices.allow(range(4))


def pinned(placement: str, processes: int = 2) -> list[int]:
    found = place(placement, processes, Site(topology(), ""))
    assert not isinstance(found, Impossible)
    return [cpu for own in found for cpu in own]


# The kinds of real machines: the fastest one comes first, and no placement mixes them.

P, E = "performance cores", "efficiency cores"


@pytest.mark.parametrize(
    ("machine", "kinds", "same", "across"),
    [
        (alder_lake, {P: range(16), E: range(16, 24)}, 15, [14, 12, 10]),
        (lunar_lake, {P: range(4), E: range(4, 8)}, 3, [3, 2, 1]),
        (
            arrow_lake,
            {P: range(6), E: range(6, 14), "low-power cores": range(14, 16)},
            5,
            [5, 4, 3],
        ),
        (pentium_8505, {P: range(2), E: range(2, 6)}, 5, [5, 4, 3]),
        (
            big_little,
            {"cores of capacity 1024": range(4, 8), "cores of capacity 530": range(4)},
            7,
            [7, 6, 5],
        ),
        (
            prime,
            {
                "cores of capacity 1024": [7],
                "cores of capacity 871": range(4, 7),
                "cores of capacity 250": range(4),
            },
            6,
            [6, 5, 4],
        ),
        (
            strix_point,
            {
                "cores of 5157 MHz": [*range(4), *range(12, 16)],
                "cores of 3306 MHz": [*range(4, 12), *range(16, 24)],
            },
            15,
            [3, 2, 1],
        ),
        (two_sockets, {"": range(16)}, 15, [3, 2, 1]),
        (bare_vm, {"": range(4)}, 3, [3, 2, 1]),
    ],
)
def test_pinned_processes_use_the_fastest_kind_that_has_two_cores(
    devices: Devices,
    machine: object,
    kinds: Mapping[str, Collection[int]],
    same: int,
    across: list[int],
) -> None:
    assert callable(machine)
    machine(devices)
    found = kinds_of(topology())
    assert [kind.rank for kind in found] == list(range(len(kinds)))
    shown = {kind.name: [cpu.number for cpu in group] for kind, group in found.items()}
    assert list(shown.items()) == [(name, list(cpus)) for name, cpus in kinds.items()]
    assert pinned(SAME_CORE) == [same, same]
    assert pinned(CROSS_CORE, 3) == across


@pytest.mark.parametrize(
    "machine", [alder_lake, lunar_lake, arrow_lake, pentium_8505, big_little, prime, strix_point]
)
@pytest.mark.parametrize("processes", [2, 3, 8, 40])
def test_kinds_are_never_mixed(devices: Devices, machine: object, processes: int) -> None:
    assert callable(machine)
    machine(devices)
    kind = {cpu.number: cpu.kind for cpu in topology()}
    for placement in (SAME_CORE, CROSS_CORE):
        assert len({kind[cpu] for cpu in pinned(placement, processes)}) == 1
    assert pinned(UNPINNED, 1) == sorted(kind)


def test_a_sweep_that_may_use_slow_cores_alone_names_them(devices: Devices) -> None:
    alder_lake(devices)
    devices.allow([17, 18, 19])
    assert {cpu.kind for cpu in topology()} == {Kind(1, E)}
    assert pinned(CROSS_CORE) == [19, 18]
    (kind,) = host.machine().cores
    assert (kind.name, kind.cpus, kind.used) == (E, [17, 18, 19], True)


def test_the_machine_names_the_kind_that_is_used(devices: Devices) -> None:
    prime(devices)
    found = host.machine()
    assert [(kind.capacity, kind.cpus, kind.used) for kind in found.cores] == [
        (1024, [7], False),
        (871, [4, 5, 6], True),
        (250, [0, 1, 2, 3], False),
    ]
    assert found.cores_used == "cores of capacity 871"
    assert "cores of capacity 871" in found.identity


def test_a_machine_of_one_kind_names_none(devices: Devices) -> None:
    two_sockets(devices)
    assert host.machine().cores == []
    assert host.machine().cores_used == ""


def test_a_core_of_each_kind_is_no_two_cores(devices: Devices) -> None:
    alder_lake(devices)
    devices.allow([0, 1, 16])
    found = place(CROSS_CORE, 2, Site(topology(), ""))
    assert isinstance(found, Impossible)
    assert "only one physical core of its kind" in found.reason
    assert pinned(SAME_CORE) == [1, 1]


def test_preferred_cores_are_no_kind_of_their_own(devices: Devices) -> None:
    """Of eight equal cores, two may be clocked a little higher."""
    for cpu in range(8):
        rate = 4500000 if cpu < 2 else 4300000
        devices.write(f"system/cpu/cpu{cpu}/cpufreq/cpuinfo_max_freq", rate)
    speeds = {0: 1024, 1: 1024} | dict.fromkeys(range(2, 8), 990)
    devices.cpus([(cpu,) for cpu in range(8)], caches=[range(8)], capacity=speeds)
    assert len(kinds_of(topology())) == 1
    assert pinned(SAME_CORE) == [7, 7]


def test_files_without_sense_are_no_kinds(devices: Devices) -> None:
    devices.cpus([(0,), (1,)], caches=[range(2)])
    devices.write("system/cpu/cpu0/cpu_capacity", "fast")
    devices.write("cpu_core/cpus", "")
    assert {cpu.kind for cpu in topology()} == {Kind()}


def test_no_cpu_has_no_kind() -> None:
    assert of_one_kind([]) == []


# Lists, cores and caches.


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("", []),
        ("0", [0]),
        ("0-2,5", [0, 1, 2, 5]),
        ("0,4", [0, 4]),
        ("0-1,8-9", [0, 1, 8, 9]),
        ("63", [63]),
        ("0-0", [0]),
        ("3,", [3]),
    ],
)
def test_a_list_of_cpus(text: str, cpus: list[int]) -> None:
    assert cpu_list(text) == cpus


@given(cpus=st.sets(st.integers(0, 1000)))
def test_a_list_of_cpus_is_read_as_it_was_written(cpus: set[int]) -> None:
    ordered = sorted(cpus)
    assert cpu_list(",".join(map(str, ordered))) == ordered
    starts = [cpu for cpu in ordered if cpu - 1 not in cpus]
    ends = [cpu for cpu in ordered if cpu + 1 not in cpus]
    spans = [f"{a}-{b}" if a < b else f"{a}" for a, b in zip(starts, ends, strict=True)]
    assert cpu_list(",".join(spans)) == ordered


def test_the_topology_is_of_the_cpus_that_may_be_used() -> None:
    cpus = topology()
    assert [cpu.number for cpu in cpus] == sorted(os.sched_getaffinity(0))
    assert all(cpu.number in cpu.core for cpu in cpus)
    assert all(cpu.number in cpu.shares_cache_with for cpu in cpus)


def test_fewer_cpus_may_be_used_than_there_are(devices: Devices) -> None:
    devices.cpus([(1, 5)], caches=[range(8)])
    shared = tuple(range(8))
    assert topology() == [Cpu(1, (1, 5), shared), Cpu(5, (1, 5), shared)]


def test_threads_and_nodes_of_a_server(devices: Devices) -> None:
    two_sockets(devices)
    assert [cpu.node for cpu in topology()] == [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4
    assert pinned(SMT, 3) == [15, 7, 15]
    assert pinned(CROSS_NODE, 4) == [3, 7, 2, 6]


def test_threads_are_those_of_the_kind_in_use(devices: Devices) -> None:
    """Of a hybrid CPU, cores with one thread are in use where only they are two."""
    pentium_8505(devices)
    found = place(SMT, 2, Site(topology(), ""))
    assert isinstance(found, Impossible)
    assert found.reason == "no core of its kind has two threads that may be used"


def test_a_node_without_cpus_is_no_node(devices: Devices) -> None:
    """Memory of CXL, and of some devices, is a node of its own."""
    devices.cpus([(cpu,) for cpu in range(4)], caches=[range(4)])
    devices.write("system/node/has_cpu", "0")
    devices.write("system/node/online", "0-1")
    devices.write("system/node/node0/cpulist", "0-3")
    devices.write("system/node/node1/cpulist", "")
    assert isinstance(place(CROSS_NODE, 2, Site(topology(), "")), Impossible)


def test_hidden_cpus_are_cores_that_share_a_cache(devices: Devices) -> None:
    devices.allow({2, 0})
    assert topology() == [Cpu(0, (0,), (0, 2)), Cpu(2, (2,), (0, 2))]


def test_the_last_cache_is_the_largest_one(devices: Devices) -> None:
    devices.allow({0, 1})
    assert last_cache() == 0
    for cpu, sizes in enumerate((("32K", "1024K", "32768K"), ("48K", "2M", "16M"))):
        for index, size in enumerate(sizes):
            devices.write(f"system/cpu/cpu{cpu}/cache/index{index}/size", size)
    assert last_cache() == 32 << 20
    devices.allow({1})
    assert last_cache() == 16 << 20
    devices.write("system/cpu/cpu1/cache/index2/size", "many")
    assert last_cache() == 2 << 20
