"""Words that different processes write are on different pairs of cache lines.

x86 fetches lines in pairs of 128 bytes (Intel's optimisation manual, "spatial prefetcher"), so
a neighbour's write would take the line from the process that waits for its own word.
"""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.native import built, header, operations
from ipcbench.transports.shm.counted_layout import CountedLayout
from ipcbench.transports.shm.counted_ring import lane_size
from ipcbench.transports.shm.layout import LINE_PAIR, RingLayout, Seats
from ipcbench.transports.sync.waiter import WORD_BYTES

needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))

SIZES = (0, 1, 8, 56, 57, 64, 65, 128, 200, 256, 257, 4096, 4097)
DEPTHS = (1, 2, 3, 8, 9, 64)
TOPOLOGIES = (Topology.LINK, Topology.HUB, Topology.FAN_IN)


def seats() -> list[Seats]:
    return [
        Seats.of(Spec(size, topology, parties), depth)
        for size in SIZES
        for depth in DEPTHS
        for topology in TOPOLOGIES
        for parties in ((2,) if topology is Topology.LINK else (2, 3, 4))
    ]


def pairs(start: int, size: int) -> set[int]:
    """Return the numbers of the pairs of lines that hold these bytes."""
    return set(range(start // LINE_PAIR, (start + max(size, 1) - 1) // LINE_PAIR + 1))


def check_apart(parts: list[set[int]]) -> None:
    for one, other in combinations(parts, 2):
        assert not one & other


def test_both_languages_mean_the_same_pairs() -> None:
    (pair,) = re.findall(r"LINE_PAIR (\d+)", (header() / "futex.h").read_text())
    assert int(pair) == LINE_PAIR == WORD_BYTES


def test_each_lane_of_counted_rings_has_its_own() -> None:
    for one in seats():
        layout, size = CountedLayout(one), lane_size(one.spec.size, one.depth)
        check_apart([pairs(layout.start(lane), size) for lane in range(one.lanes)])
        assert layout.size == layout.start(one.lanes)


def test_each_doorbell_and_each_part_of_a_lane_has_its_own() -> None:
    for one in seats():
        layout = RingLayout(one)
        parts = [pairs(layout.doorbell(process), 4) for process in range(one.spec.parties)]
        for lane in range(one.lanes):
            start, end = layout.start(lane), layout.start(lane + 1)
            # The count of the consumer; the slots.
            parts += [pairs(start, 8), pairs(start + LINE_PAIR, end - start - LINE_PAIR)]
        check_apart(parts)
        assert layout.size == layout.start(one.lanes)


@needs_native
def test_both_languages_mean_the_same_lanes() -> None:
    for one in seats():
        layout = RingLayout(one)
        size = operations.lane_bytes(one.spec.size, one.depth)
        assert layout.start(1) - layout.start(0) == size
