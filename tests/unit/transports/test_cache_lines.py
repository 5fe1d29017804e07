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
from ipcbench.transports.shm.counted_ring import LINE_PAIR, lane_size
from ipcbench.transports.shm.kinds import WAITERS
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync.waiter import WORD_BYTES

needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))

SIZES = (0, 1, 8, 56, 64, 65, 128, 200, 4096, 4097)
DEPTHS = (1, 2, 3, 8, 9, 64)
TOPOLOGIES = (Topology.LINK, Topology.HUB, Topology.FAN_IN)


def layouts(kind: str, *, native: bool) -> list[Layout]:
    return [
        Layout.of(Spec(size, topology, parties, native=native), WAITERS[kind], depth)
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


@pytest.mark.parametrize("kind", ["futex", "spin", "spin-block"])
def test_each_word_and_each_lane_of_python_has_its_own(kind: str) -> None:
    for layout in layouts(kind, native=False):
        memory = memoryview(bytearray(layout.size))
        words = [layout.word(memory, number) for number in range(len(layout.initials))]
        assert all(word is not None and len(word) == WORD_BYTES for word in words)
        size = lane_size(layout.spec.size, layout.depth)
        check_apart(
            [pairs(number * WORD_BYTES, WORD_BYTES) for number in range(len(words))]
            + [pairs(layout.start(lane), size) for lane in range(layout.lanes)]
        )


def test_each_lane_over_waiters_has_its_own() -> None:
    for layout in layouts("posix-sem", native=True):
        size = lane_size(layout.spec.size, layout.depth)
        check_apart([pairs(layout.start(lane), size) for lane in range(layout.lanes)])
        assert layout.size == layout.start(layout.lanes)


@needs_native
def test_each_word_and_each_lane_of_native_rings_has_its_own() -> None:
    for layout in layouts("spin", native=True):
        size = operations.word_lane_bytes(layout.spec.size, layout.depth)
        bells = {layout.doorbell(lane) for lane in range(layout.lanes)}
        parts = [pairs(bell, 4) for bell in bells]
        for lane in range(layout.lanes):
            start = layout.start(lane)
            # The count of the consumer; the producer's doorbell; the slots.
            parts += [pairs(start, 8), pairs(start + LINE_PAIR, 4)]
            parts.append(pairs(start + 2 * LINE_PAIR, size - 2 * LINE_PAIR))
        check_apart(parts)
