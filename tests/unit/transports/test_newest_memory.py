"""Newest values in memory, as Python writes them: the order of large ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipcbench.transports.latest import memory
from ipcbench.transports.latest.memory import STREAMED, NewestLayout, NewestMemory, publisher


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
