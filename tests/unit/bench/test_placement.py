"""bench.plan.placement: on any machine, processes get CPUs as their placement says."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.machine.topology import Cpu, topology
from ipcbench.bench.plan.placement import Impossible, Site, place
from ipcbench.bench.results.axes import (
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    CROSS_NODE,
    PLACEMENTS,
    SAME_CORE,
    SMT,
    UNPINNED,
)

PROCESSES = st.integers(2, 64)


def machine(packages: int, cores: int, threads: int, allowed: set[int]) -> list[Cpu]:
    """CPUs as Linux numbers them: all first threads, then all second ones.

    A package has a cache and a node of its own.
    """
    count = packages * cores
    every = range(count * threads)
    return [
        Cpu(
            number,
            core=tuple(cpu for cpu in every if cpu % count == number % count),
            shares_cache_with=tuple(
                cpu for cpu in every if cpu % count // cores == number % count // cores
            ),
            node=number % count // cores,
        )
        for number in every
        if number in allowed
    ]


@st.composite
def machines(draw: st.DrawFn) -> list[Cpu]:
    packages, cores, threads = (draw(st.integers(1, most)) for most in (3, 4, 2))
    every = range(packages * cores * threads)
    allowed = draw(st.sets(st.sampled_from(every), min_size=1))
    return machine(packages, cores, threads, allowed)


def cores_of(cpus: list[Cpu]) -> int:
    """Physical cores in the largest group that shares a cache."""
    groups: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for cpu in cpus:
        groups.setdefault(cpu.shares_cache_with, set()).add(cpu.core)
    return max(map(len, groups.values()))


@given(cpus=machines(), processes=PROCESSES, placement=st.sampled_from(PLACEMENTS))
def test_every_process_gets_cpus_that_it_may_use(
    cpus: list[Cpu], processes: int, placement: str
) -> None:
    found = place(placement, processes, Site(cpus, ""))
    if isinstance(found, Impossible):
        assert placement not in (SAME_CORE, UNPINNED)
        assert found.reason
        assert found.remedy
        return
    assert len(found) == processes
    allowed = {cpu.number for cpu in cpus}
    for own in found:
        assert own
        assert set(own) <= allowed
        assert len(set(own)) == len(own)
    assert place(placement, processes, Site(cpus, "")) == found


@given(cpus=machines(), processes=PROCESSES)
def test_the_same_core_is_one_cpu(cpus: list[Cpu], processes: int) -> None:
    found = place(SAME_CORE, processes, Site(cpus, "not here"))
    assert found == [[max(cpu.number for cpu in cpus)]] * processes


@given(cpus=machines(), processes=PROCESSES)
def test_unpinned_is_everywhere(cpus: list[Cpu], processes: int) -> None:
    found = place(UNPINNED, processes, Site(cpus, "not here"))
    assert found == [[cpu.number for cpu in cpus]] * processes


@given(
    cpus=machines(), processes=PROCESSES, placement=st.sampled_from([CROSS_CORE, CROSS_CORE_AWAKE])
)
def test_across_cores_is_one_cache_and_never_a_sibling(
    cpus: list[Cpu], processes: int, placement: str
) -> None:
    cores = cores_of(cpus)
    found = place(placement, processes, Site(cpus, ""))
    assert isinstance(found, Impossible) is (cores < 2)
    if isinstance(found, Impossible):
        return
    known = {cpu.number: cpu for cpu in cpus}
    assert all(len(own) == 1 for own in found)
    used = [known[own[0]] for own in found]
    assert len({cpu.shares_cache_with for cpu in used}) == 1
    assert len({cpu.core for cpu in used}) == len({cpu.number for cpu in used})
    shares = Counter(cpu.number for cpu in used)
    assert len(shares) == min(cores, processes)  # no core idles while two share another
    if cores > 2:
        assert shares[used[0].number] == 1  # the one that the others serve
    others = [count for number, count in shares.items() if cores < 3 or number != used[0].number]
    assert max(others) - min(others) <= 1


@given(cpus=machines(), processes=PROCESSES)
def test_threads_are_those_of_one_core(cpus: list[Cpu], processes: int) -> None:
    threads = Counter(cpu.core for cpu in cpus)
    found = place(SMT, processes, Site(cpus, "no"))
    assert isinstance(found, Impossible) is (max(threads.values()) < 2)
    if isinstance(found, Impossible):
        return
    known = {cpu.number: cpu for cpu in cpus}
    assert all(len(own) == 1 for own in found)
    assert len({known[own[0]].core for own in found}) == 1
    shares = Counter(own[0] for own in found)
    assert len(shares) == 2
    assert max(shares.values()) - min(shares.values()) <= 1


@given(cpus=machines(), processes=PROCESSES)
def test_neighbours_across_nodes_are_on_two_of_them(cpus: list[Cpu], processes: int) -> None:
    nodes = {cpu.node for cpu in cpus}
    found = place(CROSS_NODE, processes, Site(cpus, "no"))
    assert isinstance(found, Impossible) is (len(nodes) < 2)
    if isinstance(found, Impossible):
        return
    known = {cpu.number: cpu for cpu in cpus}
    assert all(len(own) == 1 for own in found)
    used = [known[own[0]] for own in found]
    assert len({cpu.node for cpu in used}) == 2
    for one, other in pairwise(used):
        assert one.node != other.node
    assert len({cpu.core for cpu in used}) == len({cpu.number for cpu in used})
    for node in {cpu.node for cpu in used}:  # no core of a node idles while two share another
        theirs = [cpu for cpu in used if cpu.node == node]
        cores = {cpu.core for cpu in cpus if cpu.node == node}
        assert len({cpu.core for cpu in theirs}) == min(len(cores), len(theirs))


@given(cpus=machines(), processes=PROCESSES)
def test_awake_is_impossible_where_idle_states_may_not_be_forbidden(
    cpus: list[Cpu], processes: int
) -> None:
    found = place(
        CROSS_CORE_AWAKE, processes, Site(cpus, "/dev/cpu_dma_latency: Permission denied")
    )
    assert isinstance(found, Impossible)
    if cores_of(cpus) > 1:
        assert "Permission denied" in found.reason
    assert place(CROSS_CORE, processes, Site(cpus, "")) == place(
        CROSS_CORE, processes, Site(cpus, "no")
    )


@pytest.mark.parametrize(
    ("allowed", "why"),
    [({0}, "one CPU"), ({1, 5}, "siblings of one core"), ({0, 2}, "two caches")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_core_is_not_two(allowed: set[int], why: str) -> None:
    found = place(CROSS_CORE, 2, Site(machine(2, 2, 2, allowed), ""))
    assert isinstance(found, Impossible)
    assert "taskset" in found.remedy


@pytest.mark.parametrize(
    ("processes", "numbers"),
    [(2, [3, 2]), (4, [3, 2, 1, 0]), (5, [3, 2, 1, 0, 2]), (8, [3, 2, 1, 0, 2, 1, 0, 2])],
)
def test_processes_are_dealt_out_in_turn(processes: int, numbers: list[int]) -> None:
    found = place(CROSS_CORE, processes, Site(machine(1, 4, 2, set(range(8))), ""))
    assert found == [[number] for number in numbers]


def test_the_last_core_with_most_threads_is_taken() -> None:
    cpus = machine(1, 4, 2, {0, 1, 2, 4, 5})  # of the third core, one thread
    assert place(SMT, 3, Site(cpus, "")) == [[5], [1], [5]]


def test_the_nodes_with_most_cores_are_taken() -> None:
    cpus = machine(3, 3, 1, {0, 3, 4, 6, 7, 8})
    assert place(CROSS_NODE, 5, Site(cpus, "")) == [[8], [4], [7], [3], [6]]


@pytest.mark.parametrize(
    ("placement", "allowed", "reason"),
    [
        (SMT, {0, 1, 2, 3}, "no core has two threads that may be used"),
        (CROSS_NODE, {0, 1, 4, 5}, "only one NUMA node has cores that may be used"),
    ],
)
def test_a_machine_without_threads_or_nodes_says_so(
    placement: str, allowed: set[int], reason: str
) -> None:
    found = place(placement, 2, Site(machine(2, 2, 2, allowed), ""))
    assert isinstance(found, Impossible)
    assert found.reason == reason
    assert "taskset" in found.remedy


def test_two_cores_are_shared_equally() -> None:
    found = place(CROSS_CORE, 4, Site(machine(1, 2, 1, {0, 1}), ""))
    assert found == [[1], [0], [1], [0]]


def test_the_larger_group_is_taken() -> None:
    cpus = machine(2, 4, 1, {0, 1, 4, 5, 6})
    found = place(CROSS_CORE, 3, Site(cpus, ""))
    assert found == [[6], [5], [4]]


def test_a_placement_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="there are same-core, smt, cross-core"):
        place("same-socket", 2, Site(machine(1, 2, 1, {0, 1}), ""))


def test_this_machine_has_a_place() -> None:
    cpus = topology()
    for placement in PLACEMENTS:
        found = place(placement, 3, Site(cpus, ""))
        if not isinstance(found, Impossible):
            assert {cpu for own in found for cpu in own} <= {cpu.number for cpu in cpus}
