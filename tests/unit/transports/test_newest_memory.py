"""Newest values in memory, as Python writes and reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.latest import memory
from ipcbench.transports.latest.memory import (
    STREAMED,
    NewestLayout,
    NewestMemory,
    publisher,
    reader,
)
from ipcbench.transports.sync.futex import ORDERED

SIZE = 64
in_order = pytest.mark.skipif(not ORDERED, reason="it needs a CPU that keeps the order of stores")
either = pytest.mark.parametrize("buffers", [1, 4])


def made(buffers: int) -> NewestMemory:
    layout = NewestLayout(SIZE, buffers)
    return NewestMemory(memoryview(bytearray(layout.bytes)), layout)


@in_order
@either
def test_only_the_newest_value_is_read_and_only_once(buffers: int) -> None:
    shared, buffer, passed = made(buffers), memoryview(bytearray(SIZE)), []
    publish, (read_into, torn) = publisher(shared, SIZE), reader(shared, lambda: passed.append(1))
    assert (read_into(buffer), passed) == (0, [1])
    for value in (b"one", b"another", b"x" * SIZE, b"1"):
        publish(b"older")
        publish(value)
        assert bytes(buffer[: read_into(buffer)]) == value
        assert read_into(buffer) == 0
    assert torn() == 0


@in_order
@either
def test_values_that_do_not_fit(buffers: int) -> None:
    """A refused value leaves the one before; a buffer that is too small leaves it unread."""
    shared, buffer = made(buffers), memoryview(bytearray(SIZE))
    publish, (read_into, _) = publisher(shared, SIZE), reader(shared, lambda: None)
    publish(b"kept")
    for refused in (bytes(SIZE + 1), b""):
        with pytest.raises(MessageTooLarge):
            publish(refused)
    with pytest.raises(MessageTooLarge):
        read_into(buffer[:3])
    assert bytes(buffer[: read_into(buffer)]) == b"kept"


@in_order
@either
def test_a_sender_killed_in_the_middle_of_a_value(buffers: int) -> None:
    """Readers find no newer value meanwhile, and the next sender writes a whole one."""
    shared, buffer = made(buffers), memoryview(bytearray(SIZE))
    read_into, _ = reader(shared, lambda: None)
    publisher(shared, SIZE)(b"whole")
    assert bytes(buffer[: read_into(buffer)]) == b"whole"
    shared.heads[2 % buffers * shared.step] = 2 * 2 - 1
    assert read_into(buffer) == 0
    publisher(shared, SIZE)(b"mended")
    assert bytes(buffer[: read_into(buffer)]) == b"mended"


@pytest.mark.parametrize(("size", "fences"), [(STREAMED - 1, 0), (STREAMED, 1)])
def test_a_fence_keeps_the_bytes_of_a_large_value_behind_its_sequence(
    monkeypatch: pytest.MonkeyPatch, size: int, fences: int
) -> None:
    """memcpy(3) may store past the caches, which x86 does not order by itself."""
    layout = NewestLayout(size, 1)
    segment = NewestMemory(memoryview(bytearray(layout.bytes)), layout)
    seen: list[tuple[int, int]] = []

    def fence() -> None:
        seen.append((segment.heads[0], segment.buffers[0][0]))

    calls: tuple[Callable[[], None], Callable[[], None]] = (fence, lambda: None)
    monkeypatch.setattr(memory, "fence_calls", lambda: calls)
    publisher(segment, size)(b"\1" * size)
    assert seen == [(1, 0)] * fences  # the odd sequence is stored, and no byte of the value
    assert (segment.heads[0], segment.buffers[0][0]) == (2, 1)
