"""Distances of CPUs: measured, and told apart."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops import native_loops
from ipcbench.bench.results.entries.distances import APART, distances
from ipcbench.bench.workers.cpus.distance import distance

NEAR = st.lists(st.floats(95e-9, 105e-9), min_size=10, max_size=60)
CPUS = sorted(os.sched_getaffinity(0))
native = pytest.mark.skipif(native_loops.compiled is None, reason="nothing is compiled here")
several = pytest.mark.skipif(len(CPUS) < 2, reason="one CPU may be used")
TRIES = 200  # of a measurement, which fails while another process has the other CPU


@given(NEAR)
def test_one_distance(found: list[float]) -> None:
    apart = distances([*found, None])
    assert apart is not None and apart.far is None and apart.share == 0
    assert min(found) <= apart.near <= max(found)
    assert not apart.is_far(1.0)


@given(NEAR, st.integers(1, 8))
def test_two_distances(found: list[float], far: int) -> None:
    apart = distances([*found, *[490e-9] * far])
    assert apart is not None and apart.far == 490e-9
    assert apart.share == far / (len(found) + far)
    assert [apart.is_far(one) for one in (max(found), 490e-9)] == [False, True]


def test_few_runs_that_were_held_up_are_no_second_distance() -> None:
    apart = distances([98e-9] * 99 + [2e-6])
    assert apart is not None and apart.far is None
    assert distances([None, 0.0]) is None


def test_distances_in_words() -> None:
    assert str(distances([98e-9])) == "98.0 ns"
    assert str(distances([98e-9] * 3 + [490e-9])) == "98.0 ns, and 490 ns in 25 % of the runs"
    assert distances([98e-9] * 3 + [98e-9 * APART]) == distances([98e-9])


@native
@several
def test_a_cache_line_takes_nanoseconds_to_another_cpu_and_back() -> None:
    os.sched_setaffinity(0, CPUS[:1])
    found = next(filter(None, (distance([CPUS[:1], CPUS[1:2]]) for _ in range(TRIES))), 0.0)
    assert 1e-9 < found < 1e-4
    assert os.sched_getaffinity(0) == {CPUS[0]}


@native
def test_a_cpu_that_cannot_be_used_has_no_distance() -> None:
    assert native_loops.distance(1 << 20) == 0
    assert native_loops.distance(-1) == 0


def test_processes_on_one_cpu_or_unpinned_have_none() -> None:
    assert distance([[0], [0]]) is None
    assert distance([[0, 1], [0, 1]]) is None
    assert distance([[0]]) is None
