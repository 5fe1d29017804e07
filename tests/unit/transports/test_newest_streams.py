"""Newest values over byte streams: the rest of a value that a stream took only in part."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.latest.ends import stream_publisher, stream_reader

SIZE = 1 << 20  # sixteen pipes full: pipe(7)
PAGE = 4096


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe2(os.O_NONBLOCK)
    yield ends
    for fd in ends:
        os.close(fd)


def test_a_part_of_a_rest_is_written_without_a_copy_of_the_others(pipe: tuple[int, int]) -> None:
    """Otherwise a publisher spends its time on copies: as many as a slow reader makes room for."""
    reading, writing = pipe
    publish = stream_publisher([writing], SIZE)
    first, second = bytes([1]) * SIZE, bytes([2]) * SIZE
    publish(first)
    arrived = b""
    tracemalloc.start()
    try:
        for _ in range(8):
            arrived += os.read(reading, PAGE)
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            publish(second)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < 16 * PAGE, "the rest was copied"
    finally:
        tracemalloc.stop()
    assert arrived == first[: 8 * PAGE]


def test_a_rest_arrives_before_any_other_value(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    publish = stream_publisher([writing], SIZE)
    read_into = stream_reader(reading, Spec(SIZE, Topology.NEWEST))
    buffer = memoryview(bytearray(SIZE))
    publish(bytes([1]) * SIZE)
    for number in range(2, 40):
        publish(bytes([number]) * SIZE)
        if read_into(buffer):
            break
    assert set(buffer) == {1}
