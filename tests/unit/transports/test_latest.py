"""Tests of the newest value: read whole during a write; TimedOut after a killed publisher."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from ipcbench.transports.contract import MessageTooLarge, Segment, TimedOut
from ipcbench.transports.shm.kinds import SEGMENTS
from ipcbench.transports.shm.latest import LatestValue
from ipcbench.transports.sync.futex import ORDERED

SIZE = 64 * 1024

pytestmark = pytest.mark.skipif(not ORDERED, reason="it needs a CPU that keeps the order of stores")


@pytest.fixture
def segment() -> Iterator[Segment]:
    made = SEGMENTS["memfd"].create(SIZE + 64, None)
    yield made
    made.close()


@pytest.fixture
def latest(segment: Segment) -> Iterator[LatestValue]:
    value = LatestValue(segment)
    yield value
    value.close()


def soon() -> float:
    return time.monotonic() + 5


def test_only_the_newest_value_is_read(latest: LatestValue) -> None:
    assert latest.read(soon()) == b""
    buffer = memoryview(bytearray(10))
    for value in (b"one", b"", b"another", b"x" * 10):
        latest.publish(b"older")
        latest.publish(value)
        assert latest.read(soon()) == latest.read(soon()) == value
        assert latest.read_into(buffer) == len(value)
        assert bytes(buffer[: len(value)]) == value


def test_too_large_a_value(latest: LatestValue) -> None:
    latest.publish(b"kept")
    with pytest.raises(MessageTooLarge):
        latest.publish(bytes(SIZE + 1))
    with pytest.raises(MessageTooLarge):
        latest.read_into(memoryview(bytearray(3)))
    assert latest.read(soon()) == b"kept"
    latest.publish(bytes(SIZE))
    assert len(latest.read(soon())) == SIZE


def test_never_torn(segment: Segment, latest: LatestValue) -> None:
    """A process publishes without pause: each read returns the bytes of one value."""
    pid = os.fork()
    if pid == 0:
        publisher, number = LatestValue(segment), 0
        while True:
            number += 1
            publisher.publish(bytes([number & 0xFF]) * (1000 + number % (SIZE - 1000)))
    try:
        buffer = memoryview(bytearray(SIZE))
        seen = set()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            length = latest.read_into(buffer)
            if length:
                assert len(set(buffer[:length])) == 1
                seen.add(length)
            value = latest.read(soon())
            assert len(set(value)) <= 1
        assert len(seen) > 1
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_publisher_stopped_in_the_middle(segment: Segment, latest: LatestValue) -> None:
    """Its readers time out, and the next publisher writes a whole value."""
    latest.publish(b"whole")
    with segment.memory[:8].cast("Q") as count:
        count[0] += 1
    with pytest.raises(TimedOut):
        latest.read(time.monotonic() + 0.05)
    assert latest.retries > 0
    after = LatestValue(segment)
    after.publish(b"mended")
    after.close()
    assert latest.read(soon()) == b"mended"
